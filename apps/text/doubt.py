"""The texts that the n-grams leave in doubt: where the encoder cannot read all of every text, it learns from these and answers these.

A cascade, as Viola & Jones 2001 have it: what a cheap model is sure of is not shown to the dear one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from apps.text.encoded import Texts
from apps.text.expert import GramExpert
from apps.text.model import TextNetwork, margins
from apps.text.ragged import Ragged
from apps.text.recipe import TextRecipe
from shared.loaders import chosen
from shared.predict import Predictor
from shared.progress import Setup
from shared.protocol import Data

FOLDS = 4
"""Parts of the training texts, each asked by n-grams fitted to the others: of what they have learnt they are surer than
of what is new."""

LEARNT = 20_000
"""Training texts that these are fitted to at most: memory and time do not grow beyond."""


def cascades(network: TextNetwork, recipe: TextRecipe) -> bool:
    """Whether the encoder is shown only what the n-grams leave in doubt."""
    return network.has_encoder and network.has_grams and recipe.share is not None and recipe.share < 1


def narrowed(setup: Setup) -> Setup:
    """The setup with those texts alone of which the n-grams are least sure, a share of the training and of the validation
    texts."""
    network, recipe = setup.network, setup.recipe
    assert isinstance(network, TextNetwork) and isinstance(recipe, TextRecipe) and recipe.share is not None
    assert isinstance(setup.valid.inputs, Texts)
    judged = margins(asked_alone(network.grams, setup.valid.inputs.grams))
    found = [(setup.train, crossed_margins(network.grams, setup.train, recipe)), (setup.valid, judged)]
    train, valid = (chosen(part, least(sure, recipe.share)) for part, sure in found)
    return replace(setup, train=train, valid=valid)


def crossed_margins(expert: GramExpert, train: Data, recipe: TextRecipe) -> Tensor:
    """How sure n-grams that were fitted to other training texts are of each, shape (rows,)."""
    assert isinstance(train.inputs, Texts)
    order, sure = np.random.default_rng(recipe.seed).permutation(len(train)), torch.zeros(len(train))
    for part in np.array_split(order, FOLDS):
        others = np.sort(order[~np.isin(order, part)][:LEARNT])
        fitted = GramExpert(*expert.weight.shape)
        fitted.strength = expert.strength
        fitted.fit(train.inputs.grams.take(others), train.targets[others], recipe.class_weights == "auto")
        sure[part] = margins(asked_alone(fitted, train.inputs.grams.take(part)))
    return sure


def asked_alone(expert: GramExpert, grams: Ragged) -> Tensor:
    """The logits of n-grams, without the tokens of the texts being made ready."""
    return Predictor(expert).outputs(Texts(grams)).clone()


def least(sure: Tensor, share: float) -> Tensor:
    """Positions of the `share` of rows with the least margins, ascending."""
    return sure.argsort(stable=True)[: max(round(share * len(sure)), 1)].sort().values
