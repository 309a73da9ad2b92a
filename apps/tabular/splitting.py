"""Train, valid and test rows: at random, with groups kept together, or by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from apps.tabular.columns import to_numbers, to_words
from apps.tabular.dates import find_format, to_seconds
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import CLASSIFICATION
from shared.errors import UserError
from shared.protocol import Columns, Examples
from shared.splits import share_of_rest, three_parts, wanted

Parts = tuple[Examples, Examples, Examples]


def split(train: Examples, valid: Examples | None, test: Examples | None, recipe: TabularRecipe, path: Path) -> Parts:
    """Fills in the parts that were not given (None), as `shared.splits.complete` does, and takes `train` apart."""
    shares = wanted(valid, test, (recipe.valid_fraction, recipe.test_fraction))
    if recipe.time is None and recipe.group is None:
        rows = three_parts(train.targets, shares, recipe.seed, recipe.task == CLASSIFICATION)
    else:
        rows = _ordered_parts(train, shares, recipe, path)
    kept, own_valid, own_test = cut(train, rows)
    return kept, own_valid if valid is None else valid, own_test if test is None else test


def by_groups(parts: Parts, recipe: TabularRecipe) -> tuple[TabularRecipe, list[str]]:
    """The recipe with no more folds than there are rows, or groups to keep apart, in training, and what to say of groups,
    or moments, that stand in training and in parts to measure on."""
    column = recipe.group or recipe.time
    if column is None:
        return replace(recipe, folds=min(recipe.folds, len(parts[0]))), []
    train, valid, test = (set(to_words(part.inputs.get(column, np.empty(0))).tolist()) for part in parts)
    said = [
        f"{len(train & other):,} of {len(other):,} values of {column!r} in the {name} rows also stand in the training "
        "rows: results look better than they are for new ones"
        for name, other in (("validation", valid), ("test", test))
        if train & other
    ]
    if recipe.group is None:
        return replace(recipe, folds=min(recipe.folds, len(parts[0]))), said
    if recipe.folds > len(train):
        said.append(f"folds: {len(train)}, for {recipe.group!r} has no more values in the training rows")
        recipe = replace(recipe, folds=len(train))
    return recipe, said


def cut(examples: Examples, parts: Sequence[np.ndarray]) -> list[Examples]:
    """The examples at each part's rows. Takes the columns out of `examples`, so that a large table is not held twice."""
    inputs: list[Columns] = [{} for _ in parts]
    for name in list(examples.inputs):
        column = examples.inputs.pop(name)
        for rows, into in zip(parts, inputs, strict=True):
            into[name] = column[rows]
    weights = [None if examples.weights is None else examples.weights[rows] for rows in parts]
    targets = [examples.targets[rows] for rows in parts]
    return [Examples(*part) for part in zip(inputs, targets, weights, strict=True)]


def _ordered_parts(
    train: Examples, shares: tuple[float, float], recipe: TabularRecipe, path: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (train, valid, test) by time, or with groups kept together."""
    share_of_rest(*shares)  # raises where nothing is left to learn from
    column = _column(train, recipe, path)
    held = valid_rows, test_rows = [round(len(train) * share) for share in shares]
    ends = [len(train) - test_rows - valid_rows, len(train) - test_rows]
    if recipe.time is not None:
        moments = _moments(column, path, recipe.time)
        if any(held) and (moments == moments[0]).all():
            raise UserError(f"{path}: {recipe.time!r} is the same in every row, nothing to split by; leave --time out")
        order = np.argsort(moments, kind="stable")
        ends = _between(moments[order], held)
    else:
        order, large = _by_group(column, recipe.seed)
        ends = [max(_edge(to_words(column)[order], end), large) for end in ends]
    first, second, third = (np.sort(rows) for rows in np.split(order, ends))
    if not len(first):
        raise UserError(f"{path}: no rows are left to train on; {recipe.time or recipe.group!r} has too few values")
    return first, second, third


def _column(train: Examples, recipe: TabularRecipe, path: Path) -> np.ndarray:
    if recipe.time is not None and recipe.group is not None:
        raise UserError("--time and --group: give one of the two")
    name = recipe.time or recipe.group
    if name not in train.inputs:
        raise UserError(f"{path} has no column {name!r} to split by; its columns: {', '.join(list(train.inputs)[:20])}")
    column: np.ndarray = train.inputs[name]
    return column


def _moments(column: np.ndarray, path: Path, name: str) -> np.ndarray:
    """The time of each row as a number; those without one come first."""
    moments = to_numbers(column)
    if column.dtype == object and np.isnan(moments).mean() > 0.5:
        form = find_format([word for word in dict.fromkeys(column.tolist()) if word is not None])
        if form is None:
            raise UserError(f"{path}: {name!r} holds neither dates nor numbers to split by")
        moments = to_seconds(column, form)
    return np.where(np.isnan(moments), -np.inf, moments)


def _between(moments: np.ndarray, held: Sequence[int]) -> list[int]:
    """Where validation and the test, about `held` rows of each, begin among rows in order of time: between two moments
    where each part, that to train on too, keeps half of its rows; else within one."""
    edges, end, found = np.flatnonzero(moments[1:] != moments[:-1]) + 1, len(moments), []
    fewest = (len(moments) - sum(held)) / 2
    for rows in reversed(held):
        near = edges[(edges >= fewest) & (edges <= end - rows / 2)]
        end -= rows
        if rows and len(near):
            end = int(near[np.abs(near - end).argmin()])
        found.append(end)
    return found[::-1]


def _by_group(column: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """(rows group by group, the groups in random order; how many of the first are to be trained on whatever the shares:
    those of a group of more than half of the rows, which would leave next to none where it is held out)."""
    words = [str(word) for word in to_words(column).tolist()]
    _, group, counts = np.unique(words, return_inverse=True, return_counts=True)
    large = (counts > len(words) / 2) & (counts < len(words))
    place = np.random.default_rng(seed).permutation(len(counts)) - large * len(counts)
    return np.argsort(place[group], kind="stable"), int(counts[large].sum())


def _edge(ordered: np.ndarray, end: int) -> int:
    """The end moved back to where a group begins."""
    while 0 < end < len(ordered) and ordered[end] == ordered[end - 1]:
        end -= 1
    return end
