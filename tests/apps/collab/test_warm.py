"""Warm start: what an earlier model knows is matched by raw id."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from apps import collab
from apps.collab.app import APP
from shared.artifact import read
from shared.errors import UserError
from tests.apps.collab.patterns import write_likes, write_ratings

FAST = {"samples": 8, "burn": 4, "strength": 10.0}


def reordered(path: Path, step: int) -> Path:
    """Every so manyth row of a table, last first, and a stranger: no position stays what it was."""
    lines = path.read_text().splitlines()
    stranger = lines[1].replace("user 0", "stranger")
    other = path.with_name("other.csv")
    other.write_text("\n".join([lines[0], stranger, *reversed(lines[1::step])]) + "\n")
    return other


def test_ratings_are_mixed_by_raw_id(tmp_path: Path) -> None:
    large = write_ratings(tmp_path / "large.csv")
    collab.train(large, test_fraction=0, out=tmp_path / "out", **FAST)
    small = reordered(large, 6)
    cold = collab.train(small, test_fraction=0, **FAST)
    warm = collab.train(small, test_fraction=0, start_from=tmp_path / "out", **FAST)
    assert warm.evaluate(large)["metrics"]["rmse"] < 0.9 * cold.evaluate(large)["metrics"]["rmse"]
    assert isinstance(warm.predict(("stranger", "item 0")), dict)


def test_new_users_of_a_known_catalogue_are_folded_in(tmp_path: Path) -> None:
    collab.train(write_ratings(tmp_path / "large.csv"), test_fraction=0, out=tmp_path / "out", **FAST)
    theirs = (
        write_ratings(tmp_path / "shop.csv", users=12, seed=5).read_text().replace("user ", "customer ").splitlines()
    )
    (tmp_path / "shop.csv").write_text("\n".join([theirs[0], *theirs[1::4]]) + "\n")
    (tmp_path / "rest.csv").write_text("\n".join([theirs[0], *theirs[2::4], *theirs[3::4]]) + "\n")
    cold = collab.train(tmp_path / "shop.csv", test_fraction=0, **FAST)
    warm = collab.train(tmp_path / "shop.csv", test_fraction=0, start_from=tmp_path / "out", **FAST)
    found = [model.evaluate(tmp_path / "rest.csv")["metrics"]["rmse"] for model in (cold, warm)]
    assert found[1] < 0.8 * found[0]


def test_said_how_many_are_known(tmp_path: Path) -> None:
    likes = write_likes(tmp_path / "likes.csv")
    model = collab.train(likes, test_fraction=0, out=tmp_path / "out", **FAST)
    network = model.predictor.network.cpu()  # where a run adopts
    before = network.weight.clone()
    said = APP.adopt(network, model.preprocessor, read(tmp_path / "out", "collab"))
    assert said == "knows 80 of 80 users and 40 of 40 items"
    assert torch.allclose(network.weight, before, atol=1e-6)


def test_other_task_is_refused(tmp_path: Path) -> None:
    collab.train(write_likes(tmp_path / "likes.csv"), out=tmp_path / "out", **FAST)
    with pytest.raises(UserError, match="task is ranking"):
        collab.train(write_ratings(tmp_path / "ratings.csv"), start_from=tmp_path / "out", **FAST)


def test_rows_measured_that_the_earlier_model_learnt_from_are_told(tmp_path: Path) -> None:
    lines = write_likes(tmp_path / "all.csv").read_text().splitlines(keepends=True)
    half = tmp_path / "half.csv"
    half.write_text("".join(lines[: len(lines) // 2]))
    collab.train(half, strength=10.0, test_fraction=0.0).save(tmp_path / "earlier")
    model = collab.train(tmp_path / "all.csv", strength=10.0, start_from=tmp_path / "earlier")
    told = f"rows have a user and item of the training rows of {tmp_path / 'earlier'}: results mislead"
    assert sum(told in note for note in model.facts.notes) == 1
    rest = tmp_path / "rest.csv"
    rest.write_text("".join([lines[0], *lines[len(lines) // 2 + 1 :]]))
    model = collab.train(half, strength=10.0, start_from=tmp_path / "earlier", test=rest)
    assert not any(told in note for note in model.facts.notes)
    collab.train(half, strength=10.0, start_from=tmp_path / "earlier", split="users")
