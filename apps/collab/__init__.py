"""Collab: who liked what in, ratings and recommendations out. `train`, `load`, `learner`, `recommend` are its face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.face import Face

if TYPE_CHECKING:
    from shared.model import Model

_FACE = Face("collab")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


def recommend(model: Model, users: Sequence[str], k: int = 10) -> list[dict[str, Any]]:
    """For each user the k best items they have not had: `{"user", "basis", "items": [{"item", "score"}, ...]}`."""
    from apps.collab.recommending import recommend as answer

    return answer(model, users, k)
