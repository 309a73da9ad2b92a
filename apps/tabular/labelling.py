"""The column to predict: found, its task told, and examples made of the rows that have it."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

import numpy as np

from apps.tabular.columns import is_number, to_numbers, to_words
from apps.tabular.dates import find_format
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import CLASSIFICATION, REGRESSION
from shared.chunks import CATEGORY
from shared.columns import find_named
from shared.errors import UserError, some
from shared.missing import is_missing
from shared.protocol import Columns, Examples
from shared.tables import read_table

NONE = "none"
"""Among words it may be a class. "NA" and "NULL" are what R and SQL write for an empty cell. Columns to learn from need no
such care: there a missing cell is a category of its own."""

MOST_CLASSES = 20
"""Whole numbers of more distinct values than this are amounts, not classes."""

FEW_NUMBERS, MOST_NUMBERS = 0.05, 0.95
"""Shares of a target's filled cells: fewer numbers are a word among words, more are numbers with slips among them."""


def find_target(columns: Columns, asked: str | None, path: Path) -> tuple[str, list[str]]:
    """(the target's name, what to say of it). Raises UserError where it is not there, or stands alone."""
    names = list(columns)
    if len(names) < 2:
        raise UserError(f"{path} has one column ({names[0]}): give a table with columns to learn from and a target")
    if asked is None:
        return names[-1], [f"target: {names[-1]}, the last column; --target names another"]
    found = find_named(names, asked, path)
    return found, [f"target: {found}"] if found != asked else []


def with_none(column: np.ndarray, path: Path, target: str) -> tuple[np.ndarray, list[str]]:
    """(the target's cells, those with "none" filled where the others are words; what stands in those that stay missing)."""
    missing = np.array([is_missing(cell) for cell in column.tolist()], bool)
    if not missing.any() or any(is_number(str(cell)) for cell in set(column[~missing].tolist())):
        return column, []
    written = read_table(path, text=True, columns={target: CATEGORY})[target].astype(object).to_numpy()
    found, words = column.astype(object), [cell.strip() if isinstance(cell, str) else "" for cell in written]
    found[missing] = [word if word.lower() == NONE else None for word in np.array(words, object)[missing].tolist()]
    counts = Counter(word for word, cell in zip(words, found.tolist(), strict=True) if cell is None and word)
    if not counts:
        return found, []
    named = some([f"{word!r} in {number:,} rows" for word, number in counts.most_common()], 5)
    return found, [f"{target}: {named} taken for missing; if it is a class, write another word for it"]


def find_task(column: np.ndarray, asked: str, what: str) -> tuple[str, list[str]]:
    """(the task, what to say of it). Raises UserError where it cannot be told."""
    filled = usable(column, CLASSIFICATION)
    if asked != "auto" or not filled.any():
        return asked, []
    task, why = _infer_task(column[filled], what)
    return task, [f"task: {task} ({why})"]


