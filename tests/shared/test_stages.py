"""Which stages a run goes through."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.display import Display
from shared.metrics import Classification
from shared.recipe import Recipe, Stages
from shared.run import Options, train
from shared.stages import is_enough
from tests.tiny import TinyApp, TinyPreprocessor, TinyRecipe, write_rings


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


@pytest.mark.parametrize(("noise", "stages"), [(0.0, {"frozen body"}), (1.0, {"frozen body", "train"})])
def test_without_validation_rows_cross_validation_says_whether_the_head_is_enough(
    tmp_path: Path, noise: float, stages: set[str]
) -> None:
    draws = np.random.default_rng(0)
    left = np.arange(600) < 300
    x = np.where(left, -1.0, 1.0) + noise * draws.normal(size=600)
    pd.DataFrame({"x": x, "y": 0.0, "label": np.where(left, "left", "right")}).to_csv(
        tmp_path / "points.csv", index=False
    )
    model = train(Rare("none"), tmp_path / "points.csv", NearlyThere.make({"epochs": 2}), Options(valid="none"))
    journal = model.facts.journal
    assert {entry["stage"] for entry in journal} == stages
    assert journal[0]["cross-validated accuracy"] == pytest.approx(0.84 if noise else 1.0, abs=0.03)
    assert model.facts.chosen == ("train epoch 2" if noise else "frozen body")
