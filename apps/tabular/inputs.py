"""Rows to answer: of tables, of csv on stdin, or of JSON written out."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TextIO

import numpy as np

from apps.tabular.blocks import read_columns
from apps.tabular.columns import column_of, from_commas, from_rows
from apps.tabular.reading import find_tables
from shared.dialect import decimal_of, text_of
from shared.errors import UserError, as_path
from shared.protocol import Inputs, count, pick
from shared.tables import refuse_twins

BLOCK = 4096


def read_inputs(sources: Sequence[str]) -> Iterator[tuple[list[Any], Inputs]]:
    """Blocks of rows of tables, of csv on stdin ("-"), or of JSON written out: an object or a list of them."""
    for source in sources:
        if source == "-":
            yield from _from_lines(text_of(sys.stdin, newline=""))
        elif source.lstrip().startswith(("{", "[")) and not os.path.exists(source):  # may be too long for Path's
            rows = _from_json(source)
            yield [source] if len(rows) == 1 else [f"row {i}" for i in range(1, len(rows) + 1)], from_rows(rows)
        else:
            yield from _from_table(source)


def _from_table(source: str) -> Iterator[tuple[list[Any], Inputs]]:
    """Read whole, so that a column is of one type in all blocks: 007 among numbers alone would be 7, beside words 007.

    Half a million rows of 17 columns (50 MB) take 120 MiB for that.
    """
    path = as_path(source, "the input")
    columns = read_columns(find_tables(path)["train"] if path.is_dir() else path)
    for start in range(0, count(columns), BLOCK):
        rows = np.arange(start, min(start + BLOCK, count(columns)))
        yield [f"{path.name}:{row + 1}" for row in rows.tolist()], pick(columns, rows)


def _from_lines(lines: TextIO) -> Iterator[tuple[list[Any], Inputs]]:
    """Csv with a header, block by block as it comes: needs no pandas."""
    first = lines.readline()
    separator = max("\t;,|", key=first.count) if first.strip() else ","
    header = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    if not header:
        raise UserError("stdin is empty: give csv whose first line names the columns")
    refuse_twins("stdin", header)
    rows, start, decimal = csv.reader(lines, delimiter=separator, skipinitialspace=True), 1, "."
    try:
        while block := [row for row in islice(rows, BLOCK) if row]:
            _refuse_wide(block, header, start)
            cells = {name: [row[i] if i < len(row) else None for row in block] for i, name in enumerate(header)}
            if start == 1 and separator != ",":
                decimal = decimal_of([cell.strip() for row in block for cell in row], separator)
            columns = {name: column_of(column) for name, column in cells.items()}
            columns = {n: from_commas(c) for n, c in columns.items()} if decimal == "," else columns
            yield [f"row {start + i}" for i in range(len(block))], columns
            start += len(block)
    except csv.Error as error:
        raise UserError(f"stdin, line {rows.line_num + 1}: {error}; quote cells that hold the separator") from None
    if start == 1:
        raise UserError(
            f"stdin has no rows below its first line ({first.strip()[:80]}): give csv whose first line names the columns"
        )


def _refuse_wide(rows: list[list[str]], header: list[str], start: int) -> None:
    """Raises UserError at a row with more cells than the header: a comma too many moves all that come after it."""
    for number, row in enumerate(rows, start):
        if any(cell.strip() for cell in row[len(header) :]):
            raise UserError(
                f"stdin, row {number}: {len(row)} cells below a header of {len(header)}; quote cells that hold the separator"
            )


def _from_json(source: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source[:80]}: neither a file nor JSON ({error})") from None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{source[:80]}: give a JSON object of column names and values, or a list of such objects")
    return rows
