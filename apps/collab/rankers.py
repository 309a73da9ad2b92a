"""What ranks items for users by what they have; item weights and factors, which are fitted in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.histories import Histories
from apps.collab.preprocessor import CollabPreprocessor

WEIGHTED_ITEMS = 8000
"""Up to so many items the weights of every item on every other are kept (256 MB); beyond, factors rank."""

RANKING_FACTORS = 64
"""Width of the factors that rank: ranking wants more than rating does."""

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

    def rankers(self) -> list[Ranker]:
        """The single rankers that it consists of."""
        return [self]

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
        own = self.users(users)
        return self.or_popular(self._products(own), (users > 0) & own.any(1))  # a side table may know who has nothing

    def score(self, had: Histories) -> Tensor:
        """By the least-squares factors of each history given the items', as alternating least squares has them."""
        from apps.collab.ials import user_factors

        return self.or_popular(self._products(user_factors(self.items.weight, had)), had.counts())

    def _products(self, users: Tensor) -> Tensor:
        return F.linear(users, self.items.weight, self.item_bias)


def make_ranker(preprocessor: CollabPreprocessor) -> ItemWeights | ItemFactors:
    """Weights of every item on every other where those fit, else factors."""
    if len(preprocessor.items) < WEIGHTED_ITEMS:
        return ItemWeights(preprocessor)
    return ItemFactors(preprocessor, RANKING_FACTORS)
