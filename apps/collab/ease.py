"""Ranking in closed form: item-item weights by ridge regression with a zero diagonal.

EASE (Steck 2019, arXiv:1905.03375), with the popularity-scaled penalty that emulates dropout of
EDLAE (Steck 2020): items that many have are shrunk more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.topk import quality

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
DROPOUT = 0.3
"""Share of a user's items whose absence the weights are fitted to bear."""

JUDGES = 2000
"""Users that the hold-out is measured on."""

JUDGED = 2000
"""Items that the hold-out is measured on: the regression takes the cube of their number."""

SHARES = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Spreads of popularity against one of the scores."""

BLOCK = 1024


@dataclass(frozen=True)
class Dials:
    """The ridge penalty, and the weight of an item's popularity, a share of users, beside what its weights say."""

    strength: float
    popular: float = 0.0


def item_weights(seen: Histories, strength: float | None, seed: int) -> tuple[Tensor, Dials]:
    """(weights, shape (items, items), dials). Scores of a user are the sum of the rows of what they have.

    Without a `strength` the dials are found on the commonest items, by holding out a tenth of their cells: whatever
    has the best nDCG@10.
    """
    dials = _best_dials(_commonest(seen), seed) if strength is None else Dials(strength)
    return solve(gram(seen), dials.strength), dials


def gram(seen: Histories) -> Tensor:
    """How many users have both items, shape (items, items)."""
    found = torch.zeros(seen.width, seen.width)
    for rows in torch.arange(len(seen)).split(BLOCK):
        table = seen.table(rows)
        found.addmm_(table.T, table)
    return found


def solve(counts: Tensor, strength: float) -> Tensor:
    """The ridge regression of every item on all others from their joint counts. Steck 2019, equation 8."""
    penalty = strength + DROPOUT / (1 - DROPOUT) * counts.diagonal()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(counts + penalty.diag()))
    weights = -inverse / inverse.diagonal()
    return weights.fill_diagonal_(0.0)


def _commonest(seen: Histories) -> Histories:
    """The histories within the JUDGED most popular items."""
    chosen = seen.popularity().topk(min(JUDGED, seen.width)).indices
    chosen = chosen[chosen > 0]
    places = torch.zeros(seen.width, dtype=torch.long)
    places[chosen] = torch.arange(1, len(chosen) + 1)
    return Histories.of_pairs(seen.rows(), places[seen.items.long()], len(seen), len(chosen) + 1)


def _best_dials(seen: Histories, seed: int) -> Dials:
    """Climbs from the middle of STRENGTHS while the held-out nDCG@10 rises; then tries shares of popularity."""
    rest, held = seen.split(seed)
    judges = held.rows().unique()[:JUDGES]
    truth = held.table(judges)
    given, counts = rest.table(judges), gram(rest)
    if not len(judges):
        return Dials(STRENGTHS[len(STRENGTHS) // 2])

    def scores_at(i: int) -> Tensor:
        return given @ solve(counts, STRENGTHS[i])

    best = _climb(lambda i: quality(scores_at(i), given, truth), len(STRENGTHS) // 2, len(STRENGTHS))
    scores, popularity = scores_at(best), rest.popularity().float() / len(rest)
    unit = float(scores.std() / popularity.std().clamp_min(1e-12))
    shares = [share * unit for share in SHARES]
    found = [quality(scores + share * popularity, given, truth) for share in shares]
    return Dials(STRENGTHS[best], shares[found.index(max(found))])


def _climb(height_at: Callable[[int], float], start: int, places: int) -> int:
    """The place of a peak, from `start` towards the better side."""
    best, height = start, height_at(start)
    for step in (1, -1):
        while 0 <= best + step < places and (next_height := height_at(best + step)) > height:
            best, height = best + step, next_height
        if best != start:
            break
    return best
