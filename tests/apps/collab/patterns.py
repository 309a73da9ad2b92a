"""Small sources whose right answer is known: two tastes, and items of two kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_ratings(path: Path, users: int = 60, items: int = 40, seed: int = 0) -> Path:
    """Half of the users love the even items and dislike the odd ones, half the other way round."""
    draws = np.random.default_rng(seed)
    lines = ["userId,movieId,rating,timestamp"]
    for user in range(users):
        for item in draws.choice(items, items // 2, replace=False):
            liked = user % 2 == item % 2
            rating = np.clip((4.5 if liked else 1.5) + draws.normal(0, 0.4), 1, 5)
            lines.append(f"user {user},item {item},{rating:.1f},{1_000_000_000 + len(lines)}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_likes(path: Path, users: int = 80, items: int = 40, seed: int = 0) -> Path:
    """Each user has most items of their own kind and none of the other; the popular ones are of both kinds."""
    draws = np.random.default_rng(seed)
    lines = ["user,item"]
    for user in range(users):
        kind = [item for item in range(items) if item % 2 == user % 2]
        lines += [f"user {user},item {item}" for item in draws.choice(kind, items // 4, replace=False)]
    path.write_text("\n".join(lines) + "\n")
    return path
