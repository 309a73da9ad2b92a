"""Which stages a run goes through."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import nn

from shared.display import Display
from shared.head import LinearHead
from shared.metrics import Classification
from shared.recipe import Recipe, Stages
from shared.run import Options, train
from shared.stages import is_enough
from tests.tiny import TinyApp, TinyNetwork, TinyPreprocessor, TinyRecipe, write_rings


@pytest.mark.parametrize(
    ("reached", "rows", "answer"),
    [(0.98, 1000, True), (0.96, 150, True), (0.96, 4000, False), (0.95, 20, True), (0.5, 12, False), (0.0, 5, False)],
)
def test_fine_tuning_is_left_out_where_validation_could_not_judge_it(reached: float, rows: int, answer: bool) -> None:
    """At 0.96 of 150 rows one standard error reaches 0.97; of 4,000 rows it does not."""
    assert is_enough(reached, rows, 0.97) == answer


class NearlyThere(TinyRecipe):
    def stages(self) -> Stages:
        return Stages(self.frozen_epochs, enough=0.97)


class Rare(TinyApp):
    recipe = NearlyThere

    def __init__(self, class_weights: str) -> None:
        self.class_weights = class_weights

    def objective(self, preprocessor: TinyPreprocessor, recipe: Recipe) -> Classification:
        return Classification(preprocessor.labels, class_weights=self.class_weights)


@pytest.mark.parametrize(("class_weights", "stages"), [("none", {"frozen body"}), ("auto", {"frozen body", "train"})])
def test_fine_tuning_is_left_out_by_what_is_to_be_right(tmp_path: Path, class_weights: str, stages: set[str]) -> None:
    """Half of a class of one row in fifty looks like the other: 98 % of rows are right, but three quarters of the classes."""
    draws = np.random.default_rng(0)
    points = draws.normal(size=(4000, 2))
    points[:40] += 20
    table = pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "label": np.where(np.arange(4000) < 80, "rare", "usual")}
    )
    table.to_csv(tmp_path / "points.csv", index=False)
    model = train(Rare(class_weights), tmp_path / "points.csv", NearlyThere.make({"epochs": 1}))
    assert {entry["stage"] for entry in model.facts.journal} == stages
    chosen_by = {"none": "accuracy", "auto": "balanced_accuracy"}[class_weights]
    assert all(
        chosen_by in entry and len(entry.keys() & model.facts.valid.keys()) == 1 for entry in model.facts.journal
    )


@pytest.mark.parametrize(("frozen_epochs", "anew"), [(None, True), (0, False), (1, False)])
def test_a_head_that_is_fitted_anew_is_told_beside_what_it_started_from(
    tmp_path: Path, frozen_epochs: int | None, anew: bool
) -> None:
    source, said = write_rings(tmp_path / "rings.csv"), io.StringIO()
    recipe = TinyRecipe.make({"epochs": 0, "frozen_epochs": frozen_epochs})
    train(TinyApp(), source, TinyRecipe.make({"epochs": 0}), Options(out=tmp_path / "out"))
    train(TinyApp(), source, recipe, Options(start_from=tmp_path / "out", display=Display(stream=said)))
    (line,) = (line for line in said.getvalue().splitlines() if line.startswith("start from"))
    assert ("head is fitted anew" in line) == anew


class Narrow(TinyApp):
    """Its features, as they begin, do not tell rings apart."""

    recipe = NearlyThere

    def model(self, preprocessor: TinyPreprocessor, recipe: TinyRecipe, pretrained: bool) -> TinyNetwork:
        network = TinyNetwork(2, 0.0)
        network.body, network.head = nn.Sequential(nn.Linear(2, 4), nn.ReLU()), LinearHead(4, 2)
        return network


def _sides(path: Path, noise: float) -> Path:
    left = np.arange(600) < 300
    x = np.where(left, -1.0, 1.0) + noise * np.random.default_rng(0).normal(size=600)
    pd.DataFrame({"x": x, "y": 0.0, "label": np.where(left, "left", "right")}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("app", "source", "lr", "chosen", "said"),
    [
        (Rare("none"), partial(_sides, noise=0.0), 1e-3, "frozen body", "the frozen body is enough"),
        (Rare("none"), partial(_sides, noise=1.0), 10.0, "frozen body", "does not pay"),
        (
            Narrow(),
            partial(write_rings, rows=2600),
            0.03,
            "train epoch 8",
            "on 2,000 training rows, judged by 500 others",
        ),
    ],
)
def test_without_validation_rows_parts_of_training_say_whether_to_fine_tune(
    tmp_path: Path, app: TinyApp, source: Callable[[Path], Path], lr: float, chosen: str, said: str
) -> None:
    shown, table = io.StringIO(), source(tmp_path / "points.csv")
    recipe = NearlyThere.make({"epochs": 8, "lr": lr, "batch_size": 128})
    model = train(app, table, recipe, Options(valid="none", test=table, display=Display(stream=shown)))
    assert model.facts.chosen == chosen and said in shown.getvalue()
    alone = model.facts.journal[0]["cross-validated accuracy"]
    assert model.facts.metrics["accuracy"] > alone + (0.05 if chosen != "frozen body" else -0.02)
    assert (chosen == "frozen body") == (alone > 0.8)
    assert {entry["stage"] for entry in model.facts.journal} == {"frozen body", chosen.split()[0]} - {"frozen"}
