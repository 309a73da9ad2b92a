"""Collab: who liked what in, ratings and recommendations out. Its face is `train`, `load`, `learner`, `recommend`, `similar`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.face import Face

if TYPE_CHECKING:
    from shared.model import Model

_FACE = Face("collab")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


def recommend(
    model: Model,
    users: Sequence[str] | None = None,
    k: int = 10,
    *,
    history: Any = None,
    allow: Sequence[str] | None = None,
    deny: Sequence[str] = (),
    seen: bool = False,
    diversity: float = 0.0,
    why: bool = False,
) -> list[dict[str, Any]]:
    """For each user the k best items they have not had: `{"user", "basis", "support", "items": [...]}`.

    Without `users` everyone in `history`, else everyone known. `history`, a table's path, a DataFrame, or a list of dicts
    or of tuples (user, item[, rating]), is what users bring along; the rest is explained in apps.collab.recommending.Wish.
    Raises UserError at an impossible wish.
    """
    from apps.collab.asking import ask, listed
    from apps.collab.recommending import Wish

    wish = Wish(k, None if allow is None else listed(allow), listed(deny), seen, diversity, why)
    return list(ask(model, users, wish, history))


def similar(model: Model, items: Sequence[str], k: int = 10) -> list[dict[str, Any]]:
    """For each item the k that share most users with it: `{"item", "basis", "support", "items": [...]}`."""
    from apps.collab.asking import listed
    from apps.collab.recommending import similar as answer

    return list(answer(model, listed(items), k))
