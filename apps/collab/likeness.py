"""How like two items are: by the users that they share or, where nobody has one, by its columns. And lists whose
items differ from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from apps.collab.preprocessor import CollabPreprocessor

SHRINKAGE = 10.0
"""Shared users at which a cosine counts for half: fewer may be chance."""

NEAR = 10
"""Items with users that a new item gets its score from."""


def likeness(preprocessor: CollabPreprocessor, item: int) -> tuple[Tensor, Tensor]:
    """(shrunken cosine of every item with this one, users that both share), each of shape (items + 1,).

    Of an item that nobody has: the cosine of its columns, and every item's users. Of one without columns either:
    every item's popularity, twice.
    """
    counts = preprocessor.item_counts
    if not counts[item]:
        told = preprocessor.item_columns[item]
        return (column_cosines(preprocessor.item_columns, told[None])[0] if told.any() else counts.float()), counts
    _, others = preprocessor.seen.cells(preprocessor.holders.of(item))
    shared = torch.bincount(others, minlength=len(counts))
    cosines = shared / (counts * counts[item]).clamp_min(1).sqrt()
    return cosines * shared / (shared + SHRINKAGE), shared


def column_cosines(columns: Tensor, asked: Tensor) -> Tensor:
    """Of rows of `asked`, shape (asked, columns), with all `columns`, shape (rows, columns)."""
    return F.normalize(asked, dim=1) @ F.normalize(columns, dim=1).T


@dataclass(frozen=True)
class NewItems:
    """Items that nobody has and that columns tell of: `positions`, and beside each the NEAR likest that some have."""

    positions: Tensor
    nearest: Tensor

    @classmethod
    def of(cls, columns: Tensor, counts: Tensor) -> NewItems:
        """From the columns of every position and its users."""
        positions, had = ((part & columns.any(1)).nonzero()[:, 0] for part in (counts == 0, counts > 0))
        near = min(NEAR, len(had))
        nearest = [torch.zeros(0, near, dtype=torch.long)]
        for block in positions.split(1024):
            nearest.append(had[column_cosines(columns[had], columns[block]).topk(near, dim=1).indices])
        return cls(positions, torch.cat(nearest))

    def fill(self, scores: Tensor) -> None:
        """Gives each new item, for each row of users, the mean score of the items that are like it."""
        if not self.nearest.numel():
            return
        for positions, nearest in zip(self.positions.split(1024), self.nearest.split(1024), strict=True):
            scores[:, positions] = scores[:, nearest.flatten()].view(len(scores), *nearest.shape).mean(2)


def spread_out(preprocessor: CollabPreprocessor, pool: Tensor, scores: Tensor, k: int, diversity: float) -> Tensor:
    """k of the `pool`'s positions, one by one the best balance of score and of difference to those chosen.

    Maximal marginal relevance (Carbonell & Goldstein 1998) with scores brought to 0..1 and cosines of shared users.
    """
    if len(pool) <= 1:
        return pool
    alike = _cosines(preprocessor, pool)
    value = (scores - scores.min()) / (scores.max() - scores.min()).clamp_min(1e-12)
    chosen, nearest = [0], alike[0]
    while len(chosen) < min(k, len(pool)):
        balance = (1 - diversity) * value - diversity * nearest
        balance[chosen] = -torch.inf
        chosen.append(int(balance.argmax()))
        nearest = torch.maximum(nearest, alike[chosen[-1]])
    return pool[chosen]


def _cosines(preprocessor: CollabPreprocessor, items: Tensor) -> Tensor:
    """Of every pair of these items, shape (items, items)."""
    rows, users = preprocessor.holders.cells(items)
    found, columns = users.unique(return_inverse=True)
    table = torch.zeros(len(items), len(found))
    table[rows, columns] = 1.0
    norms = table.sum(1).clamp_min(1).sqrt()
    return table @ table.T / norms / norms[:, None]
