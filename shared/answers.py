"""Answers as a csv or Parquet file, moved into place when complete.

An answer may have parts that those before it lack, as one that tells an error has. So the rows wait in a file, not in
memory, until the columns of all are known.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from shared.errors import UserError
from shared.protocol import Answer

BLOCK = 1 << 16
"""Rows of Parquet written at a time."""

Row = dict[str, Any]
Write = Callable[[Path, list[str], Iterator[Row]], None]


def write_csv(answers: Iterable[Answer], path: Path) -> int:
    """Writes one row an answer; a mapping such as `probabilities` becomes columns `probabilities.NAME`.

    Returns the number of rows. A row is empty in the columns that it lacks. Raises UserError where the file cannot be
    written; a file that was there stays as it was until all rows are written.
    """

    def write(waiting: Path, columns: list[str], rows: Iterator[Row]) -> None:
        with waiting.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            if columns:
                writer.writeheader()
            writer.writerows(rows)

    return _in_place(path, answers, write, "--csv")


def write_parquet(answers: Iterable[Answer], path: Path) -> int:
    """The same as Parquet, a block of rows at a time. Raises UserError also where pyarrow is missing."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UserError(f'{path}: parquet needs an extra: pip install "glance[parquet]"') from None

    def write(waiting: Path, columns: list[str], rows: Iterator[Row]) -> None:
        writer = None
        try:
            while block := list(islice(rows, BLOCK)):
                whole = [dict.fromkeys(columns) | row for row in block]
                table = pa.Table.from_pylist(whole, schema=writer and writer.schema)
                writer = writer or parquet.ParquetWriter(waiting, table.schema)
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()

    return _in_place(path, answers, write, "--parquet")


def _in_place(path: Path, answers: Iterable[Answer], write: Write, flag: str) -> int:
    """Writes beside `path` and moves the file there when it is complete. What the system refuses is taken for a fault of
    writing: those of reading come out of `Model.predict_sources` as UserErrors."""
    place = Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not path.is_file():  # moving onto a device, as /dev/null, would take it away
        raise UserError(f"{path} is no file to replace: give another place with {flag}")
    waiting = Path(f"{place}.new")
    try:
        with TemporaryFile("w+", dir=place.parent, encoding="utf-8") as kept:
            rows, columns = _keep(answers, kept)
            write(waiting, columns, map(json.loads, kept))
        if waiting.exists():
            os.replace(waiting, place)
    except OSError as error:
        raise UserError(f"{path} could not be written ({error.strerror}): give another place with {flag}") from error
    finally:
        with suppress(OSError):
            waiting.unlink()
    return rows


def _keep(answers: Iterable[Answer], kept: IO[str]) -> tuple[int, list[str]]:
    """Leaves flat rows in a file, one a line, at its beginning; returns their number and all their columns."""
    rows, columns = 0, dict[str, None]()
    for row in map(_flat, answers):
        columns |= dict.fromkeys(row)
        kept.write(json.dumps(row) + "\n")
        rows += 1
    kept.seek(0)
    return rows, list(columns)


def _flat(answer: Answer) -> Row:
    flat: Row = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return {_sound(name): _sound(value) if isinstance(value, str) else value for name, value in flat.items()}


def _sound(text: str) -> str:
    """A file's name may be of bytes that are no UTF-8: they are written as JSON writes them, so that all can be."""
    return text.encode("utf-8", "backslashreplace").decode()
