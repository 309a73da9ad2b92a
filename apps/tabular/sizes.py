"""Dials that follow from the task and the number of training rows, so that any table is trained in reasonable minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from apps.tabular.recipe import AUTO, TabularRecipe
from apps.tabular.targets import REGRESSION

ROWS_SEEN = (400_000, 1_500_000)
"""Rows of training all epochs together: so many are wanted, and so many allowed, within the limits on their number."""

EPOCHS, FEWEST_EPOCHS = (10, 40), 2
BATCH = (32, 2048)

TREE_WORK = 1.2e10
"""Cells of the table (times outputs, times rounds) that the trees may go through: two or three minutes on two cores."""

ROUNDS = (60, 3000)
FORESTS, FORESTS_BEST = 4, 8
"""At most, one of each shape; with `--preset best` two, of other seeds."""

STEP, LONG_STEP = 0.03, 0.1
"""The learning rate of the trees where the table leaves room for all rounds; that of a forest asked for alone, which is
to be quick."""


class Shape(NamedTuple):
    """What the trees of a forest are like."""

    leaves: float  # times those that suit the table
    features: float  # the share that a tree sees
    alone: bool = False  # categories split one against the rest
    least: int = 20  # rows in a leaf


VARIED = (Shape(0.5, 0.5), Shape(1.0, 0.7, True), Shape(2.0, 0.6), Shape(1.0, 0.3))
"""The forests in turn: unlike ones average better."""

VARIED_SMALL = (Shape(0.25, 0.7, least=3), Shape(1.0, 0.7, True), Shape(0.5, 0.6, least=3), Shape(0.25, 0.4, least=8))
"""The same of small tables, where leaves of 20 rows leave much untold."""

LIKE_ALL, LIKE_ALL_SMALL = Shape(1.0, 0.7), Shape(0.5, 0.7, least=3)
"""A forest that stands alone."""

FOLDS, SMALL = 5, (100, 5_000)
"""A table of so many rows is bagged: a tenth of it held back would be missed in training, and would choose by luck."""

VALID = (0.1, 0.05)
"""The share of validation rows, without folds and with them: then each row is asked by what it was kept from."""


def shared_out(recipe: TabularRecipe, rows: int) -> TabularRecipe:
    """The recipe with the folds and the share of validation rows filled in. Rows in order of time are not bagged."""
    if recipe.folds == AUTO:
        small = SMALL[0] <= rows < SMALL[1] and recipe.time is None
        recipe = replace(recipe, folds=FOLDS if small else 1)
    recipe = replace(recipe, folds=max(recipe.folds, 1))  # 0, like 1, is none
    if recipe.valid_fraction == AUTO:
        recipe = replace(recipe, valid_fraction=VALID[recipe.folds > 1])
    return recipe


def sized(recipe: TabularRecipe, rows: int) -> TabularRecipe:
    """The recipe with its automatic sizes filled in: larger tables get larger batches and fewer passes.

    Dropout: numbers are commonly less noisy than classes, and lose more by it (docs/experiments/tabular.md).
    """
    if recipe.batch_size == AUTO:
        recipe = replace(recipe, batch_size=_between(2 ** int(math.log2(max(rows / 40, 1))), BATCH))
    if recipe.epochs == AUTO:
        wanted, allowed = (round(seen / max(rows, 1)) for seen in ROWS_SEEN)
        recipe = replace(recipe, epochs=max(min(_between(wanted, EPOCHS), allowed), FEWEST_EPOCHS))
    if recipe.dropout == AUTO:
        recipe = replace(recipe, dropout=0.0 if recipe.task == REGRESSION else 0.2)
    return recipe


@dataclass(frozen=True)
class Growth:
    """How trees are grown: boosting rounds at most, step, leaves a tree, and forests that are averaged."""

    rounds: int
    rate: float
    leaves: int
    forests: int
    shapes: Sequence[Shape] = (LIKE_ALL,)


PROBE = Growth(rounds=150, rate=0.1, leaves=31, forests=1)
"""A forest grown in a second, to compare ways of showing it the table."""


def growth(recipe: TabularRecipe, rows: int, features: int, outputs: int, times: int) -> Growth:
    """From the work that one round is, so that a larger table gets fewer and larger trees with longer steps.

    Each forest is grown so many `times`, in the time of one; with `--preset best` each takes its full time.
    """
    times, most = (1, FORESTS_BEST) if recipe.preset == "best" else (times, FORESTS)
    affordable = TREE_WORK / max(rows * features * outputs * times, 1)
    rounds = _between(int(affordable), ROUNDS)
    leaves = 31 if rows < 50_000 else 63 if rows < 200_000 else 127
    rate = min(max(LONG_STEP if recipe.forests == 1 else STEP, 50 / rounds), 0.25)
    fitting = _between(int(affordable / ROUNDS[1]), (1, most))
    forests = fitting if recipe.forests == AUTO else max(recipe.forests, 1)
    small = rows < SMALL[1]
    shapes = (VARIED_SMALL if small else VARIED) if forests > 1 else (LIKE_ALL_SMALL if small else LIKE_ALL,)
    return Growth(rounds, rate, leaves, forests, shapes)


NETWORK_CELLS, TREE_CELLS, WALKS = 1.0e5, 0.8e8, 6e6
"""Cells of the table a second and thread that a network learns from, and that a tree goes through; trees asked for a
row. Measured in November 2026."""

WORTH_SAYING = 20.0


def expected_seconds(
    recipe: TabularRecipe, sizes: tuple[int, int, int], features: int, outputs: int, threads: int
) -> float:
    """How long training of a sized recipe and measuring may take: less where validation stops it early. `sizes` are the
    rows of train, valid and test."""
    rows, valid, test = sizes
    seconds = recipe.folds * recipe.epochs * rows * features / NETWORK_CELLS
    if recipe.trees != "none":
        times = 1 if recipe.folds == 1 else recipe.folds + 1
        plan = growth(recipe, rows, features, outputs, times)
        trees = plan.forests * plan.rounds * outputs
        seconds += trees * times * rows * features / TREE_CELLS
        asked = test + 2 * valid  # validation when the share is chosen too, and of folds each row once
        seconds += trees * (times * asked + (rows if times > 1 else 0)) / WALKS
    return seconds / threads


def expectation(seconds: float, threads: int) -> list[str]:
    """What to say of it beforehand, where that is long enough to wonder."""
    if seconds < WORTH_SAYING:
        return []
    about = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    return [f"training: about {about} at most, by the size of the table and {threads} threads"]


def _between(number: int, limits: tuple[int, int]) -> int:
    return min(max(number, limits[0]), limits[1])
