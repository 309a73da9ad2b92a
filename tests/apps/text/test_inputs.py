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
    assert [text for _, text in read("-")] == ["one", "two �"]


def test_missing_table_and_empty_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(str(tmp_path / "nowhere.csv"))
    with pytest.raises(UserError, match="no .txt"):
        read(str(tmp_path))


@pytest.mark.parametrize("value", ["text", None, 3.5, b"bytes"])
def test_one_value_is_single(value: Any) -> None:
    texts, single = APP.inputs(value, RECIPE)
    assert single and len(texts) == 1 and isinstance(texts[0], str)


@pytest.mark.parametrize("values", [["a", None, float("nan")], np.array(["a", "b", "c"]), pd.Series(["a", None, "c"])])
def test_many_values_are_a_list(values: Any) -> None:
    texts, single = APP.inputs(values, RECIPE)
    assert not single and len(texts) == 3 and all(isinstance(text, str) for text in texts)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UserError, match="list of texts"):
        APP.inputs({"text": "a"}, RECIPE)
