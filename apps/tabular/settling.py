"""What is settled once the networks are trained: the trees, their share, the temperature and the intervals.

All are chosen on rows that the part in question has not learnt from: the validation rows, and where there are several
networks the rows that each of them was kept from.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.tabular import boosting
from apps.tabular.bagging import held_out, without
from apps.tabular.ensemble import Ensemble, mixed
from apps.tabular.forest import joined
from apps.tabular.recipe import TabularRecipe
from apps.tabular.sizes import growth
from apps.tabular.targets import NumberTarget, Target
from shared.predict import Predictor
from shared.protocol import Data

SHARES = torch.linspace(0, 1, 21).tolist()
UNDECIDED = 0.5
"""The share of the trees where there are no rows to choose by: halves beat either alone more often."""

TEMPERATURES = torch.logspace(-0.5, 0.5, 41, 2.0).tolist()
FEWEST_ROWS = 200
"""With fewer training rows no trees are grown."""

FEWEST_CALIBRATING = 20


Held = tuple[Data, Data]
"""Rows to learn from, and rows to choose by."""


def settle(ensemble: Ensemble, target: Target, train: Data, valid: Data, recipe: TabularRecipe) -> str:
    """Completes the ensemble; returns what to say of it."""
    ensemble.active = None
    folds = [without(train, part) for part in held_out(train, recipe) if len(part)]
    unseen = [held for _, held in folds] or ([valid] if len(valid) else [])
    targets = standard(torch.cat([data.targets for data in unseen]).cpu(), target) if unseen else torch.zeros(0)
    networks = _of_networks(ensemble, unseen, len(folds) > 1, recipe) if unseen else None
    said, trees = [], None
    if recipe.trees != "none" and len(train) >= FEWEST_ROWS:
        if not boosting.installed():
            return 'trees: LightGBM is not installed, so the network stands alone; pip install "glance[trees]"'
        grown, trees = _plant(ensemble, target, folds, (train, valid), recipe)
        share = UNDECIDED if trees is None or networks is None else best_share(networks, trees, targets)
        ensemble.forest.share.fill_(share)
        said.append(f"{grown}, {share:.0%} of the answer" + (" by validation" if unseen else ""))
    if networks is not None and len(targets) >= FEWEST_CALIBRATING:
        share = float(ensemble.forest.share) if trees is not None else 0.0
        said.append(_calibrate(ensemble, mixed(networks, trees, share), targets, recipe))
    return "; ".join(part for part in said if part)


def _of_networks(ensemble: Ensemble, unseen: list[Data], each_its_own: bool, recipe: TabularRecipe) -> Tensor:
    """The networks' answers to the unseen rows; of folds the network's that was kept from them."""
    predictor, found = Predictor(ensemble, recipe.precision, 4096), []
    for i, data in enumerate(unseen):
        ensemble.active = i if each_its_own else None
        found.append(predictor.outputs(data.inputs))
    ensemble.active = None
    return torch.cat(found)


def _plant(
    ensemble: Ensemble, target: Target, folds: list[Held], whole: Held, recipe: TabularRecipe
) -> tuple[str, Tensor | None]:
    """Grows forests, one a fold or several by seed; gives what to say, and their answers to the unseen rows."""
    first, width = whole[0], sum(part.shape[1] for part in whole[0].inputs.batch(torch.arange(1)))
    plan = growth(len(first), width, ensemble.forest.outputs)
    forests, found = [], []
    for i, (learnt, held) in enumerate(folds or [whole] * plan.forests):
        options = boosting.Options(plan, ensemble.sizes, ensemble.classes, recipe.seed, i, recipe.class_weights)
        forests.append(boosting.grow(_features(learnt, target), _features(held, target), options))
        ensemble.forest.plant(forests[-1], 1.0)
        if folds:
            found.append(_of_trees(ensemble, held))
    ensemble.forest.plant(joined(forests), UNDECIDED)
    if not folds and len(whole[1]):
        found.append(_of_trees(ensemble, whole[1]))
    rounds = len(ensemble.forest) // ensemble.forest.outputs
    said = f"trees: {rounds:,} rounds in {len(forests)} forests beside the network"
    return said, torch.cat(found) if found else None


def _features(data: Data, target: Target) -> boosting.Rows:
    inputs = [part.cpu() for part in data.inputs.batch(torch.arange(len(data)))]
    return boosting.Rows(boosting.forest_features(*inputs), standard(data.targets.cpu(), target), data.weights)


@torch.inference_mode()
def _of_trees(ensemble: Ensemble, data: Data) -> Tensor:
    device = ensemble.forest.share.device
    return ensemble.of_trees(*(part.to(device) for part in data.inputs.batch(torch.arange(len(data))))).cpu()


def _calibrate(ensemble: Ensemble, outputs: Tensor, targets: Tensor, recipe: TabularRecipe) -> str:
    if ensemble.classes:
        if len(targets) < FEWEST_ROWS:  # a temperature off by luck costs more than it gives
            return ""
        temperature = best_temperature(outputs, targets)
        ensemble.temperature.fill_(temperature)
        return f"probabilities calibrated (temperature {temperature:.2f})"
    if not 0 < recipe.interval < 1:
        return ""
    ensemble.intervals.fit(outputs, targets, recipe.interval)
    return f"intervals that hold {recipe.interval:.0%} of {len(targets):,} rows not trained on"


def standard(targets: Tensor, target: Target) -> Tensor:
    """Targets as the network and the trees see them."""
    return (targets - target.centre) / target.scale if isinstance(target, NumberTarget) else targets


def best_share(networks: Tensor, trees: Tensor, targets: Tensor) -> float:
    """The share of the trees with the least loss; among equals the least share."""

    def loss(share: float) -> float:
        outputs = mixed(networks, trees, share)
        return float(F.mse_loss(outputs, targets) if outputs.dim() == 1 else F.nll_loss(outputs, targets))

    return min(SHARES, key=loss)


def best_temperature(outputs: Tensor, targets: Tensor) -> float:
    """The divisor of the logarithms of probabilities with the least loss (Guo et al. 2017, arXiv:1706.04599)."""
    return min(TEMPERATURES, key=lambda t: float(F.nll_loss((outputs / t).log_softmax(1), targets)))
