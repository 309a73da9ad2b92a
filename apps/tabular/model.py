"""The network: embedded columns into an ensemble of perceptrons that share their inner weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from apps.tabular.embeddings import Categories, PiecewiseLinear
from apps.tabular.recipe import TabularRecipe
from shared.dropout import Dropout


class Members(nn.Module):
    """A perceptron run by several members, each with its own signs of the inputs and its own last layer.

    TabM-mini of Gorishniy, Kotelnikov & Babenko 2024, arXiv:2410.24210. (rows, inputs) to (rows, members, outputs).
    A learned scale of each input, the same for all members, lets it be turned down: Holzmuller et al. 2024,
    arXiv:2407.04491.
    """

    def __init__(self, inputs: int, outputs: int, recipe: TabularRecipe) -> None:
        super().__init__()
        signs = torch.randint(0, 2, (recipe.members, inputs)) * 2.0 - 1
        self.adapter = nn.Parameter(signs if recipe.members > 1 else torch.ones(1, inputs))
        self.scale = nn.Parameter(torch.ones(inputs))
        self.dropout = Dropout(recipe.dropout)
        self.first = nn.Linear(inputs, recipe.width)
        drop = Dropout(recipe.dropout)
        inner = [nn.Sequential(nn.ReLU(), drop, nn.Linear(recipe.width, recipe.width)) for _ in range(recipe.depth - 1)]
        self.trunk = nn.Sequential(*inner, nn.ReLU(), drop)
        bound = 1 / math.sqrt(recipe.width)
        self.weight = nn.Parameter(torch.empty(recipe.members, recipe.width, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(recipe.members, outputs).uniform_(-bound, bound))

    def forward(self, features: Tensor) -> Tensor:
        features, signs = self.dropout(features), self.scale * self.adapter
        if len(features) < self.first.out_features:
            hidden = self.first(features.unsqueeze(1) * signs)
        else:  # the signs move onto the weights, of which there are fewer
            weight = (signs.unsqueeze(1) * self.first.weight).flatten(0, 1)
            hidden = nn.functional.linear(features, weight).unflatten(1, (len(signs), -1)) + self.first.bias
        hidden = self.trunk(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            return torch.einsum("rmh,mho->rmo", hidden.to(self.weight.dtype), self.weight) + self.bias


class TabularNetwork(nn.Module):
    """Numbers, missing flags and codes to outputs.

    In training (rows, members, classes), or (rows, members) of a regression: each member learns by itself.
    In answering the members' mean: logarithms of probabilities (rows, classes), or numbers (rows,).
    """

    def __init__(self, edges: Tensor, flags: int, sizes: Sequence[int], classes: int, recipe: TabularRecipe) -> None:
        super().__init__()
        self.classes = classes
        self.numbers = PiecewiseLinear(edges, recipe.embedding)
        self.categories = Categories(sizes, recipe.embedding, recipe.unknown_rate)
        self.first_code = len(edges) + flags  # of trees' features: numbers, flags, codes
        inputs = len(edges) * recipe.embedding + flags + self.categories.out
        self.members = Members(inputs, max(classes, 1), recipe)

    def forward(self, numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
        features = torch.cat([self.numbers(numbers), flags.to(numbers), self.categories(codes)], 1)
        outputs = self.members(features)
        outputs = outputs if self.classes else outputs.squeeze(2)
        if self.training:
            return outputs
        return outputs.log_softmax(2).logsumexp(1) - math.log(outputs.shape[1]) if self.classes else outputs.mean(1)
