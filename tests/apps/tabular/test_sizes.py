"""Dials that follow from the table's size, and the time that training them takes."""

from __future__ import annotations

import pytest

from apps.tabular.recipe import TabularRecipe
from apps.tabular.sizes import expected_seconds, growth, sized


def test_sizes_grow_with_the_table_and_given_ones_stay() -> None:
    small, large = sized(TabularRecipe(), 1_000), sized(TabularRecipe(), 1_000_000)
    assert small.batch_size < large.batch_size and small.epochs > large.epochs
    assert sized(TabularRecipe(epochs=3, batch_size=7), 10**6).epochs == 3
    numbers, classes = (sized(TabularRecipe(task=task), 500).dropout for task in ("regression", "classification"))
    assert numbers < classes and sized(TabularRecipe(dropout=0.5), 500).dropout == 0.5
    of_small, of_large = growth(TabularRecipe(), 1_000, 10, 1, 1), growth(TabularRecipe(), 10**6, 50, 7, 1)
    assert of_small.rounds > of_large.rounds and of_small.rate < of_large.rate
    assert growth(TabularRecipe(forests=1), 1_000, 10, 1, 1).rate > of_small.rate
    assert sized(TabularRecipe(), 500_000).epochs == 3 and sized(TabularRecipe(), 10**7).epochs == 2


def test_best_grows_two_forests_of_each_shape_where_there_is_time() -> None:
    plain, best = (TabularRecipe(preset=preset, folds=5) for preset in ("default", "best"))
    assert growth(best, 20_000, 14, 1, 6).forests == 2 * growth(plain, 2_000, 14, 1, 6).forests
    assert growth(best, 2_000_000, 14, 1, 6).forests == 1


def test_measuring_is_part_of_the_time_foretold() -> None:
    recipe = sized(TabularRecipe(task="classification", folds=1, valid_fraction=0.1), 400_000)
    alone, measured = (expected_seconds(recipe, (400_000, rows, rows), 2, 1, 2) for rows in (0, 50_000))
    assert measured > 1.1 * alone > 0
    assert expected_seconds(recipe, (400_000, 50_000, 50_000), 2, 1, 4) == pytest.approx(measured / 2)
