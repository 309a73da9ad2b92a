"""From files to examples: every layout, what was inferred, the split, duplicated texts; all of it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.text import folders
from apps.text.columns import cells_of, examples_of, find_columns, find_target, find_text, spread
from apps.text.large import columns_of, read_rows
from apps.text.plan import plan
from apps.text.recipe import TextRecipe
from apps.text.repeats import contradicted, marks, repeated
from shared.columns import check_classes
from shared.errors import UserError, some
from shared.folders import VALID_MARK, data_tables, find_parts, parting
from shared.protocol import Examples, Splits
from shared.several import settle_separator
from shared.splits import complete
from shared.tables import told_encoding

if TYPE_CHECKING:
    import pandas as pd

TRUE = {"true", "1", "1.0", "yes", "valid"}


def read(source: Path, recipe: TextRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """A table, a folder of tables, TREC's files or class folders; `valid` and `test` given come first."""
    parts = find_layout(source)
    own = read_part(parts["train"], recipe)
    train, recipe, notes = own.examples, own.recipe, [*own.notes]
    if recipe.target and recipe.separator == "none":  # not of rows to measure on: few of these may have as many classes
        check_classes(train.targets, f"{parts['train']}: the label column {recipe.target!r}")
    valid_path = parts.get("valid") if valid is None else valid
    test_path = parts.get("test") if test is None else test
    given, said = own.marked, []
    if valid_path == "none":
        given = train.take(np.arange(0))
    elif valid_path is not None:
        given = _given(valid_path, recipe, "valid")
    elif own.marked is not None:
        said = [f"validation: the {len(own.marked):,} rows that {VALID_MARK} marks"]
    given_test = None if test_path is None else _given(test_path, recipe, "test")
    fractions = (recipe.valid_fraction, recipe.test_fraction)
    three = complete(train, given, given_test, fractions, recipe.seed, recipe.separator)
    if not len(three[0]):
        raise UserError(f"{source}: no labelled texts are left to train on; give more rows")
    said += [note for part in (given, given_test) if part is not None for note in part.notes]
    known = marks(three[0].inputs)
    notes += said + _empty(three[0]) + repeated(known, *three[1:])
    notes += contradicted(three[0], known) if recipe.separator == "none" else []
    recipe, said = plan(recipe, three[0].inputs, (len(three[0]), len(three[1]), len(three[2])))
    return Splits(*three, recipe, (*notes, *said))


def find_layout(source: Path) -> dict[str, Path]:
    """Paths by part, train at least. Raises UserError where there is nothing to read."""
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if not source.is_dir():
        return {"train": source}
    for finder in (find_parts, folders.trec_parts, folders.part_folders):
        if found := finder(source):
            return found
    if folders.class_folders(source):
        return {"train": source}
    tables = data_tables(source)
    if len(tables) == 1:
        return {"train": tables[0]}
    raise UserError(
        f"{source}: expected train (and valid, test) tables, a single table, or class folders of .txt; "
        f"found {some([path.name for path in tables]) if tables else 'nothing readable'}; name a file"
    )


@dataclass(frozen=True)
class Part:
    """Labelled rows of one part of a layout, the recipe with what reading them found out, and what to say of them.

    `marked`: apart from `examples`, the rows that an `is_valid` column marks; None where it does not part the rows."""

    examples: Examples
    recipe: TextRecipe
    notes: list[str]
    marked: Examples | None = None


def read_part(path: Path, recipe: TextRecipe) -> Part:
    """One part of a layout, whatever its form."""
    if path.is_dir():
        examples, said = folders.read_classes(path)
        return Part(examples, replace(recipe, separator="none"), said)
    if folders.is_trec(path):
        said = ["labels: the coarse class, before the colon"]
        return Part(folders.read_trec(path), replace(recipe, separator="none"), said)
    return _read_rows(path, recipe)


def _read_rows(path: Path, recipe: TextRecipe) -> Part:
    frame, large = read_rows(path, recipe.megabytes)
    text, target, said = find_columns(frame, recipe.text, recipe.target, path)
    mark, several = settle_separator(recipe.separator, cells_of(frame[target]), "text")
    recipe = replace(recipe, text=text, target=target, separator=mark)
    said = [*told_encoding(path), *large, *said, *several, *_parting(frame, (text, target))]
    marked = np.zeros(len(frame), bool)
    if VALID_MARK in frame.columns and VALID_MARK not in (text, target):
        marked = np.array([cell.strip().lower() in TRUE for cell in cells_of(frame[VALID_MARK])])
    if marked.all() or not marked.any():
        examples, more = examples_of(frame, text, target, path, mark)
        return Part(examples, recipe, said + more)
    examples, more = examples_of(frame[~marked], text, target, path, mark)
    return Part(examples, recipe, said + more, examples_of(frame[marked], text, target, path, mark)[0])


def _parting(frame: pd.DataFrame, used: tuple[str, str]) -> list[str]:
    """What to say of a column that names the part of each row: rows are not parted by it."""
    sample = spread(frame)
    for name in sample.columns.difference([*used, VALID_MARK]):
        if said := parting(name, cells_of(sample[name])):
            return said
    return []


def _given(path: Path | str, recipe: TextRecipe, part: str) -> Examples:
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    return read_examples(path, recipe, (part, "test", "valid"))


def read_examples(source: Path, recipe: TextRecipe, parts: Sequence[str] = ("test", "valid")) -> Examples:
    """Labelled rows to measure on: the test part of a source that has parts, else validation, else all of it.

    The columns may be named otherwise than in training where their names tell what they hold.
    """
    layout = find_layout(source)
    path = next((layout[name] for name in parts if name in layout), layout["train"])
    if not path.is_dir() and not folders.is_trec(path):
        columns = columns_of(path)
        text, target = find_text(columns, recipe.text, path), find_target(columns, recipe.target, path)
        recipe = replace(recipe, text=text, target=target)
    part = read_part(path, recipe)
    return replace(part.examples if part.marked is None else part.marked, notes=tuple(part.notes))


def _empty(train: Examples) -> list[str]:
    empty = sum(not text.strip() for text in train.inputs)
    return [f"{empty:,} of {len(train):,} training texts are empty: kept, answered by the label alone"] if empty else []
