"""The network: embedded columns into an ensemble of perceptrons that share their inner weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from apps.tabular.boosting import forest_features
from apps.tabular.embeddings import Categories, PiecewiseLinear
from apps.tabular.forest import Forest
from apps.tabular.recipe import TabularRecipe


class Members(nn.Module):
    """A perceptron run by several members, each with its own signs of the inputs and its own last layer.

    TabM-mini of Gorishniy, Kotelnikov & Babenko 2024, arXiv:2410.24210. (rows, inputs) to (rows, members, outputs).
    """

    def __init__(self, inputs: int, outputs: int, recipe: TabularRecipe) -> None:
        super().__init__()
        signs = torch.randint(0, 2, (recipe.members, inputs)) * 2.0 - 1
        self.adapter = nn.Parameter(signs if recipe.members > 1 else torch.ones(1, inputs))
        self.dropout = nn.Dropout(recipe.dropout)
        self.first = nn.Linear(inputs, recipe.width)
        inner = [nn.Sequential(nn.ReLU(), nn.Linear(recipe.width, recipe.width)) for _ in range(recipe.depth - 1)]
        self.trunk = nn.Sequential(*inner, nn.ReLU())
        bound = 1 / math.sqrt(recipe.width)
        self.weight = nn.Parameter(torch.empty(recipe.members, recipe.width, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(recipe.members, outputs).uniform_(-bound, bound))

    def forward(self, features: Tensor) -> Tensor:
        """Dropout falls on the features, before the members part: on hidden units it would cost as much as the rest."""
        members = len(self.adapter)
        weight = (self.adapter.unsqueeze(1) * self.first.weight).flatten(0, 1)  # the signs, moved onto the weights
        hidden = nn.functional.linear(self.dropout(features), weight).unflatten(1, (members, -1)) + self.first.bias
        hidden = self.trunk(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            return torch.einsum("rmh,mho->rmo", hidden.float(), self.weight) + self.bias


class TabularNetwork(nn.Module):
    """Numbers, missing flags and codes to outputs.

    In training (rows, members, classes), or (rows, members) of a regression: each member learns by itself.
    In answering the mean of the members, and of the trees beside them: logarithms of probabilities (rows, classes), or numbers (rows,).
    """

    def __init__(self, edges: Tensor, flags: int, sizes: Sequence[int], classes: int, recipe: TabularRecipe) -> None:
        super().__init__()
        self.classes = classes
        self.numbers = PiecewiseLinear(edges, recipe.embedding)
        self.categories = Categories(sizes, recipe.embedding, recipe.unknown_rate)
        inputs = len(edges) * recipe.embedding + flags + self.categories.out
        self.members = Members(inputs, max(classes, 1), recipe)
        self.forest = Forest(classes if classes > 2 else 1)

    def forward(self, numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
        features = torch.cat([self.numbers(numbers), flags.to(numbers), self.categories(codes)], 1)
        outputs = self.members(features)
        if self.training:
            return outputs if self.classes else outputs.squeeze(2)
        return self._with_trees(self._mean(outputs), numbers, flags, codes)

    def _mean(self, outputs: Tensor) -> Tensor:
        if not self.classes:
            return outputs.squeeze(2).mean(1)
        return outputs.log_softmax(2).logsumexp(1) - math.log(outputs.shape[1])

    def _with_trees(self, outputs: Tensor, *inputs: Tensor) -> Tensor:
        share = float(self.forest.share)
        if not share or not len(self.forest):
            return outputs
        return mixed(outputs, self._of_trees(self.forest(forest_features(*inputs))), share)

    def _of_trees(self, sums: Tensor) -> Tensor:
        """Sums of leaves in the form of the network's own answer."""
        if self.classes == 2:
            return nn.functional.logsigmoid(torch.cat([-sums, sums], 1)).float()
        return sums.log_softmax(1).float() if self.classes else sums.squeeze(1).float()


def mixed(network: Tensor, trees: Tensor, share: float) -> Tensor:
    """Answers of both, weighed: probabilities (their logarithms, two dimensions) or numbers (one)."""
    if share in (0.0, 1.0) or network.dim() == 1:
        return network * (1 - share) + trees * share if network.dim() == 1 else (trees if share else network)
    return torch.logaddexp(network + math.log(1 - share), trees + math.log(share))
