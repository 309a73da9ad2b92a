"""Ratings: what is read as a number, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps import collab
from apps.collab.reading import read_splits
from shared.errors import UserError
from tests.apps.collab.patterns import write_ratings
from tests.apps.collab.test_reading import ALL, read


def test_ranking_by_every_row_does_without_ratings_that_are_no_numbers(tmp_path: Path) -> None:
    text = "user,item,rating\nu,i,4 stars\nu,j,5 stars\nv,i,\n"
    with pytest.raises(UserError, match="4 stars.*rank without ratings with --task ranking"):
        read(tmp_path, text)
    splits = read(tmp_path, text, replace(ALL, task="ranking"))
    assert len(splits.train) == 3 and "rating holds other than numbers and is not used" in " ".join(splits.notes)
    with pytest.raises(UserError, match="4 stars"):
        read(tmp_path, text, replace(ALL, task="ranking", positive=4.0))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_true_and_false_are_ratings_by_every_road(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"user": ["u", "u", "v"], "item": ["i", "j", "i"], "rating": [True, False, True]})
    if name.endswith(".parquet"):
        frame.to_parquet(tmp_path / name)
    elif name.endswith(".jsonl"):
        frame.to_json(tmp_path / name, orient="records", lines=True)
    else:
        frame.to_csv(tmp_path / name, index=False)
    assert read_splits(tmp_path / name, ALL, None, None).train.targets.tolist() == [1.0, 0.0, 1.0]


def test_items_that_were_shown_and_not_used_are_not_taken_for_chosen(tmp_path: Path) -> None:
    splits = read(tmp_path, "user,item,clicks\nu,i,1\nu,j,0\nu,k,2\nv,i,3\nv,k,1\nv,k,0\n")
    assert "2 rows have clicks 0, which is no use: left out" in " ".join(splits.notes)
    assert splits.train.targets.tolist() == [["u", "i"], ["u", "k"], ["v", "i"], ["v", "k"]]


def test_ratings_of_a_tiny_unit_keep_their_digits(tmp_path: Path) -> None:
    """Shares of clicks, say: four decimals made every answer 0."""
    table = pd.read_csv(write_ratings(tmp_path / "stars.csv"))
    table["rating"] *= 1e-5
    table.to_csv(tmp_path / "shares.csv", index=False)
    model = collab.train(tmp_path / "shares.csv", samples=5, burn=2, factors=2, strength=10)
    answers = model.predict(list(zip(table["userId"], table["movieId"], strict=True)))
    given = np.array([answer["value"] for answer in answers])
    assert len(set(given.tolist())) > 1 and np.abs(given - table["rating"]).mean() < 1e-5
    (lists,) = collab.recommend(model, ["user 1"], k=2)
    assert all(0 < item["rating"] < 6e-5 for item in lists["items"])