def _infer_task(column: np.ndarray, what: str) -> tuple[str, str]:
    """(task, why) of a target column whose missing rows are gone already; at least one row. `what` names it.

    Raises UserError where amounts stand in some rows and words in so many others that these are no slips.
    """
    distinct = len(set(column.tolist()))
    if column.dtype == object:
        numbers = to_numbers(column)
        filled = numbers[~np.isnan(numbers)]
        amounts = len(set(filled.tolist())) > MOST_CLASSES
        if len(filled) < len(column) and amounts and len(filled) > FEW_NUMBERS * len(column):
            if len(filled) < MOST_NUMBERS * len(column):
                word = next(word for word, number in zip(column.tolist(), numbers, strict=True) if np.isnan(number))
                raise UserError(
                    f"{what} holds numbers in {len(filled):,} rows and words such as {word!r} in "
                    f"{len(column) - len(filled):,}: clean it, or say --task regression (which leaves those rows out) "
                    "or --task classification"
                )
            return REGRESSION, f"numbers in all but {len(column) - len(filled):,} rows"
        if len(filled) < len(column) or distinct <= MOST_CLASSES:
            dates = distinct > MOST_CLASSES and find_format(sorted(set(column.tolist())))
            told = "dates, each a class; a number such as days from a start would be an amount" if dates else "words"
            return CLASSIFICATION, f"{distinct} distinct {told}"
        column = numbers
    if distinct <= 2:
        return CLASSIFICATION, f"{distinct} distinct values"
    whole = bool((column == np.floor(column)).all())
    if whole and distinct <= min(MOST_CLASSES, max(len(column) // 10, 2)):
        return CLASSIFICATION, f"{distinct} distinct whole numbers; --task regression takes them as amounts"
    return REGRESSION, f"{distinct:,} distinct numbers"


def usable(column: np.ndarray, task: str) -> np.ndarray:
    """Which rows have a target to learn from, bool: filled, and for regression a finite number."""
    if task == REGRESSION:
        return np.asarray(np.abs(to_numbers(column)) < math.sqrt(np.finfo(np.float64).max))
    return np.array([cell is not None for cell in column]) if column.dtype == object else ~np.isnan(column)


def label(columns: Columns, recipe: TabularRecipe, path: Path) -> tuple[Examples, list[str]]:
    """Examples of the rows that have a target, and a weight above 0 where they have weights, and what to say of the others;
    the columns are taken out of `columns`.

    Raises UserError where no row has a target.
    """
    assert recipe.target is not None
    if recipe.target not in columns:
        raise UserError(f"{path} has no column {recipe.target!r}, the target; its columns: {some(list(columns), 20)}")
    target = columns[recipe.target]
    keep = usable(target, recipe.task)
    if not keep.any():
        what = "holds no number" if recipe.task == REGRESSION else "is empty"
        raise UserError(f"{path}: the target {recipe.target!r} {what} in every row; name another with --target")
    left_out = {recipe.target, recipe.row_weights, *ignored(recipe)}
    weights, said = _row_weights(columns, recipe.row_weights, keep, path), []
    inputs = {name: columns.pop(name) for name in list(columns) if name not in left_out}
    if not keep.all():
        first = int(np.flatnonzero(~keep)[0]) + 1
        cell = columns[recipe.target][first - 1]
        what = f"{cell!r} stands in the first, row {first}" if isinstance(cell, str) else f"the first is row {first}"
        said.append(f"{int((~keep).sum()):,} rows of {path.name} have no target ({what}): left out")
    if weights is not None and (none := keep & (weights == 0)).any():  # they would set spans and means, and choose
        said.append(f"{int(none.sum()):,} rows of {path.name} have the weight 0 ({recipe.row_weights!r}): left out")
        keep &= ~none
    if not keep.all():
        for name in inputs:
            inputs[name] = inputs[name][keep]
        target = target[keep]
    weights = None if weights is None else weights[keep] / weights[keep].mean()
    if recipe.task == REGRESSION:
        return Examples(inputs, to_numbers(target), weights), said
    words = to_words(target)
    if weights is not None and recipe.class_weights != "none":
        weights = evened_classes(words, weights)
    return Examples(inputs, words, weights), said


def evened_classes(words: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weights with a mean of 1 in each class: classes are then evened by their counts of rows."""
    _, place, counts = np.unique(words, return_inverse=True, return_counts=True)
    evened: np.ndarray = weights / (np.bincount(place, weights) / counts)[place]
    return evened


def ignored(recipe: TabularRecipe) -> list[str]:
    """The columns that a person asked to leave out; quoted as in csv where a name holds a comma."""
    names = next(csv.reader([recipe.ignore or ""], skipinitialspace=True), [])
    return [name.strip() for name in names if name.strip()]


def _row_weights(columns: Columns, name: str | None, keep: np.ndarray, path: Path) -> np.ndarray | None:
    """The weights in the column. Raises UserError where they are none in rows to keep."""
    if name is None or name not in columns:
        return None
    weights = to_numbers(columns[name])
    wrong = keep & ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any() or not weights[keep].sum() > 0:
        row = int(np.flatnonzero(wrong if wrong.any() else keep)[0]) + 1
        raise UserError(f"{path}: {name!r} in row {row} is no weight; give numbers of 0 or more, some above 0")
    return weights
