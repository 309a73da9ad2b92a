"""Several scores made one: each standardised, and summed by the shares that find most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import product

import torch
from torch import Tensor

from apps.collab.topk import quality

STEP = 0.25
"""Between the shares that are tried."""


def standard(scores: Tensor) -> Tensor:
    """Each row with mean 0 and deviation 1 over the known items, in single precision."""
    scores = scores.float()
    spread, mean = torch.std_mean(scores[:, 1:], dim=1, correction=0, keepdim=True)
    return (scores - mean) / spread.clamp_min(1e-12)


def summed(scores: Iterable[Tensor], shares: Iterable[float | Tensor]) -> Tensor:
    """The sum of the scores by their shares, one at a time: a large catalogue's take much memory."""
    return reduce(torch.add, (share * each for share, each in zip(shares, scores, strict=True)))


def best_shares(scores: Sequence[Tensor], had: Tensor, truth: Tensor) -> tuple[tuple[float, ...], float]:
    """The shares, in steps of STEP, at which the sum of the scores has the best `quality`; and that."""
    best: tuple[tuple[float, ...], float] = ((), -1.0)
    for shares in _simplex(len(scores)):
        found = quality(summed(scores, shares), had, truth)
        best = (shares, found) if found > best[1] else best
    return best


def _simplex(members: int) -> list[tuple[float, ...]]:
    """All shares in steps of STEP that add up to one."""
    steps = round(1 / STEP)
    parts = product(range(steps + 1), repeat=members)
    return [tuple(part * STEP for part in each) for each in parts if sum(each) == steps]
