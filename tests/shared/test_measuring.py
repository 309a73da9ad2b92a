"""Ctrl-C while a trained model is measured: the model stays, and what is not known of it is not told."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from apps.showing import show_training
from shared.display import Display
from shared.metrics import Classification
from shared.model import load
from shared.protocol import Data
from shared.run import Options, train
from tests.tiny import APP, TinyApp, TinyRecipe, write_rings


class StopsAt(TinyApp):
    """Presses Ctrl-C when so many measurements have begun: the head's, validation's, the test rows'."""

    def __init__(self, number: int) -> None:
        self.left = number

    def objective(self, preprocessor: Any, recipe: Any) -> Any:
        app = self

        class Stopping(Classification):
            def measure(self, predict: Any, data: Data) -> dict[str, float]:
                app.left -= 1
                if app.left == 0:
                    raise KeyboardInterrupt
                return super().measure(predict, data)

        found = super().objective(preprocessor, recipe)
        found.__class__ = Stopping
        return found


@pytest.mark.parametrize(("number", "valid_known"), [(2, False), (3, True)])
def test_a_model_whose_measuring_is_stopped_is_kept(
    tmp_path: Path, number: int, valid_known: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    rings, out = write_rings(tmp_path / "rings.csv"), tmp_path / "out"
    whole = train(APP, rings, TinyRecipe.make({"epochs": 0}))
    stopped = train(StopsAt(number), rings, TinyRecipe.make({"epochs": 0}), Options(out=out))
    facts = load(APP, out).facts
    assert facts.interrupted and not facts.metrics and bool(facts.valid) == valid_known
    assert facts.notes[-1] == "stopped by Ctrl-C before it was measured" and facts.chosen == "frozen body"
    assert load(APP, out).predict((0.1, 0.2)) == stopped.predict((0.1, 0.2)) == whole.predict((0.1, 0.2))
    show_training(Display(stream=sys.stderr), "text", out, facts)
    told = capsys.readouterr().err
    assert f"it was not measured: glance text evaluate {out}" in told and "baseline" not in told


def test_what_is_fitted_once_more_by_half_is_taken_back(tmp_path: Path) -> None:
    class Completing(TinyApp):
        def complete(self, network: Any, setup: Any) -> str:
            torch.nn.init.zeros_(network.head.linear.weight)
            raise KeyboardInterrupt

    rings = write_rings(tmp_path / "rings.csv")
    whole, stopped = (train(app, rings, TinyRecipe.make({"epochs": 0})) for app in (APP, Completing()))
    assert stopped.facts.interrupted and stopped.predict((0.1, 0.2)) == whole.predict((0.1, 0.2))
