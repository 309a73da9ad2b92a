"""From files to examples: every layout read, split, looked over before training, and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from apps.tabular.blocks import read_columns
from apps.tabular.codes import kinds_of
from apps.tabular.forest import trees_a_round
from apps.tabular.kinds import USED, describe
from apps.tabular.labelling import find_target, find_task, ignored, label, with_none
from apps.tabular.matching import lacking
from apps.tabular.recipe import TabularRecipe
from apps.tabular.repeats import repeated
from apps.tabular.sizes import expectation, expected_seconds, shared_out, sized
from apps.tabular.splitting import Parts, by_groups, split
from apps.tabular.suspects import find_suspects
from apps.tabular.targets import REGRESSION
from shared.columns import check_classes
from shared.errors import UserError, some
from shared.folders import data_tables, find_parts
from shared.protocol import Columns, Examples, Splits
from shared.tables import told_encoding


def read(source: Path, recipe: TabularRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """Every layout: one table, or a folder of train, valid and test tables; `valid` and `test` come first."""
    places = find_tables(source)
    path = places["train"]
    columns, notes = read_columns(path), told_encoding(path)
    target, said = find_target(columns, recipe.target, path)
    columns[target], nothing = with_none(columns[target], path, target)
    task, why = find_task(columns[target], recipe.task, f"{path}: the target {target!r}")
    notes += [*said, *nothing, *why]
    recipe = replace(recipe, target=target, task=task)
    _check_named(columns, recipe, path)
    labelled, said = label(columns, recipe, path)
    notes += said
    if task != REGRESSION:  # not of rows to measure on: few of these may have as many classes
        check_classes(labelled.targets, f"{path}: the target {target!r}")
    if (labelled.targets == labelled.targets[0]).all():
        raise UserError(
            f"{path}: the target {target!r} is {labelled.targets[0]} in every row: there is nothing to learn; "
            "name another with --target"
        )
    recipe = shared_out(recipe, len(labelled))
    none = labelled.take(np.arange(0))
    given_valid = none if valid == "none" else _maybe_read(places.get("valid") if valid is None else valid, recipe)
    given_test = _maybe_read(places.get("test") if test is None else test, recipe)
    notes += [note for part in (given_valid, given_test) if part is not None for note in part.notes]
    parts = split(labelled, given_valid, given_test, recipe, path)
    if len(parts[0]):
        recipe, said = by_groups(parts, recipe)
        recipe = sized(recipe, len(parts[0]))
        notes += _preflight(parts, recipe, said)
    return Splits(*parts, recipe, tuple(notes))


def _preflight(parts: Parts, recipe: TabularRecipe, of_groups: list[str]) -> list[str]:
    """What to say of the columns, of rows that flatter, and of the time that training takes."""
    train, valid, test = parts
    held, kinds = {"validation": valid, "test": test}, kinds_of(train, recipe)
    notes = describe(kinds, train.inputs)
    if suspects := find_suspects(train, kinds, recipe.task):
        told = f"each tells nearly all of the target alone: {some(suspects, 5)}"
        notes.append(
            f"suspects of giving the target away, since {told}; if they are not known beforehand, --ignore them"
        )
    for part, examples in held.items():
        absent = lacking(examples.inputs, list(train.inputs))
        if absent and len(examples):
            notes.append(f"the {part} rows lack columns that training has, taken as missing: {some(absent)}")
    notes += repeated(train, held) + of_groups
    outputs = 1 if recipe.task == REGRESSION else trees_a_round(len(set(train.targets.tolist())))
    features, threads = sum(kind.kind in USED for kind in kinds), torch.get_num_threads()
    seconds = expected_seconds(recipe, (len(train), len(valid), len(test)), features, outputs, threads)
    return notes + expectation(seconds, threads)


def _check_named(columns: Columns, recipe: TabularRecipe, path: Path) -> None:
    """Raises UserError where a dial names a column that is not there, or that is the target."""
    named = [("--group", recipe.group), ("--time", recipe.time), ("--row-weights", recipe.row_weights)]
    for dial, name in [*named, *(("--ignore", name) for name in ignored(recipe))]:
        if name is None or (name in columns and name != recipe.target):
            continue
        why = "is the target" if name == recipe.target else f"is no column of {path}"
        if dial == "--ignore" and any("," in column for column in columns):
            why += "; quote a name that holds a comma"
        raise UserError(f"{dial} {name!r} {why}; its columns: {some(list(columns), 20)}")


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


def _maybe_read(path: Path | str | None, recipe: TabularRecipe) -> Examples | None:
    return None if path is None else read_examples(Path(path), recipe)


def find_measured(source: Path) -> Path:
    """The table to measure on: the test part of a folder that has parts, else its validation part."""
    parts = find_tables(source)
    return parts.get("test") or parts.get("valid") or parts["train"]


def read_examples(source: Path, recipe: TabularRecipe) -> Examples:
    """Labelled rows to measure on. Its notes tell of rows left out."""
    path = find_measured(source)
    columns, notes = read_columns(path), told_encoding(path)
    if recipe.target in columns:
        columns[recipe.target], said = with_none(columns[recipe.target], path, recipe.target)
        notes += said
    examples, said = label(columns, replace(recipe, row_weights=None), path)  # all that are measured count alike
    return replace(examples, notes=(*notes, *said))
