"""A file's columns in little memory: read block by block, numbers as numbers at once, and each word kept once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from apps.tabular.columns import from_commas, from_series, to_words
from shared.protocol import Columns
from shared.tables import find_layout, is_delimited, read_chunks, read_table

ROWS = 1 << 16
MOST_WORDS = 100_000
"""So many distinct words of a column are kept once; of a column of texts, which hardly repeat, the others as they come."""


class Growing:
    """A column whose length is found out while reading. Room ahead is doubled: what is not used yet takes no memory."""

    def __init__(self, cells: np.ndarray, more: bool) -> None:
        self.rows, self.cells = len(cells), cells
        self.mixed = False
        if more:
            self._make_room(2 * self.rows)

    @property
    def whole(self) -> np.ndarray:
        return self.cells[: self.rows]

    def add(self, cells: np.ndarray) -> None:
        """Words after numbers, or numbers after words, make the column `mixed`, but for missing cells."""
        if cells.dtype != self.cells.dtype:
            self.mixed |= not (_is_empty(cells) or _is_empty(self.whole))
            self.cells, cells = to_words(self.cells), to_words(cells)
        if self.rows + len(cells) > len(self.cells):
            self._make_room(2 * (self.rows + len(cells)))
        self.cells[self.rows : self.rows + len(cells)] = cells
        self.rows += len(cells)

    def _make_room(self, rows: int) -> None:
        room = np.empty(rows, self.cells.dtype)
        room[: self.rows] = self.whole
        self.cells = room


def _is_empty(cells: np.ndarray) -> bool:
    return cells.dtype != object and bool(np.isnan(cells).all())


def read_columns(path: Path) -> Columns:
    """The columns of a file. Raises what `shared.tables.read_table` does."""
    found: dict[str, Growing] = {}
    known: dict[str, dict[str, str]] = {}
    for frame in read_chunks(path, ROWS, text=False):
        for name in frame.columns:
            column = frame.pop(name) if len(frame) > ROWS else frame[name]  # popping walks over all columns each time
            cells = from_series(column, known.setdefault(name, {}), MOST_WORDS)
            if name in found:
                found[name].add(cells)
            else:
                found[name] = Growing(cells, len(cells) == ROWS)
    columns = {name: column.whole for name, column in found.items()}
    mixed = [name for name, column in found.items() if column.mixed]
    if mixed and is_delimited(path):  # a block of numbers only: as they are written, beside words, they are words
        words = read_table(path, columns=dict.fromkeys(mixed, "category"))
        columns |= {name: from_series(words[name]) for name in mixed}
    if is_delimited(path) and find_layout(path).decimal == ",":
        return {name: from_commas(column) for name, column in columns.items()}
    return columns
