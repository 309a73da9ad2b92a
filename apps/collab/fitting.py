"""What the training rows tell before the first step: here that is nearly everything."""

from __future__ import annotations

import torch
from torch import nn

from apps.collab.biases import fit_biases
from apps.collab.ease import item_weights
from apps.collab.ials import alternating
from apps.collab.model import KEPT, RatingNetwork, ranker_of
from apps.collab.posterior import Ratings, sample_posterior
from apps.collab.rankers import ItemFactors, ItemWeights, Ranker
from apps.collab.recipe import CollabRecipe
from shared.allocation import freed_blocks_kept
from shared.loaders import Tensors
from shared.predict import Predictor
from shared.protocol import Data

BLOCK = 1 << 20

FEW, SPARSE = 5000, 5
"""Ratings, in all and of an average user, below which the bias-only model may be as good as any: a hold-out decides."""

HELD = 0.1
"""Share of the ratings that it holds out."""


@freed_blocks_kept()
@torch.no_grad()
def fit_closed_form(network: nn.Module, train: Data, recipe: CollabRecipe) -> None:
    """Fills the network in place from the training rows; gradient descent starts from the biases it has."""
    if isinstance(network, RatingNetwork):
        assert isinstance(train.inputs, Tensors)
        users, items, *levels = train.inputs.tensors
        targets = train.targets - levels[0] if levels else train.targets
        network.rows = (users, items, targets)
        if not recipe.epochs:
            sizes = (len(network.users.weight), len(network.items.weight))
            _fill_posterior(network, Ratings(users, items, targets - network.mean, sizes, network.columns), recipe)
    for ranker in ranker_of(network).rankers():
        fit_ranker(ranker, recipe)


@torch.no_grad()
def fit_ranker(ranker: Ranker, recipe: CollabRecipe) -> None:
    """Fills it in place where a closed form does so."""
    if isinstance(ranker, ItemWeights):
        weights, dials = item_weights(ranker.seen, recipe.strength, recipe.seed)
        ranker.weight.copy_(weights)
        ranker.item_bias.copy_(dials.popular * ranker.popularity)
    elif isinstance(ranker, ItemFactors):
        alternating(ranker, ranker.seen)


def _fill_posterior(network: RatingNetwork, ratings: Ratings, recipe: CollabRecipe) -> None:
    enough = max(FEW, SPARSE * int((ratings.counts()[0] > 0).sum()))
    share, error = (1.0, 0.0) if len(ratings.rating) >= enough else _trusted(ratings, recipe)
    found = sample_posterior(ratings, recipe.factors, recipe.samples, recipe.burn, network.users.weight.shape[1])
    network.users.weight.copy_(share * found.factors.users)
    network.items.weight.copy_(found.factors.items)
    for table, part in ((network.user_bias, found.biases.users), (network.item_bias, found.biases.items)):
        table.weight[:, 0].lerp_(part, share)  # from the bias-only model's
    network.user_spread.copy_(found.spread.users)
    network.item_spread.copy_(found.spread.items)
    spread = found.spread.users[ratings.user.long()] * found.spread.items[ratings.item.long()]
    network.noise.fill_(max(found.noise, error - float(spread.mean())))


def _trusted(ratings: Ratings, recipe: CollabRecipe) -> tuple[float, float]:
    """(how far to go from the bias-only model towards the posterior mean, 0 to 1; the squared error to expect there):
    by least squares on a tenth held out of both, less one standard error."""
    variance = ratings.rating.square().mean()
    held = torch.rand(len(ratings.rating), generator=torch.Generator().manual_seed(recipe.seed)) < HELD
    if not held.any() or held.all():
        return 0.0, float(variance)  # too few ratings to tell
    user, item, rest = (part[held] for part in (ratings.user.long(), ratings.item.long(), ratings.rating))
    part = Ratings(ratings.user[~held], ratings.item[~held], ratings.rating[~held], ratings.sizes, ratings.columns)
    user_bias, item_bias = fit_biases(part.user.long(), part.item.long(), part.rating, ratings.sizes)
    found = sample_posterior(part, recipe.factors, recipe.samples, recipe.burn, KEPT)
    product = (found.factors.users[user] * found.factors.items[item]).sum(1)
    gain = product + found.biases.users[user] - user_bias[user] + found.biases.items[item] - item_bias[item]
    missing = rest - user_bias[user] - item_bias[item]
    size = gain.square().sum().clamp_min(1e-12)
    share = (gain @ missing / size - missing.square().mean().sqrt() / size.sqrt()).clamp(0, 1)
    left = torch.cat([(missing - share * gain).square(), variance[None]])  # a lone row held out may be hit by chance
    return float(share), float(left.mean())


@torch.no_grad()
def measure_noise(network: RatingNetwork, rows: Data) -> None:
    """After gradient descent: the variance of ratings about the predictions, the uncertainty of all of them."""
    predicted = Predictor(network, batch_size=BLOCK).outputs(rows.inputs)[:, 0]
    network.noise.copy_((predicted - rows.targets).square().mean())
