"""Pairs that stand in training and in what is measured are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.collab.reading import read_splits
from apps.collab.recipe import CollabRecipe


@pytest.mark.parametrize("header", ["user,item,rating", "user,item,when"])
def test_pairs_of_training_in_the_test_are_told(tmp_path: Path, header: str) -> None:
    train, same, other = (tmp_path / name for name in ("train.csv", "same.csv", "other.csv"))
    rows = [f"u{i % 4},i{i % 5},{1 + i % 3}" for i in range(20)]
    train.write_text("\n".join([header, *rows[:15]]))
    same.write_text("\n".join([header, *rows[12:]]))
    other.write_text("\n".join([header, *rows[15:]]))
    recipe = CollabRecipe(task="ratings" if "rating" in header else "ranking")
    said = [note for note in read_splits(train, recipe, None, same).notes if "have a user and item" in note]
    assert len(said) == 1 and said[0].startswith("3 of 8 test rows")
    for valid, test in ((None, other), (None, None), (other, None)):
        assert not any("user and item of the training" in n for n in read_splits(train, recipe, valid, test).notes)
