"""What someone with a few items would have next, without training: the best linear guess from so short a history.

Item weights are fitted to whole histories; a newcomer's is a small part of one. Had the training users shown only
m of their n items, each item would be there with probability m / n: the linear regression of all that they have on
what they would have shown is the limit of a denoising autoencoder (Chen et al. 2012, arXiv:1206.4683; Steck 2020,
EDLAE, for one rate for all). Solved by conjugate gradients on the sparse table, so any catalogue will do.

Where times are known, what comes first is no random part: the regression of what came later on the first m items stands
beside it, and what most users have later. Training users left out of both decide how much each of them counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.shares import best_shares, standard, summed

SHORT = 50
"""Histories of up to so many items are answered here, longer ones by the ranker."""

SHOWN = 0.8
"""The greatest share of their items that training users are taken to show."""

RIDGE = 1.0
FIRST_RIDGE = 30.0
"""Ridge penalties of the regressions on a random part and on the first items."""

STEPS = 30
TOLERANCE = 1e-4

USERS = 30_000
"""Training users that are asked, drawn evenly where there are more: bounds the time of an answer."""

JUDGES = 500
"""Training users that decide the shares, at most a fifth of all."""

SIZES = (1, 2, 3, 5, 8, 13, 21, 34, 50)
"""Sizes of histories in time order that are prepared for, each answering the sizes up to it."""


@dataclass(frozen=True)
class Regression:
    """Of what users have in `targets`, transposed, on what their row of `table` says they show, weighted by `rate`."""

    table: Tensor
    transposed: Tensor
    targets: Tensor
    popularity: Tensor  # users that have each item in the targets
    rate: Tensor  # (users, 1)
    uncertain: Tensor | float  # variance, added up over users, that showing by chance gives to an item
    ridge: float

    def answer(self, shown: Tensor) -> Tensor:
        """Scores for tables of zeros and ones, shape (rows, width)."""
        users = len(self.rate)
        mean, whole = (self.transposed @ self.rate)[:, 0] / users, self.popularity / users
        own = self.uncertain + self.ridge

        def covariance(v: Tensor) -> Tensor:
            square = self.transposed @ (self.rate.square() * (self.table @ v))
            return square + own * v - users * mean[:, None] * (mean @ v)

        found = conjugate_gradients(covariance, (shown - mean).T, (mean * users + self.ridge)[:, None])
        pulled = self.targets @ (self.rate * (self.table @ found))
        return (pulled - users * whole[:, None] * (mean @ found)).T + whole


class ShortHistoryScorer:
    """Scores for users of short histories, from those of the training users; `ordered` says that these are in time order."""

    def __init__(self, seen: Histories, ordered: bool = False) -> None:
        rows = (seen.counts() > 1).nonzero()[:, 0]
        rows = rows[:: -(-len(rows) // USERS)] if len(rows) else rows
        self.had, self.ordered = seen.take(rows), ordered
        self.popularity, self.longest = seen.popularity().float(), int(self.had.counts().max()) if len(rows) else 0
        self.table, self.transposed = self.had.sparse(), self.had.transposed().sparse()
        self.in_order: dict[int, InOrder] = {}

    def score(self, had: Histories) -> Tensor:
        """Scores of all items for each row of histories, shape (rows, width)."""
        if not len(self.had):  # nobody has two items: nothing tells what goes with what
            return self.popularity.expand(len(had), -1).clone()
        scores, counts = torch.empty(len(had), had.width), had.counts()
        for size in counts.unique().tolist():
            rows = (counts == size).nonzero()[:, 0]
            scores[rows] = self._of_size(had.table(rows), size)
        return scores

    def losses(self, had: Tensor) -> Tensor:
        """What the scores of who has these items lose without each, as if as many were shown, shape (had, width)."""
        if not len(self.had):
            return torch.zeros(len(had), len(self.popularity))
        shown = torch.zeros(len(had) + 1, len(self.popularity))
        shown[:, had] = 1.0
        shown[torch.arange(len(had)), had] = 0.0
        scores = self._of_size(shown, len(had))
        return scores[-1] - scores[:-1]

    def _of_size(self, shown: Tensor, size: int) -> Tensor:
        place = next((place for place in SIZES if place >= size), SIZES[-1])
        if not self.ordered or self.longest <= place:  # nobody has anything after the first so many
            return self.at_random(size).answer(shown)
        if place not in self.in_order:
            self.in_order[place] = InOrder.of(self, place)
        return self.in_order[place].answer(self.at_random(size), shown)

    def at_random(self, size: int) -> Regression:
        """On a random part of `size` items."""
        rate = (size / self.had.counts().float()).clamp_max(SHOWN)[:, None]
        uncertain = self.transposed @ (rate - rate.square())
        return Regression(
            self.table, self.transposed, self.transposed, self.had.popularity().float(), rate, uncertain, RIDGE
        )


@dataclass(frozen=True)
class InOrder:
    """How much a random part, the first items, and what is popular later say of what comes after the first items."""

    first: Regression
    shares: tuple[float, ...]

    @classmethod
    def of(cls, known: ShortHistoryScorer, size: int) -> InOrder:
        """Fitted to all users with more than `size` items, the shares to some left out of a first fit."""
        long = (known.had.counts() > size).nonzero()[:, 0]
        judged = torch.zeros(len(long), dtype=torch.bool)
        judged[:: max(5, -(-len(long) // JUDGES))] = True
        judges, rest = known.had.take(long[judged]), known.had.take(long[~judged])
        if not len(rest):
            return cls(_on_first(known.had.take(long), size), (1.0, 0.0, 0.0))
        others = torch.ones(len(known.had), dtype=torch.bool)
        others[long[judged]] = False
        trial = ShortHistoryScorer(known.had.take(others.nonzero()[:, 0]))
        shown = judges.first(size).table(torch.arange(len(judges)))
        truth = judges.after(size).table(torch.arange(len(judges)))
        members = _members(trial.at_random(size), _on_first(rest, size), shown)
        return cls(_on_first(known.had.take(long), size), best_shares(members, shown, truth)[0])

    def answer(self, at_random: Regression, shown: Tensor) -> Tensor:
        """Scores for tables of zeros and ones, shape (rows, width)."""
        members = _members(at_random, self.first, shown)
        return summed(members, self.shares)


def _members(at_random: Regression, first: Regression, shown: Tensor) -> list[Tensor]:
    later = first.popularity.expand(len(shown), -1)
    return [standard(scores) for scores in (at_random.answer(shown), first.answer(shown), later)]


def _on_first(had: Histories, size: int) -> Regression:
    """Of what comes after the first `size` items on those."""
    first, later = had.first(size), had.after(size)
    table, transposed, targets = first.sparse(), first.transposed().sparse(), later.transposed().sparse()
    rate = torch.ones(len(had), 1)
    return Regression(table, transposed, targets, later.popularity().float(), rate, 0.0, FIRST_RIDGE)


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
