"""Folders of data: their parts and tables are told by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import UserError
from shared.folders import data_tables, find_parts


def test_parts_of_a_folder(tmp_path: Path) -> None:
    for name in ("train.csv", "dev.tsv", "test.csv.xz", "notes.md"):
        (tmp_path / name).write_text("x")
    assert {part: path.name for part, path in find_parts(tmp_path).items()} == {
        "train": "train.csv",
        "valid": "dev.tsv",
        "test": "test.csv.xz",
    }


def test_two_tables_of_one_part_are_refused(tmp_path: Path) -> None:
    for name in ("dev.csv", "train.csv", "train.csv.gz"):
        (tmp_path / name).write_text("x")
    assert find_parts(tmp_path) == {"valid": tmp_path / "dev.csv", "train": tmp_path / "train.csv"}
    (tmp_path / "val.tsv").write_text("x")
    with pytest.raises(UserError, match=r"dev.csv and val.tsv are both valid rows"):
        find_parts(tmp_path)


@pytest.mark.parametrize(
    "name", ["README.txt", "readme-en.TXT", "LICENCE.txt", "SOURCE.txt.gz", "categories.json", "._a.csv"]
)
def test_what_tells_of_the_data_stands_aside(tmp_path: Path, name: str) -> None:
    for one in ("data.csv", name):
        (tmp_path / one).write_text("x")
    assert [path.name for path in data_tables(tmp_path)] == ["data.csv"]


@pytest.mark.parametrize("name", ["source.csv", "licences.txt", "sources.json", "categories.csv"])
def test_a_table_of_such_a_name_is_data(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert [path.name for path in data_tables(tmp_path)] == [name]
