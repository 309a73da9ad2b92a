"""Damaged tables, whatever they are packed in, are read or refused with one message that names them."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from shared.errors import UserError
from shared.tables import read_chunks, read_table
from tests.damage import damaged

SUFFIXES = (".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip", ".jsonl.gz", ".jsonl.zip", ".parquet", ".parquet.gz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_is_named(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(0)
    frame = pd.DataFrame({"text": ["".join(draw.choices("abcdef ,", k=20)) for _ in range(300)], "label": range(300)})
    packed = suffix.rpartition(".")[2]
    path = tmp_path / f"a{suffix}"
    if ".parquet" in suffix:
        frame.to_parquet(tmp_path / "a.parquet")
        content = (tmp_path / "a.parquet").read_bytes()
        if packed == "gz":
            import gzip

            path.write_bytes(gzip.compress(content))
    elif suffix.startswith(".csv"):
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
    for content in damaged(path.read_bytes(), 40):
        path.write_bytes(content)
        for reading in (read_table, lambda where: list(read_chunks(where, 50))):
            try:
                reading(path)
            except UserError as error:
                assert str(path) in str(error) and "\n" not in str(error)
