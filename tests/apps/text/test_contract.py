"""The text app does what every app must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps import text
from tests.apps.text.writing import write_csv
from tests.commands import CommandContract
from tests.contract import AppContract


class TestText(AppContract, CommandContract):
    module, name = "apps.text.app", "text"
    dials = {"weights": "none", "seed": 1}
    fitted_before_the_loop = "closed form"
    flags = ["--weights", "none", "--seed", "1"]
    unneeded = ("pandas", "transformers", "scipy")

    def write_source(self, folder: Path) -> Path:
        return write_csv(folder / "reviews.csv")

    def one_input(self, source: Path) -> Any:
        return "a lovely story about people"

    def command_input(self, source: Path) -> str:
        return "a dreadful scene in town"


def test_texts_that_validation_learnt_from_are_told_too(tmp_path: Path) -> None:
    valid = write_csv(tmp_path / "valid.csv", 30, seed=1)
    model = text.train(write_csv(tmp_path / "train.csv", 60), valid=valid, weights="none", out=tmp_path / "model")
    assert model.facts.measured_on == "valid"
    for either in (model, text.load(tmp_path / "model")):
        assert any("30 of 30 measured texts also stand" in note for note in either.evaluate(valid)["notes"])
