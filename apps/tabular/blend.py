"""Trees beside the network: grown after it, and given the share of the answer that validation says."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.tabular import boosting
from apps.tabular.model import TabularNetwork, mixed
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import NumberTarget, Target
from shared.predict import Predictor
from shared.protocol import Data

SHARES = torch.linspace(0, 1, 21).tolist()
UNDECIDED = 0.5
"""The share of the trees where there are no validation rows to choose by: halves beat either alone more often."""

FEWEST_ROWS = 200


def blend(network: TabularNetwork, target: Target, train: Data, valid: Data, recipe: TabularRecipe) -> str:
    """Grows trees on the training rows into `network.forest`; returns what to say of it, "" for nothing."""
    if recipe.trees == "none" or len(train) < FEWEST_ROWS:
        return ""
    if not boosting.installed():
        return 'trees: LightGBM is not installed, so the network stands alone; pip install "glance[trees]"'
    held = _part(valid, target) if len(valid) else None
    classes = network.classes
    planted = boosting.grow(_part(train, target), held, network.categories.sizes, classes, recipe.seed)
    network.forest.plant(planted, UNDECIDED)
    rounds = len(planted["value"]) // max(classes if classes > 2 else 1, 1)
    if held is None:
        return f"trees: {rounds} rounds beside the network, {UNDECIDED:.0%} of the answer"
    share = best_share(*_alone(network, valid, recipe), held[1])
    network.forest.plant(planted if share else {}, share)
    return f"trees: {rounds} rounds beside the network, {share:.0%} of the answer by validation"


def _part(data: Data, target: Target) -> tuple[Tensor, Tensor]:
    features = boosting.forest_features(*(x.cpu() for x in data.inputs.batch(torch.arange(len(data)))))
    targets = data.targets.cpu()
    return features, (targets - target.centre) / target.scale if isinstance(target, NumberTarget) else targets


def _alone(network: TabularNetwork, valid: Data, recipe: TabularRecipe) -> tuple[Tensor, Tensor]:
    """The network's and the trees' own answers to the validation rows."""
    found = []
    for share in (0.0, 1.0):
        network.forest.share.fill_(share)
        found.append(Predictor(network, recipe.precision).outputs(valid.inputs))
    return found[0], found[1]


def best_share(network: Tensor, trees: Tensor, targets: Tensor) -> float:
    """The share of the trees with the least loss; among equals the least share."""

    def loss(share: float) -> float:
        outputs = mixed(network, trees, share)
        return float(F.mse_loss(outputs, targets) if outputs.dim() == 1 else F.nll_loss(outputs, targets))

    return min(SHARES, key=loss)
