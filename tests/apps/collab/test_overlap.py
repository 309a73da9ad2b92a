"""Pairs that stand in training and in what is measured are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps import collab
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


def test_evaluating_a_folder_takes_its_validation_and_tells_rows_of_training(tmp_path: Path) -> None:
    header, rows = "user,item", [f"u{i % 7},i{i % 5}" for i in range(35)]
    (tmp_path / "train.csv").write_text("\n".join([header, *rows[:30]]))
    (tmp_path / "valid.csv").write_text("\n".join([header, *rows[28:]]))
    model = collab.train(tmp_path, strength=10.0)
    found = model.evaluate(tmp_path)
    assert found["rows"]["test"] == 7
    assert any(note.startswith("2 of 7 measured rows have a user and item of the training") for note in found["notes"])
    (tmp_path / "test.csv").write_text("\n".join([header, *rows[30:], "nobody,i1", "u1,nothing"]))
    found = model.evaluate(tmp_path)
    assert found["rows"]["test"] == 7 and not any("measured rows" in note for note in found["notes"])
