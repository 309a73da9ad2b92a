"""How like two items are: by the users that they share. And lists whose items differ from each other."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.collab.preprocessor import CollabPreprocessor

SHRINKAGE = 10.0
"""Shared users at which a cosine counts for half: fewer may be chance."""


def likeness(preprocessor: CollabPreprocessor, item: int) -> tuple[Tensor, Tensor]:
    """(shrunken cosine of every item with this one, users that both share), each of shape (items + 1,).

    For the unknown item, position 0: every item's popularity, twice.
    """
    counts = preprocessor.item_counts
    if item == 0:
        return counts.float(), counts
    _, others = preprocessor.seen.cells(preprocessor.holders.of(item))
    shared = torch.bincount(others, minlength=len(counts))
    cosines = shared / (counts * counts[item]).clamp_min(1).sqrt()
    return cosines * shared / (shared + SHRINKAGE), shared


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
