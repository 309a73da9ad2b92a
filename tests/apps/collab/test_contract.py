"""Collab keeps the contract that all apps keep: with ratings, and with implicit feedback."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from tests.apps.collab.patterns import write_likes, write_ratings
from tests.contract import AppContract


class TestRatings(AppContract):
    module = "apps.collab.app"
    dials: ClassVar[dict[str, Any]] = {"samples": 10, "burn": 5, "factors": 3, "strength": 10.0}
    loop_dials: ClassVar[dict[str, Any]] = {"epochs": 3, "patience": 0, "batch_size": 256}

    def write_source(self, folder: Path) -> Path:
        return write_ratings(folder / "ratings.csv")

    def one_input(self, source: Path) -> Any:
        return {"user": "user 1", "item": "item 3"}

    def command_input(self, source: Path) -> str:
        return "user 1,item 3"


class TestRanking(TestRatings):
    dials: ClassVar[dict[str, Any]] = {"strength": 10.0}
    fitted_before_the_loop = "closed form"

    def write_source(self, folder: Path) -> Path:
        return write_likes(folder / "likes.csv")
