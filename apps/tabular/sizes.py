"""Sizes that follow from the number of training rows, so that any table is trained in reasonable minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from apps.tabular.recipe import AUTO, TabularRecipe

ROWS_SEEN = 400_000
"""Rows of training all epochs together, before the limits on their number."""

EPOCHS = (10, 40)
BATCH = (32, 2048)

TREE_WORK = 1.2e10
"""Cells of the table (times outputs, times rounds) that the trees may go through: two or three minutes on two cores."""

ROUNDS = (60, 2000)
FORESTS = 3


def sized(recipe: TabularRecipe, rows: int) -> TabularRecipe:
    """The recipe with its automatic sizes filled in: larger tables get larger batches and fewer passes."""
    if recipe.batch_size == AUTO:
        recipe = replace(recipe, batch_size=_between(2 ** int(math.log2(max(rows / 40, 1))), BATCH))
    if recipe.epochs == AUTO:
        recipe = replace(recipe, epochs=_between(round(ROWS_SEEN / max(rows, 1)), EPOCHS))
    return recipe


@dataclass(frozen=True)
class Growth:
    """How trees are grown: boosting rounds at most, step, leaves a tree, and forests that are averaged."""

    rounds: int
    rate: float
    leaves: int
    forests: int


def growth(rows: int, features: int, outputs: int) -> Growth:
    """From the work that one round is, so that a larger table gets fewer and larger trees with longer steps."""
    affordable = TREE_WORK / max(rows * features * outputs, 1)
    rounds = _between(int(affordable), ROUNDS)
    leaves = 31 if rows < 50_000 else 63 if rows < 200_000 else 127
    return Growth(
        rounds, min(max(0.05, 50 / rounds), 0.25), leaves, _between(int(affordable / ROUNDS[1]), (1, FORESTS))
    )


def _between(number: int, limits: tuple[int, int]) -> int:
    return min(max(number, limits[0]), limits[1])
