"""The networks: factors that predict ratings, beside a ranker, or a ranker alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.blend import Blend
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import Ranker, make_ranker
from apps.collab.recipe import CollabRecipe

KEPT = 64
"""Columns of the posterior's mean factors that are kept."""


class RatingNetwork(nn.Module):
    """mean + user bias + item bias + product of factors + the level of the user's sitting, where the time is known;
    and a ranker: who predicts ratings best ranks badly.

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
        self.rows: tuple[Tensor, Tensor, Tensor] | None = None  # users, items, what levels leave: until training ends
        self.register_buffer("noise", torch.ones(()))  # variance of a rating about its prediction
        self.register_buffer("user_spread", torch.zeros(users))  # variance of the prediction itself is a product
        self.register_buffer("item_spread", torch.zeros(items))
        self.ranker = make_ranker(preprocessor)
        for factors, counts in ((self.users, self.seen.counts()), (self.items, preprocessor.item_counts)):
            nn.init.normal_(factors.weight, std=0.1)
            factors.weight.data[counts == 0] = 0.0
        self.user_bias.weight.data[:, 0] = preprocessor.user_bias
        self.item_bias.weight.data[:, 0] = preprocessor.item_bias

    def forward(self, users: Tensor, items: Tensor, levels: Tensor | None = None) -> Tensor:
        """Ratings and the standard deviations of what users would give, shape (rows, 2)."""
        sides = self.users(users), self.items(items)
        return self.combine(sides, (self.user_bias(users)[:, 0], self.item_bias(items)[:, 0]), (users, items), levels)

    def combine(
        self,
        factors: tuple[Tensor, Tensor],
        biases: tuple[Tensor, Tensor],
        positions: tuple[Tensor, Tensor],
        levels: Tensor | None,
    ) -> Tensor:
        """The same of these factors, each (rows, width), and biases, (rows,)."""
        ratings = self.mean + (factors[0] * factors[1]).sum(1) + biases[0] + biases[1]
        if levels is not None:
            ratings = ratings + levels
        users, items = positions
        of_user, of_item = self.user_spread[users], self.item_spread[items]
        rated = self.seen.counts() > 0
        usual = self.user_spread.where(rated, 0).sum() / rated.sum()  # picking them is slow, in each batch
        both_known = (usual - of_user).clamp_min(0) * (1 - of_item).clamp_min(0)  # beyond the sum: it stays above 0
        variance = self.noise + of_user + usual * (of_item - 1) + both_known
        return torch.stack([ratings, variance.sqrt().expand_as(ratings)], 1)

    def ratings_of_all(self, users: Tensor) -> Tensor:
        """Predicted ratings of every item, shape (rows, items + 1)."""
        product = F.linear(self.users(users), self.items.weight, self.item_bias.weight[:, 0])
        return self.mean + product + self.user_bias(users)

    def factors(self) -> list[nn.Parameter]:
        """What gradient descent trains: all but the ranker."""
        return [weight for name, weight in self.named_parameters() if not name.startswith("ranker")]


def ranker_of(network: nn.Module) -> Ranker:
    """What ranks items: beside the factors that predict ratings, or alone."""
    ranker = network.ranker if isinstance(network, RatingNetwork) else network
    assert isinstance(ranker, Ranker)
    return ranker


def build(preprocessor: CollabPreprocessor, recipe: CollabRecipe) -> nn.Module:
    """The network for the task, its size given by the recipe and the numbers of users and items alone."""
    if preprocessor.task == "ratings":
        return RatingNetwork(preprocessor, recipe.factors if recipe.epochs else KEPT)
    return Blend(preprocessor).eval() if recipe.epochs else make_ranker(preprocessor)
