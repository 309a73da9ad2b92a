"""Parts of the training rows that something is kept from, so that it can be asked about rows it has not learnt from."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.tabular.recipe import TabularRecipe
from shared.loaders import Tensors
from shared.metrics import weights_of_classes
from shared.protocol import Data


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


def outside(part: Tensor, rows: int) -> Tensor:
    """The positions of the rows that are not in `part`, ascending."""
    keep = torch.ones(rows, dtype=torch.bool)
    keep[part] = False
    return keep.nonzero().squeeze(1)


def rows_of(data: Data, rows: Tensor) -> Data:
    """These rows of a split, in this order."""
    weights = None if data.weights is None else data.weights[rows]
    return Data(Tensors(*data.inputs.batch(rows)), data.targets[rows], weights)


def evened(targets: Tensor, classes: int, class_weights: str) -> Tensor | None:
    """A weight for each row, float32, by which all classes, given as positions, count alike; None where they need not."""
    if class_weights == "none" or not classes:
        return None
    counts = torch.bincount(targets, minlength=classes).clamp_min(1)
    return weights_of_classes(counts.float(), len(targets))[targets]


def whole(data: Data) -> tuple[Tensor, ...]:
    """The tensors of all rows, in order: not copied where they are there."""
    inputs = data.inputs
    return inputs.tensors if isinstance(inputs, Tensors) else inputs.batch(torch.arange(len(data)))
