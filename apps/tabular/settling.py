"""What is settled once the networks are trained: the trees, their share, the temperature and the intervals.

All are chosen on rows that the part in question has not learnt from: the validation rows, and where there are several
networks the rows that each of them was kept from.
"""

from __future__ import annotations

import torch
from torch import Tensor

from apps.tabular import boosting
from apps.tabular.ensemble import Ensemble, losses, mixed
from apps.tabular.growing import UNDECIDED, plant
from apps.tabular.parts import evened, held_out, rows_of
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import NumberTarget, Target
from apps.tabular.transforms import NONE, mean_factor
from shared.calibration import best_temperature
from shared.predict import Predictor
from shared.protocol import Data

SHARES = torch.linspace(0, 1, 21).tolist()
LOWEST = 2**-0.5
"""Temperature: rows that are all right would ask for certainty. An imagined error instead costs log loss
(docs/experiments/tabular.md)."""

FEWEST_ROWS = 200
"""With fewer training rows no trees are grown."""

FEWEST_CALIBRATING = 20


def settle(ensemble: Ensemble, target: Target, train: Data, valid: Data, recipe: TabularRecipe) -> str:
    """Completes the ensemble; returns what to say of it."""
    ensemble.active = None
    parts = [part for part in held_out(train, recipe) if len(part)]
    unseen = [rows_of(train, part) for part in parts] or ([valid] if len(valid) else [])
    targets = target.standard(torch.cat([data.targets for data in unseen]).cpu()) if unseen else torch.zeros(0)
    networks = _of_networks(ensemble, unseen, len(parts) > 1, recipe) if unseen else None
    said, trees = [], None
    if recipe.trees != "none" and len(train) >= FEWEST_ROWS:
        if not boosting.installed():
            return 'trees: LightGBM is not installed, so the network stands alone; pip install "glance[trees]"'
        grown, trees = plant(ensemble, target, parts, (train, valid), recipe)
        counted = evened(targets, ensemble.classes, recipe.class_weights)
        share = UNDECIDED if trees is None or networks is None else best_share(networks, trees, targets, counted)
        ensemble.forest.share.fill_(share)
        said.append(f"{grown}, {share:.0%} of the answer" + (" by validation" if unseen else ""))
    if networks is not None and len(targets) >= FEWEST_CALIBRATING:
        share = float(ensemble.forest.share) if trees is not None else 0.0
        outputs = mixed(networks, trees, share)
        if isinstance(target, NumberTarget) and target.transform != NONE:
            ensemble.factor.fill_(mean_factor(target.values(outputs), target.values(targets)))
        said.append(_calibrate(ensemble, outputs, targets, recipe))
    return "; ".join(part for part in said if part)


def _of_networks(ensemble: Ensemble, unseen: list[Data], each_its_own: bool, recipe: TabularRecipe) -> Tensor:
    """The networks' answers to the unseen rows; of folds the network's that was kept from them."""
    predictor, found = Predictor(ensemble, recipe.precision, 4096), []
    try:
        for i, data in enumerate(unseen):
            ensemble.active = i if each_its_own else None
            found.append(predictor.outputs(data.inputs))
    finally:  # also of a run that is interrupted
        ensemble.active = None
    return torch.cat(found)


def _calibrate(ensemble: Ensemble, outputs: Tensor, targets: Tensor, recipe: TabularRecipe) -> str:
    if ensemble.classes:
        if len(targets) < FEWEST_ROWS:  # a temperature off by luck costs more than it gives
            return ""
        temperature = best_temperature(outputs, targets, LOWEST)
        ensemble.temperature.fill_(temperature)
        return f"probabilities calibrated (temperature {temperature:.2f})"
    if not recipe.interval:
        return ""
    ensemble.intervals.fit(outputs, targets, recipe.interval)
    if not len(ensemble.intervals.reach):
        return f"no intervals: {len(targets):,} rows not trained on are too few for {recipe.interval:.0%}"
    return f"intervals that hold {recipe.interval:.0%} of {len(targets):,} rows not trained on"


def best_share(networks: Tensor, trees: Tensor, targets: Tensor, counted: Tensor | None = None) -> float:
    """The share of the trees: of those whose loss is within one standard error of the least, the nearest to a half.

    The rule of Breiman et al. 1984, CART, section 3.4.3: few rows cannot tell such shares apart, and both together are
    seldom worse than one alone. `counted` is how much each row counts, where they do not all alike.
    """
    found = torch.stack([losses(mixed(networks, trees, share), targets, counted) for share in SHARES]).double()
    beyond = found - found[found.mean(1).argmin()]
    error = beyond.std(1) / len(targets) ** 0.5 if len(targets) > 1 else torch.zeros(len(SHARES))
    close = [share for share, more, by in zip(SHARES, beyond.mean(1), error, strict=True) if more <= by]
    return min(close, key=lambda share: abs(share - 0.5))
