"""The networks: factors that predict ratings, and item weights or factors that rank items."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.histories import Histories
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.recipe import CollabRecipe

KEPT = 64
"""Columns of the posterior's mean factors that are kept."""

WEIGHTED_ITEMS = 8000
"""Up to so many items the weights of every item on every other are kept (256 MB); beyond, factors rank."""

MANY_ROWS = 32
"""From so many histories on a product with their whole table is faster than sums of rows."""


class Ranker(nn.Module):
    """Scores every item for users by what they have: the training rows', or any other histories.

    Who has nothing, the unknown user among them, gets what most users have.
    """

    popularity: Tensor

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__()
        self.seen = preprocessor.seen
        share = preprocessor.item_counts.float() / max(len(preprocessor.users), 1)
        self.register_buffer("popularity", share, persistent=False)

    def score(self, had: Histories) -> Tensor:
        """Scores for each row of histories, shape (rows, items + 1)."""
        raise NotImplementedError

    def or_popular(self, scores: Tensor, had: Tensor) -> Tensor:
        """`scores`, or the popularity of items where `had`, the number of items of a row, is 0."""
        return torch.where((had > 0)[:, None].to(scores.device), scores, self.popularity.to(scores.dtype))


class ItemWeights(Ranker):
    """The score of an item is the sum of its weights, a table of (items + 1, items + 1), on what the user has, and its
    bias."""

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__(preprocessor)
        size = len(preprocessor.items) + 1
        self.weight = nn.Parameter(torch.zeros(size, size))
        self.item_bias = nn.Parameter(torch.zeros(size))

    def forward(self, users: Tensor) -> Tensor:
        """Scores, shape (rows, items + 1), of users at these positions."""
        return self.score(self.seen.take(users.cpu()))

    def score(self, had: Histories) -> Tensor:
        device = self.weight.device
        if len(had) >= MANY_ROWS:
            table = had.table(torch.arange(len(had))).to(device)
            return self.or_popular(table @ self.weight + self.item_bias, had.counts())
        scores = F.embedding_bag(had.items.to(device), self.weight, had.starts[:-1].int().to(device), mode="sum")
        return self.or_popular(scores + self.item_bias, had.counts())


class ItemFactors(Ranker):
    """The score is the product of the user's factors with the item's, and the item's bias."""

    def __init__(self, preprocessor: CollabPreprocessor, width: int) -> None:
        super().__init__(preprocessor)
        self.users = nn.Embedding(len(preprocessor.users) + 1, width)
        self.items = nn.Embedding(len(preprocessor.items) + 1, width)
        self.item_bias = nn.Parameter(torch.zeros(len(preprocessor.items) + 1))
        nn.init.normal_(self.users.weight, std=0.1)
        nn.init.normal_(self.items.weight, std=0.1)

    def forward(self, users: Tensor) -> Tensor:
        """Scores, shape (rows, items + 1), of users at these positions."""
        return self.or_popular(self._products(self.users(users)), users)

    def score(self, had: Histories) -> Tensor:
        """By the least-squares factors of each history given the items', as alternating least squares has them."""
        from apps.collab.ials import user_factors

        return self.or_popular(self._products(user_factors(self.items.weight, had)), had.counts())

    def _products(self, users: Tensor) -> Tensor:
        return F.linear(users, self.items.weight, self.item_bias)


class RatingNetwork(nn.Module):
    """mean + user bias + item bias + product of factors, and a ranker: who predicts ratings best ranks badly.

    Position 0 is the unknown user or item, with the average one's factors.
    """

    mean: Tensor
    noise: Tensor
    user_spread: Tensor
    item_spread: Tensor

    def __init__(self, preprocessor: CollabPreprocessor, width: int) -> None:
        super().__init__()
        users, items = len(preprocessor.users) + 1, len(preprocessor.items) + 1
        self.users, self.items = nn.Embedding(users, width), nn.Embedding(items, width)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        self.register_buffer("mean", torch.tensor(preprocessor.scale[1], dtype=torch.float))
        self.least, _, self.greatest = preprocessor.scale
        self.seen, self.columns = preprocessor.seen, (preprocessor.user_columns, preprocessor.item_columns)
        self.register_buffer("noise", torch.ones(()))  # variance of a rating about its prediction
        self.register_buffer("user_spread", torch.zeros(users))  # variance of the prediction itself is a product
        self.register_buffer("item_spread", torch.zeros(items))
        self.ranker = make_ranker(preprocessor)
        for factors, counts in ((self.users, self.seen.counts()), (self.items, preprocessor.item_counts)):
            nn.init.normal_(factors.weight, std=0.1)
            factors.weight.data[counts == 0] = 0.0
        self.user_bias.weight.data[:, 0] = preprocessor.user_bias
        self.item_bias.weight.data[:, 0] = preprocessor.item_bias

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings and the standard deviations of what users would give, shape (rows, 2)."""
        product = (self.users(users) * self.items(items)).sum(1)
        ratings = self.mean + product + self.user_bias(users)[:, 0] + self.item_bias(items)[:, 0]
        variance = self.noise + self.user_spread[users] * self.item_spread[items]
        return torch.stack([ratings, variance.sqrt().expand_as(ratings)], 1)

    def ratings_of_all(self, users: Tensor) -> Tensor:
        """Predicted ratings of every item, shape (rows, items + 1)."""
        product = F.linear(self.users(users), self.items.weight, self.item_bias.weight[:, 0])
        return self.mean + product + self.user_bias(users)

    def factors(self) -> list[nn.Parameter]:
        """What gradient descent trains: all but the ranker."""
        return [weight for name, weight in self.named_parameters() if not name.startswith("ranker")]


def build(preprocessor: CollabPreprocessor, recipe: CollabRecipe) -> nn.Module:
    """The network for the task, its size given by the recipe and the numbers of users and items alone."""
    if preprocessor.task == "ratings":
        return RatingNetwork(preprocessor, recipe.factors if recipe.epochs else KEPT)
    return ItemFactors(preprocessor, RANKING_FACTORS) if recipe.epochs else make_ranker(preprocessor)


def make_ranker(preprocessor: CollabPreprocessor) -> ItemWeights | ItemFactors:
    """Weights of every item on every other where those fit, else factors."""
    if len(preprocessor.items) < WEIGHTED_ITEMS:
        return ItemWeights(preprocessor)
    return ItemFactors(preprocessor, RANKING_FACTORS)


RANKING_FACTORS = 64
"""Width of the factors that rank: ranking wants more than rating does."""
