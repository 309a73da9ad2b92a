"""Collab keeps the contract that all apps keep: with ratings, and with implicit feedback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from apps import collab
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


@pytest.mark.parametrize("write", [write_ratings, write_likes])
def test_callbacks_of_a_learner_have_rows_to_choose_by(write: Callable[[Path], Path], tmp_path: Path) -> None:
    from fastai.callback.tracker import EarlyStoppingCallback

    learner = collab.learner(write(tmp_path / "rows.csv"), epochs=1)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(2, cbs=EarlyStoppingCallback(monitor="valid_loss"))
    assert np.isfinite(learner.recorder.values).all() and len(learner.get_preds()[1])
    assert not len(collab.learner(tmp_path / "rows.csv", valid_fraction=0).dls.valid.data)


def test_a_learner_validates_beside_items_that_its_training_rows_lack(tmp_path: Path) -> None:
    likes = write_likes(tmp_path / "rows.csv")
    likes.write_text(likes.read_text() + "".join(f"user {user},only {user}\n" for user in range(80)))
    learner = collab.learner(likes, epochs=1)
    assert (learner.dls.valid.data.targets[:, 1] == 0).any()
    with learner.no_bar():
        assert np.isfinite(learner.validate()).all()


@pytest.mark.parametrize("write", [write_ratings, write_likes])
def test_a_learner_of_new_users_trains_without_validating(write: Callable[[Path], Path], tmp_path: Path) -> None:
    learner = collab.learner(write(tmp_path / "rows.csv"), epochs=1, split="users")
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1)
    assert len(learner.dls.valid.data) and np.isfinite(learner.recorder.losses[-1])
