"""Who has which items, in compressed rows: a hundred million cells are two arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MANY = 1 << 16
"""Keys from which they are put in order by counting: below, loading scipy takes longer."""

CELLS = 1 << 16
"""Cells in one block, padding included: bounds memory and keeps the arithmetic in cache."""

OWNERS = 4096
"""Owners in one block: each has a square of its factors' width."""

HELD = 0.1
"""Share of the cells that a choice is made by where nobody gave rows to validate on."""

PADDING = 1.25
"""Owners share a block while the longest has at most this many times the cells of the shortest."""


@dataclass(frozen=True)
class Histories:
    """The items of row r are `items[starts[r] : starts[r + 1]]`, positions below `width`; 0 is never among them."""

    starts: Tensor  # (rows + 1,), int64
    items: Tensor  # (cells,), int32
    width: int

    @classmethod
    def of_pairs(cls, rows: Tensor, items: Tensor, count: int, width: int) -> Histories:
        """From cells (rows, items) of a table of `count` rows; unknown items are left out."""
        known = items > 0
        if not known.all():
            rows, items = rows[known], items[known]
        starts, order = grouped(rows, count)
        return cls(starts, items.int()[order], width)

    @classmethod
    def empty(cls, count: int, width: int) -> Histories:
        return cls(torch.zeros(count + 1, dtype=torch.long), torch.zeros(0, dtype=torch.int), width)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, row: int) -> Tensor:
        """Positions of one row's items, int64."""
        return self.items[self.starts[row] : self.starts[row + 1]].long()

    def counts(self) -> Tensor:
        """Items of each row, shape (rows,)."""
        return self.starts.diff()

    def popularity(self) -> Tensor:
        """Rows that have each item, shape (width,)."""
        return torch.bincount(self.items, minlength=self.width)

    def rows(self) -> Tensor:
        """The row of every cell, beside `items`."""
        return torch.arange(len(self)).repeat_interleave(self.counts())

    def cells(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(place among `rows`, item) of everything that these rows have: cells of a rows x width table."""
        if len(rows) == 1:  # answering one user: without a dozen steps for nothing
            own = self.of(int(rows))
            return torch.zeros_like(own), own
        counts = self.starts[rows + 1] - self.starts[rows]
        places = torch.arange(len(rows)).repeat_interleave(counts)
        steps = torch.arange(len(places)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
        return places, self.items[self.starts[rows].repeat_interleave(counts) + steps].long()

    def split(self, seed: int) -> tuple[Histories, Histories]:
        """(the rest, what is held out): HELD of all cells, drawn at random."""
        held = torch.rand(len(self.items), generator=torch.Generator().manual_seed(seed)) < HELD
        return self._where(~held), self._where(held)

    def first(self, size: int) -> Histories:
        """Of each row its first `size` items."""
        return self._where(self._places() < size)

    def after(self, size: int) -> Histories:
        """Of each row the items after its first `size`."""
        return self._where(self._places() >= size)

    def _places(self) -> Tensor:
        """Of every cell within its row."""
        return torch.arange(len(self.items)) - self.starts[:-1].repeat_interleave(self.counts())

    def _where(self, kept: Tensor) -> Histories:
        return Histories.of_pairs(self.rows()[kept], self.items[kept], len(self), self.width)

    def take(self, rows: Tensor) -> Histories:
        """The histories of these rows."""
        counts = self.starts[rows + 1] - self.starts[rows]
        return Histories(F.pad(counts.cumsum(0), (1, 0)), self.cells(rows)[1].int(), self.width)

    def table(self, rows: Tensor) -> Tensor:
        """These rows as zeros and ones, shape (rows, width)."""
        table = torch.zeros(len(rows), self.width)
        table[self.cells(rows)] = 1.0
        return table

    def sparse(self) -> Tensor:
        """All rows as a sparse table of ones, shape (rows, width), that multiplies dense ones."""
        ones, size = torch.ones(len(self.items)), (len(self), self.width)
        return torch.sparse_csr_tensor(self.starts.int(), self.items, ones, size, check_invariants=False)

    def joined(self, rows: Tensor, other: Histories) -> Histories:
        """What `rows` have here and, at the same places, in `other`; each item once."""
        if not len(other.items):
            return self.take(rows)
        mine, theirs = self.cells(rows), (other.rows(), other.items.long())
        keys = torch.cat([mine[0] * self.width + mine[1], theirs[0] * self.width + theirs[1]]).unique()
        return Histories.of_pairs(keys // self.width, keys % self.width, len(rows), self.width)

    def transposed(self) -> Histories:
        """Who has each item: row i holds the rows that have item i."""
        return Histories(*_transposed(self.starts, self.items, self.width), len(self))


def grouped(keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(starts, order) of keys below `count`: those equal to k stand at `order[starts[k] : starts[k + 1]]`, in turn."""
    return _transposed(torch.arange(len(keys) + 1), keys, count)


def _transposed(starts: Tensor, columns: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """(starts, rows, int32) of the columns of a table in compressed rows. Of many cells scipy counts: a sort would take
    eight times the memory."""
    if len(columns) < MANY:
        rows = torch.arange(len(starts) - 1, dtype=torch.int).repeat_interleave(starts.diff())
        return F.pad(torch.bincount(columns, minlength=width).cumsum(0), (1, 0)), rows[columns.argsort(stable=True)]
    from scipy.sparse import csr_array

    cells, size = np.zeros(len(columns), np.int8), (len(starts) - 1, width)
    kind = torch.int if len(columns) < 2**31 else torch.long
    turned = csr_array((cells, columns.to(kind).numpy(), starts.to(kind).numpy()), shape=size).tocsc()
    return torch.from_numpy(turned.indptr).long(), torch.from_numpy(turned.indices).int()


def blocks(starts: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(owners, cells, real) of compressed rows that begin at `starts`, rows with about equally many cells together: shapes
    (owners,), and (owners, longest) twice. Where `real` is False a row has no such cell.
    """
    counts = starts.diff()
    by_count = counts.argsort(stable=True)
    by_count = by_count[counts[by_count] > 0]
    for owners in _cut(by_count, counts[by_count].tolist()):
        steps = torch.arange(int(counts[owners[-1]]))
        real = steps < counts[owners, None]
        yield owners, torch.where(real, starts[owners, None] + steps, 0), real


def _cut(by_count: Tensor, counts: list[int]) -> Iterator[Tensor]:
    """Rows, ascending in count, cut where a block would grow too large or too ragged."""
    start = 0
    for i, count in enumerate(counts):
        ragged = count > max(PADDING * counts[start], counts[start] + 4)
        if i > start and (ragged or i - start == OWNERS or (i - start + 1) * count > CELLS):
            yield by_count[start:i]
            start = i
    if counts:
        yield by_count[start:]
