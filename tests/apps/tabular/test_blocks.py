"""A table read in blocks is the table read whole, with numbers and words where they change from block to block."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from apps.tabular import blocks
from apps.tabular.blocks import read_columns
from apps.tabular.columns import from_frame
from shared.tables import read_table


def write_changing(path: Path) -> Path:
    """Numbers, then words: codes with zeros before them; numbers that are missing at first; flags; words throughout."""
    rows = []
    for i in range(50):
        code = f"00{i % 4}" if i < 30 else "x7"
        rows.append(
            f"{i * 0.5},{code},{'' if i < 20 else i},{i % 2 == 0},{['red', 'blue', ''][i % 3]},{i if i < 35 else ''}"
        )
    path.write_text("half,code,late,flag,word,early\n" + "\n".join(rows))
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_blocks_give_what_the_whole_gives(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_changing(tmp_path / "t.csv")
    if suffix == ".jsonl":
        read_table(path).to_json(path := tmp_path / "t.jsonl", orient="records", lines=True)
    whole = from_frame(read_table(path))
    monkeypatch.setattr(blocks, "ROWS", 8)
    found = read_columns(path)
    assert list(found) == list(whole)
    for name, column in whole.items():
        assert found[name].dtype == column.dtype, name
        np.testing.assert_array_equal(found[name], column, err_msg=name)
    assert found["code"][0] == "000"


def test_a_table_of_many_columns_takes_no_longer_than_one_of_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(",".join(f"{row}{i}" for i in range(3000)) for row in ("c", 1, 2)))
    start = time.monotonic()
    assert len(read_columns(path)) == 3000 and time.monotonic() - start < 20  # it took minutes


def test_equal_words_of_all_blocks_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROWS", 8)
    words = read_columns(write_changing(tmp_path / "t.csv"))["word"]
    assert len({id(word) for word in words}) == 3
