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
    assert found["rows"]["test"] == 7 and not any("measured rows have" in note for note in found["notes"])


def test_users_and_items_that_training_never_saw_are_told(tmp_path: Path) -> None:
    train, other, gaps = (tmp_path / name for name in ("train.csv", "other.csv", "gaps.csv"))
    rows = [f"{i % 4},{i % 5},{1 + i % 3}" for i in range(15)]
    train.write_text("\n".join(["user,item,rating", *rows]))
    other.write_text("user,item,rating\n0,9,1\n04,1,1\n4,8,2\n")
    gaps.write_text("user,item,rating\n0.0,0,1\n2.0,1,1\n,3,2\n")  # as pandas writes users of which one is missing
    recipe, told = CollabRecipe(), "that training never saw"
    notes = read_splits(train, recipe, "none", other).notes
    assert any(note.startswith(f"of 3 test rows 2 have a user and 2 an item {told}") for note in notes)
    notes = read_splits(train, recipe, "none", gaps).notes
    assert not any(told in note for note in notes) and any(note.startswith("2 of 2 test rows have") for note in notes)
    assert not any(told in note for note in read_splits(train, recipe, None, None).notes)


def test_ids_with_and_without_a_point_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("user,item\n" + "".join(f"{i % 7}.0,{i % 5}\n" for i in range(30)))
    model = collab.train(tmp_path / "train.csv", strength=10.0)
    for name in ("3", "3.0", 3, 3.0):
        assert collab.recommend(model, [name])[0]["basis"] == "personal"
    found = collab.recommend(model, ["9.0", "03"], history=[(9, 1), (9, 2.0)])
    assert [answer["basis"] for answer in found] == ["folded-in", "popular"] and found[0]["support"] == 2


def test_rows_measured_that_are_older_than_the_training_rows_are_told(tmp_path: Path) -> None:
    rows = [f"{i % 4},{i % 5},{1 + i % 3},{i}" for i in range(20)]
    early, late = tmp_path / "early.csv", tmp_path / "late.csv"
    early.write_text("\n".join(["user,item,rating,time", *rows[:12]]))
    late.write_text("\n".join(["user,item,rating,time", *rows[12:]]))
    said = "12 of 12 test rows are older than the last training row: training has seen their future"
    assert said in read_splits(late, CollabRecipe(), "none", early).notes
    assert not any("older" in note for note in read_splits(early, CollabRecipe(), "none", late).notes)
