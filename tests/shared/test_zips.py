"""Zips: the one table in them is read, whatever its form and whatever lies beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.folders import find_parts
from shared.tables import format_of, is_table, read_table, told_encoding


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.tsv"])
def test_a_zip_is_the_table_in_it(tmp_path: Path, name: str) -> None:
    import pandas as pd

    frame, inside, path = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), tmp_path / name, tmp_path / "my.v2.zip"
    writers = {".jsonl": lambda: frame.to_json(inside, orient="records", lines=True)}
    writers[".parquet"] = lambda: frame.to_parquet(inside)
    writers.get(inside.suffix, lambda: frame.to_csv(inside, index=False, sep="\t" if name == "a.tsv" else ","))()
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inside, f"folder/{name}")
        archive.writestr(f"__MACOSX/folder/._{name}", b"\0\5\x16\7")
        archive.writestr("folder/.DS_Store", b"\0")
    assert format_of(path) == inside.suffix and read_table(path).to_dict() == frame.to_dict()


def test_a_zip_of_pandas_is_read(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    frame.to_csv(tmp_path / "a.zip", index=False)  # holds a file named "a"
    assert format_of(tmp_path / "a.zip") == ".csv" and read_table(tmp_path / "a.zip").to_dict() == frame.to_dict()


def test_a_zip_beside_the_table_is_no_second_one(tmp_path: Path) -> None:
    """What was fetched often lies beside what was unpacked."""
    (tmp_path / "train.csv").write_text("x,y\n1,2\n")
    with zipfile.ZipFile(tmp_path / "train.zip", "w") as archive:
        archive.write(tmp_path / "train.csv", "train.csv")
    assert not is_table(tmp_path / "train.zip") and find_parts(tmp_path) == {"train": tmp_path / "train.csv"}


def test_a_zip_with_no_or_several_tables_is_refused(tmp_path: Path) -> None:
    for names in ([], ["a.csv", "b.csv"]):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "x,y\n1,2\n")
        with pytest.raises(UserError, match=f"holds {len(names)} tables"):
            read_table(tmp_path / "a.zip")


def test_a_zip_with_a_password_is_the_users_to_unpack(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "x,y\n1,2\n")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[6] |= 1  # the flag of encryption in both headers
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match="unpack it and name the table"):
        read_table(tmp_path / "a.zip")


def test_no_letters_are_guessed_of_parquet_in_a_zip(tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"x": range(500), "y": ["a"] * 500}).to_parquet(tmp_path / "a.parquet")
    with zipfile.ZipFile(tmp_path / "my.zip", "w") as archive:
        archive.write(tmp_path / "a.parquet", "a.parquet")
    assert told_encoding(tmp_path / "my.zip") == []


def test_a_zip_is_closed_when_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[zipfile.ZipFile] = []

    class Kept(zipfile.ZipFile):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            opened.append(self)

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.md", "no table")
    monkeypatch.setattr("zipfile.ZipFile", Kept)
    with pytest.raises(UserError, match="holds 0 tables"):
        read_table(tmp_path / "a.zip")
    assert opened and all(archive.fp is None for archive in opened)
