"""Inputs: pairs in every form a person hands them in."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.collab.ids import look_up
from apps.collab.inputs import from_python, from_sources
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError

RECIPE = CollabRecipe(user="userId", item="movieId")


@pytest.mark.parametrize(
    ("value", "single"),
    [
        ({"user": 1, "item": "b"}, True),
        ({"userId": 1, "movieId": "b"}, True),
        ((1, "b"), True),
        (pd.Series({"userId": 1, "movieId": "b", "rating": 3.0}), True),
        ([{"user": 1, "item": "b"}], False),
        ([(1, "b")], False),
        ([[1, "b"]], False),
        (np.array([[1, "b"]], dtype=object), False),
        (pd.DataFrame({"movieId": ["b"], "userId": [1]}), False),
    ],
)
def test_python_values_become_columns(value: Any, single: bool) -> None:
    columns, was_single = from_python(value, RECIPE)
    assert (columns["user"].tolist(), columns["item"].tolist(), was_single) == ([1], ["b"], single)


@pytest.mark.parametrize("value", ["alice", 7, {"user": 1}, [1], [{"item": 2}], None])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(UserError):
        from_python(value, RECIPE)


def test_no_pairs_are_no_pairs() -> None:
    assert len(from_python([], RECIPE)[0]["user"]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "u 1,i1\nu2,i2\n",
        "userId,movieId\nu 1,i1\nu2,i2\n",
        "item,x,user\ni1,0,u 1\ni2,0,u2\n",
        "\ufeffuserId,movieId\nu 1,i1\nu2,i2\n",
        "Product,Customer ID\ni1,u 1\ni2,u2\n",
        "user;item\nu 1;i1\nu2;i2\n",
        "user\titem\nu 1\ti1\nu2\ti2\n",
    ],
)
def test_sources_give_named_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    for source in (str(tmp_path / "pairs.csv"), "-"):
        names, columns = next(from_sources([source], RECIPE))
        assert names == ["u 1,i1", "u2,i2"]
        assert columns["user"].tolist() == ["u 1", "u2"] and columns["item"].tolist() == ["i1", "i2"]


def test_folder_gives_the_pairs_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("userId,movieId\nu1,i1\n")
    (tmp_path / "README.txt").write_text("pairs")
    assert next(from_sources([str(tmp_path)], RECIPE))[0] == ["u1,i1"]
    (tmp_path / "train.csv").unlink()
    with pytest.raises(UserError, match="no table in this folder"):
        list(from_sources([str(tmp_path)], RECIPE))


def test_table_is_answered_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.collab.inputs.BLOCK", 2)
    lines = [f"u{i},i{i},{1_000_000_000 + i}" for i in range(5)]
    (tmp_path / "pairs.csv").write_text("\n".join(["userId,movieId,when", *lines]))
    blocks = list(from_sources([str(tmp_path / "pairs.csv")], replace(RECIPE, time="when")))
    assert [names for names, _ in blocks] == [["u0,i0", "u1,i1"], ["u2,i2", "u3,i3"], ["u4,i4"]]
    assert blocks[1][1]["user"].tolist() == ["u2", "u3"] and blocks[2][1]["time"].tolist() == [1_000_000_004]


def test_literal_pairs_are_read_with_quotes(tmp_path: Path) -> None:
    blocks = list(from_sources(["u,i", '"a,b", c'], RECIPE))
    assert [block[1]["user"].tolist() for block in blocks] == [["u"], ["a,b"]]
    for other in ("missing.csv", ""):  # nothing is not the folder where the program was started
        with pytest.raises(UserError, match="neither a file nor a pair"):
            list(from_sources([other], RECIPE))


def test_broken_line_on_stdin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("u,i\nalone\n"))
    with pytest.raises(UserError, match="line 2"):
        list(from_sources(["-"], RECIPE))


@pytest.mark.parametrize("text", ["", "\n", "userId,movieId\n"])
def test_stdin_without_pairs_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(UserError, match="stdin has no pairs"):
        list(from_sources(["-"], RECIPE))


@pytest.mark.parametrize("gone", [None, float("nan"), pd.NaT, pd.NA])
def test_a_missing_id_is_none_whatever_says_so(gone: object) -> None:
    frame = pd.DataFrame({"userId": [gone, 1], "movieId": ["a", gone]})
    for value in (frame, [(gone, "a"), (1, gone)], [{"user": gone, "item": "a"}, {"user": 1, "item": gone}]):
        columns, _ = from_python(value, RECIPE)
        for role, ids in (("user", {"1": 7}), ("item", {"a": 7})):
            assert sorted(look_up(ids, columns[role]).tolist()) == [0, 7]
