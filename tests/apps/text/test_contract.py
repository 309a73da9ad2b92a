"""The text app does what every app must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
