"""The best items for users, known or just met, and the items most like others. Each answer says what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from apps.collab.folding import Brought, by_short, ratings_of_all, scores_of_all
from apps.collab.histories import Histories
from apps.collab.ids import look_up
from apps.collab.likeness import likeness, spread_out
from apps.collab.model import RatingNetwork, ranker_of
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.reasons import reasons
from shared.errors import UserError
from shared.model import Model

BLOCK = 512
"""Users whose scores are held at a time."""

POOL = 5
"""Times k: the candidates among which diversity chooses."""


@dataclass(frozen=True)
class Wish:
    """What is asked for: `k` items a user, only of `allow` where given, never of `deny`, of what a user has only
    with `seen`; `diversity` from 0 (the best alone) to 1 (the most different); `why` names the user's own items
    that speak for each. Raises UserError at an impossible wish."""

    k: int = 10
    allow: Sequence[str] | None = None
    deny: Sequence[str] = ()
    seen: bool = False
    diversity: float = 0.0
    why: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.k, int | np.integer) or self.k < 1:
            raise UserError(f"k={self.k}: ask for one item or more, as a whole number")
        if not 0 <= self.diversity <= 1:
            raise UserError(f"diversity={self.diversity:g}: give a number from 0 to 1")

    def allowed(self, preprocessor: CollabPreprocessor) -> Tensor:
        """Which items may be recommended, shape (items + 1,). Raises UserError where none is known."""
        allowed = torch.full((len(preprocessor.items) + 1,), self.allow is None)
        allowed[look_up(preprocessor.item_positions, self.allow or ())] = True
        allowed[look_up(preprocessor.item_positions, self.deny)] = False
        allowed[0] = False
        if not allowed.any():
            raise UserError("no item that the model knows is allowed: check the ids of the allow and deny lists")
        return allowed


@dataclass(frozen=True)
class Block:
    """Some of the users asked for: their ids and positions, what they brought along, and all that they have."""

    names: list[str]
    positions: Tensor
    brought: Brought
    had: Histories

    def folded(self) -> Tensor:
        """Which of them brought something along, shape (users,)."""
        return self.brought.had.counts() > 0


def recommend(
    model: Model, users: Sequence[str], wish: Wish, brought: Brought | None = None
) -> Iterator[dict[str, Any]]:
    """For each user `{"user", "basis", "support", "items": [{"item", "score", "support"}, ...]}`, best first.

    `basis` is "personal", "folded-in" (by what they `brought`, without training again) or "popular" for a user nobody
    knows; `support` counts the interactions behind it, of the user and of each item. A model of ratings adds the
    predicted `rating`. Computed block by block.
    """
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, CollabPreprocessor)
    allowed = wish.allowed(preprocessor)
    brought = brought or Brought.nothing(preprocessor)
    for start in range(0, len(users), BLOCK):
        names = list(users[start : start + BLOCK])
        positions, own = look_up(preprocessor.user_positions, names), brought.take(names)
        block = Block(names, positions, own, preprocessor.seen.joined(positions, own.had))
        yield from _answers(model.predictor.network, preprocessor, block, allowed, wish)


@torch.inference_mode()
def _answers(
    network: nn.Module, preprocessor: CollabPreprocessor, block: Block, allowed: Tensor, wish: Wish
) -> Iterator[dict[str, Any]]:
    ranker, folded = ranker_of(network), block.folded()
    scores = scores_of_all(ranker, preprocessor.short_histories, block.positions, block.had, folded)
    preprocessor.new_items.fill(scores)
    scores[:, ~allowed] = -torch.inf
    if not wish.seen:
        for had in (block.had, block.brought.left_out):
            scores[had.cells(torch.arange(len(had)))] = -torch.inf
        for had in (preprocessor.held, preprocessor.left_out):
            scores[had.cells(block.positions)] = -torch.inf
    pool = wish.k if not wish.diversity else POOL * wish.k
    best, items = scores.topk(min(pool, scores.shape[1]), dim=1)
    rated = ratings_of_all(network, block.positions, block.brought) if isinstance(network, RatingNetwork) else None
    short = by_short(block.had, folded)
    for row, name in enumerate(block.names):
        chosen = items[row][best[row] > -torch.inf]
        if wish.diversity:
            chosen = spread_out(preprocessor, chosen, scores[row, chosen], wish.k, wish.diversity)
        columns: dict[str, list[Any]] = {
            "item": [preprocessor.items[item - 1] for item in chosen.tolist()],
            "score": [round(score, 6) for score in scores[row, chosen].double().tolist()],
            "support": preprocessor.item_counts[chosen].tolist(),
        }
        if rated is not None:
            columns["rating"] = [round(value, preprocessor.decimals) for value in rated[row, chosen].double().tolist()]
        own = block.had.of(row)
        if wish.why:
            answering = preprocessor.short_histories if short[row] else ranker
            columns["because"] = reasons(answering, preprocessor, own, chosen)
        lines = [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]
        basis = "folded-in" if folded[row] else "personal" if len(own) else "popular"
        yield {"user": name, "basis": basis, "support": len(own), "items": lines}


def similar(model: Model, items: Sequence[str], k: int) -> Iterator[dict[str, Any]]:
    """For each item `{"item", "basis", "support", "items": [{"item", "score", "support"}, ...]}`, the likest first.

    `basis` is "shared users", "columns" for an item nobody has that columns tell of, else "popular"; `support` counts the users of the item, and
    those that two items share. Raises UserError at a k below one.
    """
    preprocessor, wish = model.preprocessor, Wish(k)
    assert isinstance(preprocessor, CollabPreprocessor)
    for name, item in zip(items, look_up(preprocessor.item_positions, items).tolist(), strict=True):
        scores, shared = likeness(preprocessor, item)
        scores[[0, item]] = -torch.inf
        best, found = scores.topk(min(wish.k, len(preprocessor.items) - (item > 0)))
        basis = "columns" if preprocessor.item_columns[item].any() else "popular"
        lines = [
            {"item": preprocessor.items[other - 1], "score": round(score, 6), "support": count}
            for other, score, count in zip(found.tolist(), best.tolist(), shared[found].tolist(), strict=True)
        ]
        support = int(preprocessor.item_counts[item])
        yield {"item": name, "basis": "shared users" if support else basis, "support": support, "items": lines}
