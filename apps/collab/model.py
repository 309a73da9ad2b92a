"""The networks: factors that predict ratings, and item weights or factors that rank items."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.recipe import CollabRecipe

KEPT = 64
"""Columns of the posterior's mean factors that are kept."""

WEIGHTED_ITEMS = 8000
"""Up to so many items the weights of every item on every other are kept (256 MB); beyond, factors rank."""


class Seen(nn.Module):
    """What each user has, as the preprocessor keeps it: buffers that follow the device and are not saved twice."""

    starts: Tensor
    items: Tensor
    popularity: Tensor

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__()
        self.register_buffer("starts", preprocessor.seen_starts, persistent=False)
        self.register_buffer("items", preprocessor.seen_items.long(), persistent=False)
        share = preprocessor.item_counts.float() / max(len(preprocessor.users), 1)
        self.register_buffer("popularity", share, persistent=False)

    def cells(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """(items that these users have, one after another; where each user's begin)."""
        counts = self.starts[users + 1] - self.starts[users]
        begins = counts.cumsum(0) - counts
        steps = torch.arange(int(counts.sum()), device=users.device) - begins.repeat_interleave(counts)
        return self.items[self.starts[users].repeat_interleave(counts) + steps], begins


class ItemWeights(nn.Module):
    """Scores every item by the weights, shape (items + 1, items + 1), of the items that a user has."""

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__()
        size = len(preprocessor.items) + 1
        self.seen = Seen(preprocessor)
        self.weight = nn.Parameter(torch.zeros(size, size))

    def forward(self, users: Tensor) -> Tensor:
        """Scores, shape (rows, items + 1); who has nothing gets what most users have."""
        items, begins = self.seen.cells(users)
        scores = F.embedding_bag(items, self.weight, begins, mode="sum")
        return torch.where((users == 0)[:, None], self.seen.popularity, scores)


class ItemFactors(nn.Module):
    """Scores every item by the product of the user's factors with its own, and its bias."""

    def __init__(self, preprocessor: CollabPreprocessor, width: int) -> None:
        super().__init__()
        self.seen = Seen(preprocessor)
        self.users = nn.Embedding(len(preprocessor.users) + 1, width)
        self.items = nn.Embedding(len(preprocessor.items) + 1, width)
        self.item_bias = nn.Parameter(torch.zeros(len(preprocessor.items) + 1))
        nn.init.normal_(self.users.weight, std=0.1)
        nn.init.normal_(self.items.weight, std=0.1)

    def forward(self, users: Tensor) -> Tensor:
        """Scores, shape (rows, items + 1); the unknown user gets what most users have."""
        scores = F.linear(self.users(users), self.items.weight, self.item_bias)
        return torch.where((users == 0)[:, None], self.seen.popularity.to(scores.dtype), scores)


class RatingNetwork(nn.Module):
    """mean + user bias + item bias + product of factors, and a ranker: who predicts ratings best ranks badly.

    Position 0 is the unknown user or item, with the average one's factors.
    """

    mean: Tensor

    def __init__(self, preprocessor: CollabPreprocessor, width: int) -> None:
        super().__init__()
        users, items = len(preprocessor.users) + 1, len(preprocessor.items) + 1
        self.users, self.items = nn.Embedding(users, width), nn.Embedding(items, width)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        self.register_buffer("mean", torch.tensor(preprocessor.scale[1], dtype=torch.float))
        self.ranker = ItemWeights(preprocessor) if items <= WEIGHTED_ITEMS else None
        for factors in (self.users, self.items):
            nn.init.normal_(factors.weight, std=0.1)
            nn.init.zeros_(factors.weight[0])
        for biases in (self.user_bias, self.item_bias):
            nn.init.zeros_(biases.weight)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings, shape (rows,)."""
        product = (self.users(users) * self.items(items)).sum(1)
        return self.mean + product + self.user_bias(users)[:, 0] + self.item_bias(items)[:, 0]

    def ratings_of_all(self, users: Tensor) -> Tensor:
        """Predicted ratings of every item, shape (rows, items + 1)."""
        product = F.linear(self.users(users), self.items.weight, self.item_bias.weight[:, 0])
        return self.mean + product + self.user_bias(users)

    def factors(self) -> list[nn.Parameter]:
        """What gradient descent trains: all but the ranker."""
        return [weight for name, weight in self.named_parameters() if not name.startswith("ranker")]


def build(preprocessor: CollabPreprocessor, recipe: CollabRecipe) -> nn.Module:
    """The network for the task, its size given by the recipe and the numbers of users and items alone."""
    items = len(preprocessor.items)
    if preprocessor.task == "ratings":
        return RatingNetwork(preprocessor, recipe.factors if recipe.epochs else KEPT)
    if recipe.epochs or items >= WEIGHTED_ITEMS:
        return ItemFactors(preprocessor, RANKING_FACTORS)
    return ItemWeights(preprocessor)


RANKING_FACTORS = 64
"""Width of the factors that rank: ranking wants more than rating does."""
