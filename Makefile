# Glance: `make vision`, `make text`, `make tabular`, `make collab`, `make test`. Each sets up .venv by itself.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.ready

.PHONY: vision text tabular collab test check format clean

vision text tabular collab: $(READY)
	@$(RUN) -m apps $@ train $(if $(DATA),"$(DATA)") $(ARGS)

test: $(READY)
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadfile $(ARGS)

check: $(READY)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(MAKE) --no-print-directory test

format: $(READY)
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (a few minutes the first time) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[all,dev]"
	@touch $@
