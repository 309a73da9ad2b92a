"""Answers as a csv or Parquet file, written as they come and moved into place when complete."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.protocol import Answer

BLOCK = 1 << 16
"""Rows of Parquet written at a time."""


def write_csv(answers: Iterable[Answer], path: Path) -> int:
    """Writes one row an answer; a mapping such as `probabilities` becomes columns `probabilities.NAME`.

    Returns the number of rows. The columns are those of the first answer. Raises UserError where the file
    cannot be written; a file that was there stays as it was until all rows are written.
    """

    def write(waiting: Path) -> int:
        rows, writer = 0, None
        with waiting.open("w", newline="", encoding="utf-8") as file:
            for answer in answers:
                flat = _flat(answer)
                if writer is None:
                    writer = csv.DictWriter(file, list(flat), restval="", extrasaction="ignore")
                    writer.writeheader()
                writer.writerow(flat)
                rows += 1
        return rows

    return _in_place(path, write, "--csv")


def write_parquet(answers: Iterable[Answer], path: Path) -> int:
    """The same as Parquet, a block of rows at a time. Raises UserError also where pyarrow is missing."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UserError(f'{path}: parquet needs an extra: pip install "glance[parquet]"') from None

    def write(waiting: Path) -> int:
        rows, rest, writer = 0, map(_flat, answers), None
        try:
            while block := list(islice(rest, BLOCK)):
                table = pa.Table.from_pylist(block, schema=writer and writer.schema)
                writer = writer or parquet.ParquetWriter(waiting, table.schema)
                writer.write_table(table)
                rows += len(block)
        finally:
            if writer is not None:
                writer.close()
        return rows

    return _in_place(path, write, "--parquet")


def _in_place(path: Path, write: Callable[[Path], int], flag: str) -> int:
    """Writes beside `path` and moves the file there when it is complete."""
    waiting = path.with_name(path.name + ".new")
    try:
        rows = write(waiting)
        if waiting.exists():
            os.replace(waiting, path)
    except OSError as error:
        waiting.unlink(missing_ok=True)
        raise UserError(f"{path} could not be written ({error.strerror}): give another place with {flag}") from error
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    return rows


def _flat(answer: Answer) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat
