"""From files to examples: finds the target, drops rows without one, splits, and says what it did."""

from __future__ import annotations

import csv
import difflib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from apps.tabular.blocks import read_columns
from apps.tabular.codes import kinds_of
from apps.tabular.columns import to_numbers, to_words
from apps.tabular.forest import trees_a_round
from apps.tabular.kinds import USED, describe
from apps.tabular.matching import lacking
from apps.tabular.nothing import with_none
from apps.tabular.recipe import TabularRecipe
from apps.tabular.repeats import repeated
from apps.tabular.sizes import expectation, expected_seconds, shared_out, sized
from apps.tabular.splitting import Parts, by_groups, split
from apps.tabular.suspects import find_suspects
from apps.tabular.targets import CLASSIFICATION, REGRESSION, infer_task, usable
from shared.errors import UserError, some
from shared.folders import data_tables, find_parts
from shared.protocol import Columns, Examples, Splits, count
from shared.tables import told_encoding


def read(source: Path, recipe: TabularRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """Every layout: one table, or a folder of train, valid and test tables; `valid` and `test` come first."""
    parts = find_tables(source)
    train_path = parts["train"]
    columns = read_columns(train_path)
    target, said = find_target(columns, recipe.target, train_path)
    columns[target], nothing = with_none(columns[target], train_path, target)
    notes = told_encoding(train_path) + said + nothing
    task, why = _task_of(columns[target], recipe.task, f"{train_path}: the target {target!r}")
    notes += why
    recipe = replace(recipe, target=target, task=task)
    _check_named(columns, recipe, train_path)
    train, said = label(columns, recipe, train_path)
    if (train.targets == train.targets[0]).all():
        raise UserError(
            f"{train_path}: the target {target!r} is {train.targets[0]} in every row: there is nothing to learn; "
            "name another with --target"
        )
    recipe = shared_out(recipe, len(train))
    valid_path = parts.get("valid") if valid is None else valid
    test_path = parts.get("test") if test is None else test
    empty = train.take(np.arange(0))
    given_valid = empty if valid_path == "none" else _maybe_read(valid_path, recipe)
    given_test = _maybe_read(test_path, recipe)
    notes += [*said, *(note for part in (given_valid, given_test) if part is not None for note in part.notes)]
    three = split(train, given_valid, given_test, recipe, train_path)
    if len(three[0]):
        kinds = kinds_of(three[0], recipe)
        notes += describe(kinds, three[0].inputs)
        notes += _suspicion(find_suspects(three[0], kinds, task))
        notes += _differences(three[0].inputs, {"validation": three[1].inputs, "test": three[2].inputs})
        notes += repeated(three[0], {"validation": three[1], "test": three[2]})
        recipe, said = by_groups(three, recipe)
        notes += said
        recipe = sized(recipe, len(three[0]))
        notes += _expected(recipe, three, sum(kind.kind in USED for kind in kinds))
    return Splits(*three, recipe, tuple(notes))


def _task_of(column: np.ndarray, asked: str, what: str) -> tuple[str, list[str]]:
    """(the task, what to say of it). Raises UserError where it cannot be told."""
    filled = usable(column, CLASSIFICATION)
    if asked != "auto" or not filled.any():
        return asked, []
    task, why = infer_task(column[filled], what)
    return task, [f"task: {task} ({why})"]


def _expected(recipe: TabularRecipe, parts: Parts, features: int) -> list[str]:
    classes = 0 if recipe.task == REGRESSION else len(set(parts[0].targets.tolist()))
    outputs, threads = trees_a_round(classes), torch.get_num_threads()
    train, valid, test = map(len, parts)
    return expectation(expected_seconds(recipe, (train, valid, test), features, outputs, threads), threads)


def _suspicion(names: list[str]) -> list[str]:
    told = f"each tells nearly all of the target alone: {some(names, 5)}"
    return [
        f"suspects of giving the target away, since {told}; if they are not known beforehand, --ignore them"
    ] * bool(names)


def ignored(recipe: TabularRecipe) -> list[str]:
    """The columns that a person asked to leave out; quoted as in csv where a name holds a comma."""
    names = next(csv.reader([recipe.ignore or ""], skipinitialspace=True), [])
    return [name.strip() for name in names if name.strip()]


def _check_named(columns: Columns, recipe: TabularRecipe, path: Path) -> None:
    """Raises UserError where a dial names a column that is not there, or that is the target."""
    named = {"--group": [recipe.group], "--time": [recipe.time], "--row-weights": [recipe.row_weights]}
    named["--ignore"] = [*ignored(recipe)]
    for dial, names in named.items():
        for name in names:
            if name is not None and (name not in columns or name == recipe.target):
                why = "is the target" if name == recipe.target else f"is no column of {path}"
                quote = (
                    "; quote a name that holds a comma" if dial == "--ignore" and any("," in n for n in columns) else ""
                )
                raise UserError(f"{dial} {name!r} {why}{quote}; its columns: {some(list(columns), 20)}")


def find_tables(source: Path) -> dict[str, Path]:
    """The tables of a source by part; a single table is "train". Raises UserError where there is none."""
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if not source.is_dir():
        return {"train": source}
    if parts := find_parts(source):
        return parts
    tables = data_tables(source)
    if len(tables) != 1:
        found = some([path.name for path in tables]) if tables else "no table at all"
        raise UserError(
            f"{source}: expected train (and valid, test) tables or a single one, found {found}; name a file"
        )
    return {"train": tables[0]}


def find_target(columns: Columns, asked: str | None, path: Path) -> tuple[str, list[str]]:
    """(the target's name, what to say of it). Raises UserError where it is not there, or stands alone."""
    names = list(columns)
    if len(names) < 2:
        raise UserError(f"{path} has one column ({names[0]}): give a table with columns to learn from and a target")
    if asked is None:
        return names[-1], [f"target: {names[-1]}, the last column; --target names another"]
    if asked in columns:
        return asked, []
    alike = [name for name in names if name.strip().lower() == asked.strip().lower()]
    if len(alike) == 1:
        return alike[0], [f"target: {alike[0]}"]
    close = difflib.get_close_matches(asked, names, 1)
    hint = f"; did you mean {close[0]!r}" if close else ""
    raise UserError(f"{path} has no column {asked!r}{hint}? Its columns: {some(names, 20)}")


def label(columns: Columns, recipe: TabularRecipe, path: Path) -> tuple[Examples, list[str]]:
    """Examples of the rows that have a target, and what to say of the others; the columns are taken out of `columns`.

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
    weights = _row_weights(columns, recipe.row_weights, path)
    inputs = {name: columns.pop(name) for name in list(columns) if name not in left_out}
    said = []
    if not keep.all():
        first = int(np.flatnonzero(~keep)[0]) + 1
        cell = columns[recipe.target][first - 1]
        what = f"{cell!r} stands in the first, row {first}" if isinstance(cell, str) else f"the first is row {first}"
        said.append(f"{int((~keep).sum()):,} rows of {path.name} have no target ({what}): left out")
        for name in inputs:
            inputs[name] = inputs[name][keep]
        target = target[keep]
        weights = None if weights is None else weights[keep]
    if recipe.task == REGRESSION:
        return Examples(inputs, to_numbers(target), weights), said
    words = to_words(target)
    _check_classes(words, recipe.target, path)
    return Examples(inputs, words, weights), said


def _row_weights(columns: Columns, name: str | None, path: Path) -> np.ndarray | None:
    """Weights of mean one. Raises UserError where they are no weights."""
    if name is None or name not in columns:
        return None
    weights = to_numbers(columns[name])
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any() or not weights.sum() > 0:
        row = int(np.flatnonzero(wrong)[0]) + 1 if wrong.any() else 1
        raise UserError(f"{path}: {name!r} in row {row} is no weight; give numbers of 0 or more, some above 0")
    return weights / weights.mean()


def _check_classes(words: np.ndarray, target: str, path: Path) -> None:
    distinct = len(set(words.tolist()))
    if distinct > max(len(words) / 2, 20):
        raise UserError(
            f"{path}: the target {target!r} has {distinct:,} distinct values in {len(words):,} rows, "
            "too many to be classes; name another with --target"
        )


def _maybe_read(path: Path | str | None, recipe: TabularRecipe) -> Examples | None:
    return None if path is None else read_examples(Path(path), recipe)


def read_examples(source: Path, recipe: TabularRecipe) -> Examples:
    """Labelled rows to measure on: the test part of a folder that has parts, else its validation part. Its notes tell of
    rows left out."""
    parts = find_tables(source)
    path = parts.get("test") or parts.get("valid") or parts["train"]
    columns, notes = read_columns(path), told_encoding(path)
    if recipe.target in columns:
        columns[recipe.target], said = with_none(columns[recipe.target], path, recipe.target)
        notes += said
    examples, said = label(columns, recipe, path)
    return replace(examples, notes=(*notes, *said))


def _differences(train: Columns, others: dict[str, Columns]) -> list[str]:
    said = []
    for part, columns in others.items():
        absent = lacking(columns, list(train))
        if absent and count(columns):
            said.append(f"the {part} rows lack columns that training has, taken as missing: {some(absent)}")
    return said
