"""Rows of unlike length in one array: what n-grams and tokens of texts are kept as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Row i is `values[offsets[i] : offsets[i + 1]]`."""

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray) -> Ragged:
        """Rows that follow one another, of so many values each."""
        return cls(values, np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]))

    @classmethod
    def of_lists(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        lengths = [len(row) for row in rows]
        values = np.fromiter((value for row in rows for value in row), np.int32, sum(lengths))
        return cls.of(values, np.array(lengths, np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Ragged]) -> Ragged:
        """The rows of all, in order."""
        values = [np.zeros(0, np.int32), *(part.values for part in parts)]
        return cls.of(np.concatenate(values), np.concatenate([np.zeros(0, np.int64), *(part.counts for part in parts)]))

    @classmethod
    def empty(cls, rows: int) -> Ragged:
        """So many rows without values."""
        return cls.of(np.zeros(0, np.int32), np.zeros(rows, np.int64))

    @property
    def counts(self) -> np.ndarray:
        """The values of each row, shape (rows,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: np.ndarray) -> Ragged:
        """These rows, in this order."""
        counts = self.offsets[rows + 1] - self.offsets[rows]
        begins = np.cumsum(counts) - counts
        within = np.arange(counts.sum()) - np.repeat(begins, counts)
        return Ragged.of(self.values[np.repeat(self.offsets[rows], counts) + within], counts)


def distinct(keys: np.ndarray) -> np.ndarray:
    """Each once, in order. `np.unique` hashes whole numbers since NumPy 2.3, 30 to 60 times as slow where most of millions differ
    (docs/experiments/text.md)."""
    ordered = np.sort(keys)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
