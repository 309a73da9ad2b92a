"""What every app must do, once: an app's test names its app, a source and an input, and inherits all of this."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from shared import artifact as artifacts
from shared import checkpoint as checkpoints
from shared.display import Display
from shared.errors import UserError
from shared.model import Model, load
from shared.predict import Predictor
from shared.protocol import App
from shared.run import Options, learner, train
from tests.machine import ROUNDING

ROOT = Path(__file__).resolve().parent.parent

FRESH = """
import json, sys
from pathlib import Path
from shared.model import load
import importlib
app = importlib.import_module(sys.argv[1]).APP
model = load(app, sys.argv[2])
print(json.dumps([list(model.predict_sources([sys.argv[3]])), sorted(m for m in sys.modules if "." not in m)]))
"""


def plain_names(baseline: dict[str, float]) -> set[str]:
    """Names of metrics, without those of a second baseline (`bias-only:recall@10`)."""
    return {name for name in baseline if ":" not in name}


class StoppingDisplay(Display):
    """Presses Ctrl-C once `after` epochs of the main stage are logged."""

    def __init__(self, after: int) -> None:
        super().__init__(quiet=True)
        self.after, self.seen = after, 0

    def say(self, sentence: str) -> None:
        self.seen += sentence.startswith("train: epoch")
        if self.seen == self.after:
            self.after = -1
            raise KeyboardInterrupt


class AppContract:
    """Inherit, and say what your app eats. `dials` make a run of two or three seconds that learns something."""

    module: ClassVar[str]  # where APP is
    dials: ClassVar[dict[str, Any]] = {}
    loop_dials: ClassVar[dict[str, Any]] = {"epochs": 3, "patience": 0}  # a run with epochs to interrupt
    fitted_before_the_loop: ClassVar[str] = ""  # what such a run has to keep before its first epoch ends
    unneeded: ClassVar[tuple[str, ...]] = ("pandas",)  # not loaded to answer `command_input`

    def write_source(self, folder: Path) -> Path:
        """A small source that can be learnt."""
        raise NotImplementedError

    def one_input(self, source: Path) -> Any:
        """A single input for `model.predict`."""
        raise NotImplementedError

    def command_input(self, source: Path) -> str:
        """An INPUT of the command line."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    def app(self) -> App:
        import importlib

        return importlib.import_module(self.module).APP

    @pytest.fixture(scope="class")
    def source(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return self.write_source(tmp_path_factory.mktemp("source"))

    @pytest.fixture(scope="class")
    def out(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("model") / "artifact"

    @pytest.fixture(scope="class")
    def model(self, app: App, source: Path, out: Path) -> Model:
        return train(app, source, app.recipe.make(self.dials), Options(out=out))

    @pytest.fixture(scope="class")
    def stopped(self, app: App, source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
        """A run of which two epochs were trained and kept, and its folder: copy it to go on."""
        recipe, out = app.recipe.make({**self.dials, **self.loop_dials}), tmp_path_factory.mktemp("stopped") / "out"
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(checkpoints, "SECONDS", 0.0)
            return train(app, source, recipe, Options(out=out, display=StoppingDisplay(2))), out

    @pytest.fixture
    def copied(self, model: Model, out: Path, tmp_path: Path) -> Iterator[Path]:
        copy = tmp_path / "copied"
        copy.mkdir()
        for name in (artifacts.JSON, artifacts.WEIGHTS):
            (copy / name).write_bytes((out / name).read_bytes())
        yield copy

    def test_beats_its_baseline(self, app: App, model: Model) -> None:
        score = app.objective(model.preprocessor, model.recipe).score
        assert score(model.facts.metrics) > score(model.facts.baseline)
        assert set(model.facts.metrics) == plain_names(model.facts.baseline)
        assert model.facts.headline in model.facts.metrics

    def test_same_seed_repeats_the_run(self, app: App, source: Path, model: Model) -> None:
        again = train(app, source, app.recipe.make(self.dials))
        assert again.facts.metrics == pytest.approx(model.facts.metrics, rel=ROUNDING)
        assert ROUNDING or again.predict(self.one_input(source)) == model.predict(self.one_input(source))

    def test_saved_model_answers_the_same(self, app: App, source: Path, model: Model, out: Path) -> None:
        given = self.command_input(source)
        before = list(model.predict_sources([given]))
        assert list(load(app, out).predict_sources([given])) == before
        assert list(model.predict_sources(given)) == before  # one source need not stand in a list
        json.dumps(before, allow_nan=False)

    def test_fresh_process_answers_the_same_without_fastai(self, source: Path, model: Model, out: Path) -> None:
        given = self.command_input(source)
        command = [sys.executable, "-W", "ignore", "-c", FRESH, self.module, str(out), given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        answers, modules = json.loads(done.stdout.splitlines()[-1])
        assert answers == json.loads(json.dumps(list(model.predict_sources([given]))))
        assert not {"fastai", "matplotlib", *self.unneeded} & set(modules)

    def test_single_input_gives_one_answer_and_a_list_a_list(self, source: Path, model: Model) -> None:
        one = self.one_input(source)
        assert isinstance(model.predict(one), dict)
        assert [a["prediction"] for a in model.predict([one, one])] == [model.predict(one)["prediction"]] * 2

    def test_evaluates_the_source(self, source: Path, model: Model) -> None:
        result = model.evaluate(source)
        assert set(result["metrics"]) == plain_names(result["baseline"]) and result["rows"]["test"] > 0
        with pytest.raises(UserError, match="source: .* not a list"):
            model.evaluate([source])  # type: ignore[arg-type]

    def test_artifact_is_two_plain_files_without_paths(self, source: Path, model: Model, out: Path) -> None:
        assert {entry.name for entry in out.iterdir()} == {artifacts.JSON, artifacts.WEIGHTS}
        text = (out / artifacts.JSON).read_text()
        assert str(source.parent) not in text and str(Path.home()) not in text

    def test_saving_again_replaces(self, app: App, source: Path, model: Model, copied: Path) -> None:
        model.save(copied)
        assert load(app, copied).predict(self.one_input(source)) == model.predict(self.one_input(source))

    def test_full_disk_leaves_the_old_artifact(
        self, app: App, source: Path, model: Model, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(path: Path, content: bytes) -> None:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(artifacts, "_put", full)
        with pytest.raises(UserError, match="No space left"):
            model.save(copied)
        assert {entry.name for entry in copied.iterdir()} == {artifacts.JSON, artifacts.WEIGHTS}
        assert load(app, copied).predict(self.one_input(source)) == model.predict(self.one_input(source))

    def test_flipped_byte_is_found(self, app: App, copied: Path) -> None:
        content = bytearray((copied / artifacts.WEIGHTS).read_bytes())
        content[len(content) // 2] ^= 1
        (copied / artifacts.WEIGHTS).write_bytes(content)
        with pytest.raises(UserError, match="checksum"):
            load(app, copied)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"format": 99}, "newer"),
            ({"format": None}, "damaged"),
            ({"app": "another"}, "another app"),
            ({"preprocessor": {}}, "description"),
            ({"recipe": {"unheard": 1}}, "description"),
            ({"weights": {"file": "../../x", "sha256": ""}}, "do not trust"),
        ],
    )
    def test_hostile_description_is_refused(self, app: App, copied: Path, change: dict[str, Any], said: str) -> None:
        described = json.loads((copied / artifacts.JSON).read_text())
        (copied / artifacts.JSON).write_text(json.dumps(described | change))
        with pytest.raises(UserError, match=said):
            load(app, copied)

    def test_crash_between_the_two_moves_is_the_new_artifact(self, app: App, source: Path, copied: Path) -> None:
        before = load(app, copied).predict(self.one_input(source))
        (copied / artifacts.WEIGHTS).rename(copied / artifacts.WAITING)
        (copied / artifacts.WEIGHTS).write_bytes(b"an older model's weights")
        assert load(app, copied).predict(self.one_input(source)) == before

    def test_no_such_source_is_said(self, app: App, tmp_path: Path) -> None:
        for valid, test in ((None, None), ("none", None)):
            with pytest.raises(UserError):
                app.read(tmp_path / "nowhere", app.recipe.make({}), valid, test)

    def test_empty_folder_is_said(self, app: App, tmp_path: Path) -> None:
        with pytest.raises(UserError):
            app.read(tmp_path, app.recipe.make({}), None, None)

    def test_failed_run_writes_nothing(self, app: App, tmp_path: Path) -> None:
        with pytest.raises(UserError):
            train(app, tmp_path / "nowhere", app.recipe.make({}), Options(out=tmp_path / "out"))
        assert not (tmp_path / "out").exists()

    def test_folder_of_something_else_is_not_replaced(self, app: App, source: Path, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(UserError, match="not a model of ours"):
            train(app, source, app.recipe.make(self.dials), Options(out=tmp_path))

    def test_ctrl_c_keeps_the_best_so_far(self, app: App, source: Path, stopped: tuple[Model, Path]) -> None:
        model, out = stopped
        assert model.facts.interrupted
        assert len([e for e in model.facts.journal if e["stage"] == "train"]) == 2
        assert load(app, out).predict(self.one_input(source)) == model.predict(self.one_input(source))

    def test_ctrl_c_before_the_first_epoch_ends_keeps_what_is_fitted_or_nothing(
        self, app: App, source: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(watch: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("shared.train.Watch.after_batch", stop)
        before = {entry.name: entry.read_bytes() for entry in copied.iterdir()}
        recipe, options = app.recipe.make({**self.dials, **self.loop_dials}), Options(out=copied)
        if self.fitted_before_the_loop:
            stopped = train(app, source, recipe, options)
            score = app.objective(stopped.preprocessor, stopped.recipe).score
            assert stopped.facts.chosen == self.fitted_before_the_loop and stopped.facts.interrupted
            assert score(stopped.facts.metrics) > score(stopped.facts.baseline)
        else:
            with pytest.raises(KeyboardInterrupt):
                train(app, source, recipe, options)
            assert {entry.name: entry.read_bytes() for entry in copied.iterdir()} == before

    def test_resumed_run_ends_as_the_uninterrupted_one(
        self, app: App, source: Path, stopped: tuple[Model, Path], tmp_path: Path
    ) -> None:
        recipe = app.recipe.make({**self.dials, **self.loop_dials})
        out = shutil.copytree(stopped[1], tmp_path / "out")
        whole = train(app, source, recipe)
        resumed = train(app, source, recipe, Options(out=out, resume=True))
        assert resumed.facts.metrics == pytest.approx(whole.facts.metrics, rel=ROUNDING, abs=1e-12)
        assert ROUNDING or resumed.predict(self.one_input(source)) == whole.predict(self.one_input(source))
        assert ROUNDING or resumed.facts.journal == whole.facts.journal
        assert not (out / checkpoints.NAME).exists()

    def test_resuming_another_run_is_refused(
        self, app: App, source: Path, stopped: tuple[Model, Path], tmp_path: Path
    ) -> None:
        recipe = app.recipe.make({**self.dials, **self.loop_dials})
        out = shutil.copytree(stopped[1], tmp_path / "out")
        with pytest.raises(UserError, match="other data or dials"):
            train(app, source, replace(recipe, lr=recipe.lr / 2), Options(out=out, resume=True))

    def test_starts_from_an_earlier_model(self, app: App, source: Path, model: Model, out: Path) -> None:
        recipe = app.recipe.make({**self.dials, "epochs": 1})
        facts = train(app, source, recipe, Options(start_from=out)).facts
        assert facts.metrics and not any(note.endswith("from scratch") for note in facts.notes)

    def test_learner_is_fastais_own(self, app: App, source: Path) -> None:
        from fastai.learner import Learner

        made = learner(app, source, app.recipe.make({**self.dials, **self.loop_dials, "precision": "fp32"}))
        assert isinstance(made, Learner)
        with made.no_bar(), made.no_logging():
            made.fit_one_cycle(1)
            first = made.dls.one_batch()
            assert len(first[made.dls.train.n_inp]) and torch.equal(first[0], made.dls.one_batch()[0])
            outputs, targets = made.get_preds(ds_idx=0)
            assert len(made.validate()) == 2 and len(made.get_preds()[1]) == len(made.dls.valid.data)
        rows = made.dls.train.data
        assert made.recorder.values and torch.equal(targets, rows.targets)
        assert torch.allclose(outputs, Predictor(made.model).outputs(rows.inputs), atol=1e-4)

    def test_a_model_shows_itself_in_a_line(self, app: App, model: Model) -> None:
        assert repr(model).startswith(f"<{app.name} model: {model.facts.headline} ") and len(repr(model)) < 80
        unmeasured = replace(model, facts=replace(model.facts, metrics={}))
        assert repr(unmeasured) == f"<{app.name} model: not measured>"

    def test_state_survives_json(self, app: App, model: Model) -> None:
        state = json.loads(json.dumps(model.preprocessor.state(), allow_nan=False))
        assert app.restore(state, model.preprocessor.tensors()).state() == model.preprocessor.state()

    def test_recipe_survives_the_artifact(self, app: App, model: Model, out: Path) -> None:
        stored = load(app, out).recipe
        assert asdict(replace(stored, weights="")) == asdict(replace(model.recipe, weights=""))
