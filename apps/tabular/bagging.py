"""Trains the networks one after another, each choosing its weights on rows that it has not learnt from."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from apps.tabular.ensemble import Ensemble
from apps.tabular.recipe import TabularRecipe
from shared.checkpoint import Checkpoint
from shared.loaders import Tensors
from shared.progress import Progress, Setup
from shared.protocol import Data, Group
from shared.train import fit

STAGE = "train"


def train(setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
    """The networks of `setup.network`; after Ctrl-C those that are finished, and the last one's best, remain."""
    ensemble = setup.network
    assert isinstance(ensemble, Ensemble)
    if not setup.recipe.epochs:
        progress.offer(0.0, ensemble, "untrained")
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


def held_out(train: Data, recipe: TabularRecipe) -> list[Tensor]:
    """The positions that each network does not learn from, together all rows; of one network none.

    Rows of one group stay together. Rows in order of time are not cut: the past is not predicted from the future.
    """
    if recipe.folds == 1 or recipe.time is not None:
        return [torch.zeros(0, dtype=torch.long)] * recipe.folds
    groups = getattr(train.inputs, "groups", None)
    units = torch.arange(len(train)) if groups is None else groups
    shuffle = torch.Generator().manual_seed(recipe.seed)
    part = torch.randperm(int(units.max()) + 1, generator=shuffle)[units] % recipe.folds
    return [(part == i).nonzero().squeeze(1) for i in range(recipe.folds)]


def without(data: Data, held: Tensor) -> tuple[Data, Data]:
    """(the rest, the rows held out)."""
    keep = torch.ones(len(data), dtype=torch.bool)
    keep[held] = False
    return rows_of(data, keep.nonzero().squeeze(1)), rows_of(data, held)


def rows_of(data: Data, rows: Tensor) -> Data:
    """These rows of a split, in this order."""
    weights = None if data.weights is None else data.weights[rows]
    return Data(Tensors(*data.inputs.batch(rows)), data.targets[rows], weights)


def _alone(setup: Setup, ensemble: Ensemble, i: int, parts: list[Tensor]) -> Setup:
    train, valid = without(setup.train, parts[i]) if len(parts[i]) else (setup.train, setup.valid)
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
