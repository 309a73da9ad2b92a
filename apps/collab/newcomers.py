"""What someone with a few items would have next, without training: the best linear guess from so short a history.

Item weights are fitted to whole histories; a newcomer's is a small part of one. Had the training users shown only
m of their n items, each item would be there with probability m / n: the linear regression of all that they have on
what they would have shown is the limit of a denoising autoencoder (Chen et al. 2012, arXiv:1206.4683; Steck 2020,
EDLAE, for one rate for all). Solved by conjugate gradients on the sparse table, so any catalogue will do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from apps.collab.histories import Histories

SHORT = 50
"""Histories of up to so many items are answered here, longer ones by the ranker."""

SHOWN = 0.8
"""The greatest share of their items that training users are taken to show."""

RIDGE = 1.0
STEPS = 30
TOLERANCE = 1e-4

USERS = 30_000
"""Training users that are asked, drawn evenly where there are more: bounds the time of an answer."""


class Newcomers:
    """Scores for short histories, from those of the training users."""

    def __init__(self, seen: Histories) -> None:
        rows = (seen.counts() > 1).nonzero()[:, 0]
        rows = rows[:: -(-len(rows) // USERS)] if len(rows) else rows
        had = seen.take(rows)
        self.sizes, self.popularity = had.counts().float(), had.popularity().float()
        self.table, self.transposed = had.sparse(), had.transposed().sparse()

    def score(self, had: Histories) -> Tensor:
        """Scores of all items for each row of histories, shape (rows, width)."""
        scores, counts = torch.empty(len(had), had.width), had.counts()
        for size in counts.unique().tolist():
            rows = (counts == size).nonzero()[:, 0]
            scores[rows] = self._regression(had.table(rows), size)
        return scores

    def _regression(self, shown: Tensor, size: int) -> Tensor:
        """For tables of zeros and ones, shape (rows, width), of `size` ones a row."""
        rate = (size / self.sizes).clamp_max(SHOWN)[:, None]
        users = len(rate)
        mean, whole = (self.transposed @ rate)[:, 0] / users, self.popularity / users
        own = (mean * users - (self.transposed @ rate.square())[:, 0] + RIDGE)[:, None]

        def covariance(v: Tensor) -> Tensor:
            return self.transposed @ (rate.square() * (self.table @ v)) + own * v - users * mean[:, None] * (mean @ v)

        target = (shown - mean).T
        found = conjugate_gradients(covariance, target, (mean * users + RIDGE)[:, None])
        return (self.transposed @ (rate * (self.table @ found)) - users * whole[:, None] * (mean @ found)).T + whole


def conjugate_gradients(operator: Callable[[Tensor], Tensor], target: Tensor, diagonal: Tensor) -> Tensor:
    """x with operator(x) = target for each column, the operator symmetric and positive; `diagonal` scales its steps.

    Stops after STEPS, or when every column's residual is TOLERANCE of its target.
    """
    x, rest = torch.zeros_like(target), target.clone()
    scaled = rest / diagonal
    direction, size = scaled, (rest * scaled).sum(0)
    enough = TOLERANCE**2 * size
    for _ in range(STEPS):
        if (size <= enough).all():
            break
        image = operator(direction)
        step = size / (direction * image).sum(0).clamp_min(1e-30)
        x, rest = x + step * direction, rest - step * image
        scaled = rest / diagonal
        before, size = size, (rest * scaled).sum(0)
        direction = scaled + size / before.clamp_min(1e-30) * direction
    return x
