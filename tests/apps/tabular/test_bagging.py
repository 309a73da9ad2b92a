"""Several networks, each kept from a part of the rows: stopped, resumed, and answering together."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from apps.tabular import load, train
from apps.tabular.app import APP
from apps.tabular.recipe import TabularRecipe
from shared import checkpoint as checkpoints
from shared.display import Display
from shared.predict import Predictor
from shared.protocol import Encoded
from shared.run import Options
from shared.run import train as run
from tests.apps.tabular.tables import write_prices
from tests.apps.tabular.test_contract import SMALL
from tests.machine import ROUNDING

BAGGED = {**SMALL, "folds": 2, "patience": 0, "forests": 1}


class StopInSecond(Display):
    """Presses Ctrl-C once the second network has an epoch behind it."""

    def say(self, sentence: str) -> None:
        if sentence.startswith("train 2: epoch"):
            raise KeyboardInterrupt


def test_bag_that_is_stopped_answers_as_it_is_saved_and_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    source, out, recipe = write_prices(tmp_path / "prices.csv"), tmp_path / "out", TabularRecipe.make(BAGGED)
    stopped = run(APP, source, recipe, Options(out=out, display=StopInSecond(quiet=True)))
    asked = {"size": 100, "age": 10}
    assert stopped.facts.interrupted and load(out).predict(asked) == stopped.predict(asked)
    resumed = run(APP, source, recipe, Options(out=out, resume=True))
    whole = run(APP, source, recipe)
    assert resumed.facts.metrics == pytest.approx(whole.facts.metrics, rel=ROUNDING, abs=1e-9)
    assert ROUNDING or resumed.predict(asked) == whole.predict(asked)


def test_bag_that_is_stopped_while_it_settles_answers_as_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Predictor):
        def outputs(self, inputs: Encoded) -> torch.Tensor:
            raise KeyboardInterrupt

    monkeypatch.setattr("apps.tabular.settling.Predictor", Stopped)
    source, out = write_prices(tmp_path / "prices.csv"), tmp_path / "out"
    stopped = run(APP, source, TabularRecipe.make(BAGGED), Options(out=out))
    asked = {"size": 100, "age": 10}
    assert stopped.facts.interrupted and load(out).predict(asked) == stopped.predict(asked)


def test_bagged_regression_answers_with_intervals(tmp_path: Path) -> None:
    model = train(write_prices(tmp_path / "prices.csv"), **BAGGED, valid="none")
    assert model.facts.metrics["rmse"] < 0.5 * model.facts.baseline["rmse"]
    assert {entry["stage"] for entry in model.facts.journal} == {"train", "train 2"}
    answer = model.predict({"size": 100, "age": 10})
    assert answer["interval"][0] <= answer["value"] <= answer["interval"][1]
