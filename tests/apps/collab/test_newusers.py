"""Whole users held out: a few rows shown, the rest asked, and the answers are those that folding in gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps import collab
from apps.collab.app import APP
from apps.collab.learning import _trial
from apps.collab.reading import read_splits
from apps.collab.recipe import CollabRecipe
from apps.collab.splitting import hold_out_users
from shared.display import Clock
from shared.errors import UserError
from shared.run import Options, prepare
from tests.apps.collab.patterns import write_likes, write_ratings


def test_held_out_users_show_their_first_rows_and_are_never_trained_on(tmp_path: Path) -> None:
    recipe = CollabRecipe.make({"split": "users", "test_fraction": 0.25, "shown": 3})
    splits = read_splits(write_ratings(tmp_path / "a.csv"), recipe, None, None)
    asked = splits.test.inputs
    held = set(asked.columns["user"])
    assert len(held) == 15 and not held & set(splits.train.inputs["user"])
    shown = asked.shown.inputs
    assert all(list(shown["user"]).count(user) == 3 for user in held)
    assert len(splits.train) + len(asked.shown) + len(splits.test) == 60 * 20
    for user in held:
        before, after = (part["time"][part["user"] == user] for part in (shown, asked.columns))
        assert before.max() < after.min()


@pytest.mark.parametrize(
    ("write", "dials"),
    [(write_likes, {"strength": 10.0}), (write_ratings, {"samples": 20, "burn": 10, "factors": 3, "strength": 10.0})],
)
def test_new_users_are_answered_better_than_by_the_baseline(tmp_path: Path, write: Any, dials: dict[str, Any]) -> None:
    model = collab.train(write(tmp_path / "a.csv"), split="users", test_fraction=0.2, **dials)
    better = -1 if model.facts.headline == "rmse" else 1
    metrics, baseline = model.facts.metrics, model.facts.baseline
    assert set(metrics) == set(baseline)
    assert better * metrics[model.facts.headline] > 1.2 * better * baseline[model.facts.headline] - 0.1 * (better < 0)


def test_measured_ratings_are_those_of_recommending_with_a_history(tmp_path: Path) -> None:
    recipe = {"split": "users", "test_fraction": 0.2, "samples": 5, "burn": 3, "strength": 10.0}
    source = write_ratings(tmp_path / "a.csv")
    model = collab.train(source, **recipe)
    splits = read_splits(source, CollabRecipe.make(recipe), None, None)
    asked, shown = splits.test.inputs, splits.test.inputs.shown
    history = list(zip(shown.inputs["user"], shown.inputs["item"], shown.targets, strict=True))
    rated = {
        (answer["user"], line["item"]): line["rating"]
        for answer in collab.recommend(model, k=99, history=history)
        for line in answer["items"]
    }
    errors = [
        rated[pair] - rating
        for *pair_, rating in zip(asked.columns["user"], asked.columns["item"], splits.test.targets, strict=True)
        if (pair := tuple(pair_))
    ]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(model.facts.metrics["rmse"], abs=1e-3)


def test_nobody_with_enough_rows_is_said(tmp_path: Path) -> None:
    splits = read_splits(write_likes(tmp_path / "a.csv"), CollabRecipe(), None, None)
    with pytest.raises(UserError, match="--shown"):
        hold_out_users(splits.train, 0.2, 1000, 0)


def test_new_users_validate_epochs_by_the_network_that_is_kept(tmp_path: Path) -> None:
    dials = {"split": "users", "valid_fraction": 0.2, "epochs": 1, "factors": 3}
    facts = collab.train(write_ratings(tmp_path / "a.csv"), **dials).facts
    assert facts.journal[-1]["rmse"] == pytest.approx(facts.valid["rmse"], rel=0.01)  # the noise is measured last


def test_weights_of_a_blend_are_judged_by_known_users(tmp_path: Path) -> None:
    recipe = CollabRecipe.make({"split": "users", "valid_fraction": 0.2, "task": "ranking", "epochs": 1})
    setup = prepare(APP, write_likes(tmp_path / "a.csv"), recipe, Options(), Clock()).setup
    trial = _trial(setup, setup.network, setup.objective.preprocessor)
    assert len(setup.valid) and len(trial.pairs) > 20 and (trial.pairs[:, 0] > 0).all()
