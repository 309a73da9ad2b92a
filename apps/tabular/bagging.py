"""Trains the networks one after another, each choosing its weights on rows that it has not learnt from."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from apps.tabular.ensemble import Ensemble
from apps.tabular.parts import held_out, outside, rows_of
from apps.tabular.recipe import TabularRecipe
from shared.checkpoint import Checkpoint
from shared.progress import Progress, Setup
from shared.protocol import Group
from shared.train import fit

STAGE = "train"


def train(setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
    """The networks of `setup.network`; after Ctrl-C those that are finished, and the last one's best, remain."""
    ensemble = setup.network
    assert isinstance(ensemble, Ensemble)
    if not setup.recipe.epochs:
        return
    recipe = setup.recipe
    assert isinstance(recipe, TabularRecipe)
    parts = held_out(setup.train, recipe)
    try:
        for i in range(_resumed(checkpoint, len(ensemble.networks)), len(ensemble.networks)):
            ensemble.trained.fill_(i + 1)
            ensemble.active = i
            progress.score = float("-inf")
            fit(_alone(setup, ensemble, i, parts), setup.recipe.epochs, progress, checkpoint, _stage(i))
            assert progress.weights is not None
            ensemble.load_state_dict(progress.weights)
    finally:
        ensemble.active = None
    if len(parts) > 1:
        progress.chosen = f"{len(parts)} networks, each at its best epoch"


def _alone(setup: Setup, ensemble: Ensemble, i: int, parts: list[Tensor]) -> Setup:
    train, valid = setup.train, setup.valid
    if len(parts[i]):
        train, valid = rows_of(train, outside(parts[i], len(train))), rows_of(train, parts[i])
    recipe = replace(setup.recipe, seed=setup.recipe.seed + i)
    groups = [Group(list(ensemble.networks[i].parameters()))]
    return replace(setup, recipe=recipe, train=train, valid=valid, groups=groups)


def _stage(i: int) -> str:
    return f"{STAGE} {i + 1}" if i else STAGE


def _resumed(checkpoint: Checkpoint | None, networks: int) -> int:
    """The network that an unfinished run was at."""
    if checkpoint is None:
        return 0
    return next((i for i in range(networks) if checkpoint.load(_stage(i)) is not None), 0)
