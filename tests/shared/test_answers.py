"""Answers as files: whole or not there, with the columns of all, and whatever name a file or a label has."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.answers import write_csv, write_parquet
from shared.errors import UserError

ANSWER = {
    "input": "caf\udce9.csv",
    "prediction": "é",
    "probabilities": {"é": 0.75, "\udce9": 0.25},
    "labels": ["\udce9"],
}
WRITTEN = {
    "input": "caf\\udce9.csv",
    "prediction": "é",
    "probabilities.é": 0.75,
    "probabilities.\\udce9": 0.25,
    "labels": '["\\udce9"]',
}


def test_names_that_are_no_unicode_are_written_as_json_does(tmp_path: Path) -> None:
    assert write_csv([ANSWER], tmp_path / "a.csv") == 1
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{name: str(cell) for name, cell in WRITTEN.items()}]


def test_so_does_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert write_parquet([ANSWER], tmp_path / "a.parquet") == 1
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == [WRITTEN]


def test_csv_of_answers_is_flat_and_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert write_csv([{"input": "x", "prediction": "a", "probabilities": {"a": 0.9, "b": 0.1}}], path) == 1
    assert path.read_text().splitlines() == ["input,prediction,probabilities.a,probabilities.b", "x,a,0.9,0.1"]

    def failing() -> Iterator[dict[str, str]]:
        yield {"input": "y"}
        raise UserError("unreadable")

    with pytest.raises(UserError):
        write_csv(failing(), path)
    assert path.read_text().endswith("x,a,0.9,0.1\n") and [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("place", [0, 1])
def test_csv_of_answers_has_the_columns_of_all(tmp_path: Path, place: int) -> None:
    answers = [{"input": "x", "prediction": "a", "probabilities": {"a": 0.9}}]
    answers.insert(place, {"input": "y", "prediction": None, "probabilities": {}, "error": "broken,\nfile"})
    write_csv(answers, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = {row["input"]: (row["prediction"], row["probabilities.a"], row["error"]) for row in rows}
    assert told == {"x": ("a", "0.9", ""), "y": ("", "", "broken,\nfile")}


def test_faults_of_writing_are_blamed_on_the_place_of_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "nowhere" / "a.csv", tmp_path, Path(".")):
        with pytest.raises(UserError, match="--csv"):
            write_csv([{"input": "y"}], place)
    assert not list(tmp_path.iterdir())


def test_only_a_file_is_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="no file to replace"):
        write_csv([{"input": "y"}], tmp_path / "pipe")
    (tmp_path / "a.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    write_csv([{"input": "y"}], tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "a.csv").read_text() == "input\ny\n"


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="the system names its pipes otherwise")
def test_a_pipe_without_a_name_is_no_file_and_a_circle_of_links_becomes_one(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with pytest.raises(UserError, match="no file to replace"):
        write_csv([{"input": "y"}], Path(f"/dev/fd/{writer}"))
    os.close(reader)
    os.close(writer)
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    write_csv([{"input": "y"}], tmp_path / "a")
    assert (tmp_path / "a").read_text() == "input\ny\n"
