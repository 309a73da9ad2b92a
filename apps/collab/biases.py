"""Biases: how far the ratings of a user, and those of an item, lie above the mean, shrunken where they are few."""

from __future__ import annotations

import torch
from torch import Tensor

USERS = 5.0
ITEMS = 10.0
"""Ratings of the average one that a user's and an item's bias are shrunk by."""


def fit_biases(users: Tensor, items: Tensor, rest: Tensor, sizes: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(users', items') from ratings less their mean: of the items first, then of what they leave to the users."""
    item_bias = _shrunken(items, rest, sizes[1], ITEMS)
    return user_biases(users, rest - item_bias[items], sizes[0]), item_bias


def user_biases(users: Tensor, rest: Tensor, count: int) -> Tensor:
    """Of `count` users from what the mean and the items leave of their ratings."""
    return _shrunken(users, rest, count, USERS)


def _shrunken(owners: Tensor, values: Tensor, count: int, strength: float) -> Tensor:
    sums = torch.zeros(count).index_add_(0, owners, values)
    return sums / (torch.bincount(owners, minlength=count) + strength)
