"""Whole numbers that are names (a shop's, a flight's, a postcode): told from amounts by what they say of the target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.tabular.columns import to_numbers
from apps.tabular.features import MOST_WORDS
from apps.tabular.kinds import CODE, NUMBER, Kind, find_kinds
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import REGRESSION
from shared.protocol import Examples

BINS, ROWS_EACH = 255, 10
"""Of at most so many distinct numbers trees can tell each from the others; with fewer rows each there is no telling."""

PRIOR_ROWS = 20
MORE = 0.005
"""Share of the target's variance that the numbers must tell, each by itself, beyond what runs of them tell."""


def kinds_of(train: Examples, recipe: TabularRecipe) -> list[Kind]:
    """The kind of every column of the training rows, by its cells and by what they tell of the target."""
    found = find_kinds(train.inputs, recipe.group)
    targets = _as_numbers(train.targets, recipe.task)
    half = np.random.default_rng(0).permutation(len(train)) < len(train) // 2
    return [
        replace(kind, kind=CODE) if kind.kind == NUMBER and is_code(train.inputs[kind.name], targets, half) else kind
        for kind in found
    ]


def _as_numbers(targets: np.ndarray, task: str) -> np.ndarray:
    """A number as it is; of classes whether it is the commonest."""
    if task == REGRESSION:
        return targets.astype(np.float64)
    names, counts = np.unique(targets.astype(str), return_counts=True)
    return (targets == names[counts.argmax()]).astype(np.float64)


def is_code(column: np.ndarray, targets: np.ndarray, half: np.ndarray) -> bool:
    """Whether the mean target of each number tells rows outside `half` more than that of runs of numbers does."""
    numbers = to_numbers(column)
    filled = ~np.isnan(numbers)
    numbers, targets, half = numbers[filled], targets[filled], half[filled]
    if len(numbers) <= BINS * ROWS_EACH or not (np.isfinite(numbers) & (numbers == np.floor(numbers))).all():
        return False
    distinct, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if not BINS < len(distinct) <= min(MOST_WORDS, len(numbers) // ROWS_EACH):
        return False
    runs = (counts.cumsum() - 1) * BINS // len(numbers)
    return _told(which, targets, half) > _told(runs[which], targets, half) + MORE


def _told(which: np.ndarray, targets: np.ndarray, half: np.ndarray) -> float:
    """The share of variance outside `half` that the groups' means within it take away."""
    mean, size = targets[half].mean(), int(which.max()) + 1
    sums = np.bincount(which[half], targets[half], size)
    counts = np.bincount(which[half], minlength=size)
    answers = ((sums + PRIOR_ROWS * mean) / (counts + PRIOR_ROWS))[which[~half]]
    asked = targets[~half]
    return 1 - float(((answers - asked) ** 2).mean() / max(asked.var(), 1e-300))
