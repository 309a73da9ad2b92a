"""Who has which items, in compressed rows: a hundred million cells are two arrays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


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
        rows, items = rows[known], items[known]
        counts = torch.bincount(rows, minlength=count)
        starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
        return cls(starts, items.int()[rows.argsort(stable=True)], width)

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
        return Histories.of_pairs(self.items.long(), self.rows(), self.width, len(self))
