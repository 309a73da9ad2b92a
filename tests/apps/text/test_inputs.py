"""What can be answered: texts, files, folders, tables, standard input."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.text.app import APP
from shared.errors import UserError

RECIPE = APP.recipe.make({"text": "text"})


def read(*sources: str) -> list[tuple[Any, str]]:
    return [pair for names, texts in APP.read_inputs(sources, RECIPE) for pair in zip(names, texts, strict=True)]


def test_literal_texts() -> None:
    assert read("a fine day", "nothing") == [("a fine day", "a fine day"), ("nothing", "nothing")]


def test_files_folders_and_tables_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.txt").write_bytes("第二".encode("gb18030") * 20)
    (tmp_path / "c.csv").write_text("id,text\n1,third\n2,\n")
    found = read(str(tmp_path / "a.txt"), "between", str(tmp_path / "in"), str(tmp_path / "c.csv"))
    assert [text for _, text in found] == ["first", "between", "第二" * 20, "third", ""]
    assert [name for name, _ in found][-2:] == ["c.csv:1", "c.csv:2"]


def test_lines_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\r\ntwo \xff\n")))
    assert [text for _, text in read("-")] == ["one", "two ÿ"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\ufeffone\n".encode())))
    assert [text for _, text in read("-")] == ["one"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(UserError, match="stdin is empty: give a text a line"):
        read("-")


def test_missing_table_and_empty_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(str(tmp_path / "nowhere.csv"))
    with pytest.raises(UserError, match="no .txt"):
        read(str(tmp_path))


@pytest.mark.parametrize("value", ["text", None, 3.5, b"bytes", pd.NA, np.array("text")])
def test_one_value_is_single(value: Any) -> None:
    texts, single = APP.inputs(value, RECIPE)
    assert single and len(texts) == 1 and isinstance(texts[0], str)


@pytest.mark.parametrize(
    "values",
    [
        ["a", None, float("nan")],
        ["a", pd.NA, "c"],
        np.array(["a", "b", "c"]),
        pd.Series(["a", None, "c"]),
        pd.Series(["a", None, "c"], dtype="string"),
        pd.DataFrame({"id": [1, 2, 3], "text": ["a", "b", "c"]}),
    ],
)
def test_many_values_are_a_list(values: Any) -> None:
    texts, single = APP.inputs(values, RECIPE)
    assert not single and len(texts) == 3 and all(isinstance(text, str) for text in texts)


def test_what_is_no_text_is_refused() -> None:
    for value in ({"text": "a"}, [{"text": "a"}]):
        with pytest.raises(UserError, match="list of texts"):
            APP.inputs(value, RECIPE)


def test_an_empty_text_is_a_text() -> None:
    assert read("", "a") == [("", ""), ("a", "a")]


@pytest.mark.parametrize("source", ["/nowhere/at all.csv", "/nowhere/file.pdf", "./nowhere/", "../nowhere"])
def test_a_path_that_leads_nowhere_is_no_text(source: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(source)


def test_what_looks_a_little_like_a_path_is_a_text() -> None:
    assert [text for _, text in read("/s", "either/or", "... and more")] == ["/s", "either/or", "... and more"]


def test_a_table_without_the_column_of_training(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"what": "fine day"}\n{"what": "rain again"}\n')
    (tmp_path / "known.csv").write_text("id,review\n1,fine day\n2,rain again\n")
    (tmp_path / "other.csv").write_text("id,label\n1,pos\n2,neg\n")
    for name in ("one.jsonl", "known.csv"):
        assert [text for _, text in read(str(tmp_path / name))] == ["fine day", "rain again"]
    with pytest.raises(UserError, match=r"other.csv has no column 'text'.*id, label"):
        read(str(tmp_path / "other.csv"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0")
    with pytest.raises(UserError, match="a.png is not a text file"):
        read(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("first", "texts"),
    [
        ("a fine film", 3),
        ("好看的电影" * 8, 3),
        ("text", 2),
        ("Text", 2),
        ("Review", 2),
        ("Comments", 2),
        ("reviews_2026", 2),
        ("Awesome!", 3),
        ("很好，干净", 3),
        ("5", 3),
        ("text,id", 2),
    ],
)
def test_the_first_line_of_a_list_of_texts_is_a_text(tmp_path: Path, first: str, texts: int) -> None:
    rest = ["another film,1", "a third,2"] if "," in first else ["another film", "a third"]
    (tmp_path / "list.csv").write_text("\n".join([first, *rest]))
    found = read(str(tmp_path / "list.csv"))
    assert [text for _, text in found] == [first, "another film", "a third"][-texts:]
    assert found[-1][0] == f"list.csv:{texts}"


def test_one_line_alone_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("one fine film\n")
    assert read(str(tmp_path / "list.csv")) == [("list.csv:1", "one fine film")]


@pytest.mark.parametrize("first", ["Awesome", "这个酒店很好"])
def test_a_word_above_texts_may_be_one_and_is_refused(tmp_path: Path, first: str) -> None:
    (tmp_path / "list.csv").write_text(f"{first}\nanother film\na third\n")
    with pytest.raises(UserError, match=f"list.csv: its first line '{first}' may be a text"):
        read(str(tmp_path / "list.csv"))
