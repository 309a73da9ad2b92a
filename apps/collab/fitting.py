"""What the training rows tell before the first step: here that is nearly everything."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from apps.collab.ease import item_weights
from apps.collab.ials import alternating
from apps.collab.model import ItemFactors, ItemWeights, RatingNetwork
from apps.collab.posterior import Ratings, sample_posterior
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.recipe import CollabRecipe
from shared.protocol import Data

BLOCK = 1 << 20
SHRINKAGE = (5.0, 10.0)
"""Ratings of the average one that a user's and an item's bias are shrunk by, before gradient descent."""


@torch.no_grad()
def fit_closed_form(network: nn.Module, train: Data, recipe: CollabRecipe) -> None:
    """Fills the network in place from the training rows."""
    if isinstance(network, RatingNetwork):
        users, items = train.inputs.batch(torch.arange(len(train)))
        sizes = (len(network.users.weight), len(network.items.weight))
        ratings = Ratings(users, items, train.targets - network.mean, sizes)
        if recipe.epochs:
            _fill_biases(network, ratings)
        else:
            _fill_posterior(network, ratings, recipe)
        network = network.ranker if network.ranker is not None else network
    if isinstance(network, ItemWeights):
        weights, _ = item_weights(network.seen, recipe.strength, recipe.seed)
        network.weight.copy_(weights)
    elif isinstance(network, ItemFactors):
        alternating(network, network.seen)


def _fill_biases(network: RatingNetwork, ratings: Ratings) -> None:
    """Shrunken means of what is left: of the items first, then of the users."""
    item = _shrunken(ratings.item, ratings.rating, ratings.sizes[1], SHRINKAGE[1])
    user = _shrunken(ratings.user, ratings.rating - item[ratings.item], ratings.sizes[0], SHRINKAGE[0])
    network.item_bias.weight[:, 0], network.user_bias.weight[:, 0] = item, user


def _shrunken(owner: Tensor, values: Tensor, owners: int, strength: float) -> Tensor:
    sums = torch.zeros(owners).index_add_(0, owner, values)
    return sums / (torch.bincount(owner, minlength=owners) + strength)


def _fill_posterior(network: RatingNetwork, ratings: Ratings, recipe: CollabRecipe) -> None:
    width = network.users.weight.shape[1]
    found = sample_posterior(ratings, recipe.factors, recipe.samples, recipe.burn, width)
    for table, part in ((network.users, found.factors.users), (network.items, found.factors.items)):
        table.weight.copy_(part)
    for table, part in ((network.user_bias, found.biases.users), (network.item_bias, found.biases.items)):
        table.weight[:, 0] = part
    network.user_spread.copy_(found.spread.users)
    network.item_spread.copy_(found.spread.items)
    network.noise.fill_(found.noise)


def remember_held(preprocessor: CollabPreprocessor, valid: Data) -> None:
    """What users have in the validation rows is not to be recommended to them."""
    if preprocessor.task == "ratings":
        users, items = valid.inputs.batch(torch.arange(len(valid)))
    else:
        users, items = valid.targets.unbind(1)
    preprocessor.held = preprocessor.cells(users, items)


@torch.no_grad()
def measure_noise(network: RatingNetwork, rows: Data) -> None:
    """After gradient descent: the variance of ratings about the predictions, the uncertainty of all of them."""
    errors = [
        network(*rows.inputs.batch(part))[:, 0] - rows.targets[part] for part in torch.arange(len(rows)).split(BLOCK)
    ]
    network.noise.copy_(torch.cat(errors).square().mean())
