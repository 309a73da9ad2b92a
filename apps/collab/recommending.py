"""The best items that a user has not had: `recommend(model, ["alice"], k=10)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from apps.collab.model import RatingNetwork
from apps.collab.preprocessor import CollabPreprocessor, look_up
from shared.errors import UserError
from shared.model import Model
from shared.protocol import network_device

BLOCK = 512
"""Users whose scores are held at a time."""


def recommend(model: Model, users: Sequence[str], k: int = 10) -> list[dict[str, Any]]:
    """For each user `{"user", "basis", "items": [{"item", "score"}, ...]}`, best first, never one they have.

    `basis` is "personal", or "popular" for a user that training never saw. A model of ratings adds the predicted
    `rating` of each. Raises UserError at a k below one.
    """
    return list(stream(model, users, k))


def stream(model: Model, users: Sequence[str], k: int = 10) -> Iterator[dict[str, Any]]:
    """The same, block by block."""
    if k < 1:
        raise UserError(f"k={k}: ask for one item or more")
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, CollabPreprocessor)
    for start in range(0, len(users), BLOCK):
        names = list(users[start : start + BLOCK])
        positions = look_up(preprocessor.user_positions, names)
        lists = _lists(model.predictor.network, preprocessor, positions, k)
        for name, position, items in zip(names, positions.tolist(), lists, strict=True):
            yield {"user": name, "basis": "personal" if position else "popular", "items": items}


@torch.inference_mode()
def _lists(network: nn.Module, preprocessor: CollabPreprocessor, users: Tensor, k: int) -> list[list[dict[str, Any]]]:
    on_device = users.to(network_device(network))
    scores = rank_scores(network, on_device).float().cpu()
    scores[:, 0] = -torch.inf
    scores[preprocessor.seen_cells(users)] = -torch.inf
    best, items = scores.topk(min(k, scores.shape[1]), dim=1)
    extra: list[list[dict[str, float]]] = [[{}] * items.shape[1]] * len(users)
    if isinstance(network, RatingNetwork):
        least, _, greatest = preprocessor.scale
        ratings = network.ratings_of_all(on_device).cpu().gather(1, items).clamp(least, greatest)
        extra = [[{"rating": round(value, 4)} for value in row] for row in ratings.double().tolist()]
    return [
        [
            {"item": preprocessor.items[item - 1], "score": round(score, 6), **more}
            for item, score, more in zip(*row, strict=True)
            if score > -torch.inf
        ]
        for row in zip(items.tolist(), best.double().tolist(), extra, strict=True)
    ]


def rank_scores(network: nn.Module, users: Tensor) -> Tensor:
    """Scores to rank all items by, shape (rows, items + 1)."""
    if not isinstance(network, RatingNetwork):
        scores: Tensor = network(users)
        return scores
    if network.ranker is not None:
        scores = network.ranker(users)
        return scores
    return network.ratings_of_all(users)
