"""Side columns: what a table says of each user or item, as numbers. They tell something of whom nobody has rated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from apps.collab.columns import KNOWN, plain_name
from apps.collab.ids import clean_id, each_id
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError, some
from shared.numerals import twin
from shared.protocol import Columns, Examples
from shared.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = "|"
"""Between the values of a cell that holds several, such as genres."""

VALUES = 25
"""So many different values, the commonest, of a column have a number of their own each."""

RARE = 5
"""Rows that a value needs."""

COVERED = 0.5
"""Share of rows that hold one of a column's common values: with less it is free text or a name, and left out."""

FOUND = {"user": ("u.user", "users.dat", "users.csv"), "item": ("u.item", "movies.dat", "movies.csv", "items.csv")}
"""Names under which side tables stand beside the ratings, MovieLens' own first."""

YEAR = r"\b((?:18|19|20)\d\d)\b"


@dataclass(frozen=True)
class SideColumns:
    """The ids of a table and, beside them, `values` of shape (ids, columns), each centred; a missing cell is 0. `notes` tell
    what of the table is not used."""

    ids: tuple[str, ...]
    values: Tensor
    notes: tuple[str, ...] = ()

    def placed(self, names: tuple[str, ...]) -> Tensor:
        """Values by position, shape (names + 1, columns): row 0, the unknown, and ids that the table lacks are 0."""
        rows = {name: row for row, name in enumerate(self.ids)}
        found = torch.tensor([-1, *(rows.get(name, -1) for name in names)])
        return torch.where(found[:, None] >= 0, self.values[found], 0.0)


@dataclass(frozen=True)
class Interactions(Examples):
    """Rows with what is told of users and items beside them, by role, and what users had in rows `left_out`: unrated, or not
    liked."""

    sides: Mapping[str, SideColumns] = field(default_factory=dict)
    left_out: Columns = field(default_factory=dict)


def find_sides(
    source: Path, recipe: CollabRecipe, train: Examples, notes: list[str]
) -> tuple[dict[str, SideColumns], CollabRecipe]:
    """The tables that are named or, where `source` is a folder, found in it; and the recipe without their folders.

    Raises UserError where a named one cannot be read, tells nothing of the training rows, or would not be used.
    """
    sides: dict[str, SideColumns] = {}
    places = {"user": recipe.user_columns, "item": recipe.item_columns}
    descends = recipe.epochs > 0 and recipe.task == "ratings"
    for role, place in places.items():
        path = _found_in(source, role) if place == "auto" else Path(place)
        if place == "none" or path is None or (place == "auto" and descends):
            continue
        if descends:
            raise UserError(f"--{role}-columns {place}: gradient descent does not use it: leave out --epochs")
        try:
            names = train.inputs[role].categories
            sides[role] = found = _fitting(read_side(path, role, getattr(recipe, role)), names, path)
        except UserError as error:
            if place != "auto":
                raise
            notes.append(f"left out: {error}")
            continue
        numbers = f"{found.values.shape[1]} numbers about {len(found.ids):,} {role}s"
        told = each_id(train.inputs[role])
        lacking = set(told).difference(found.ids)
        if lacking:
            numbers += f"; {len(lacking):,} of {len(told):,} {role}s of the training rows ({some(sorted(lacking))}) are not in it"
        notes += [f"{path.name}: {note}" for note in (numbers, *found.notes)]
        places[role] = path.name
    return sides, replace(recipe, user_columns=places["user"], item_columns=places["item"])


def _found_in(source: Path, role: str) -> Path | None:
    return next((source / name for name in FOUND[role] if (source / name).is_file()), None)


def _fitting(found: SideColumns, names: Any, path: Path) -> SideColumns:
    """Its ids as training writes them: 7.0 is 7. Raises UserError where none of them is among the `names`."""
    known = set(names)
    ids = tuple(twin(name) if name not in known and twin(name) in known else name for name in found.ids)
    if known.isdisjoint(ids):
        raise UserError(f"{path}: none of its ids ({some(list(ids[:3]))}) is among those of the training rows")
    return replace(found, ids=ids)


def read_side(path: Path, role: str, named: str | None) -> SideColumns:
    """The table of users or items (`role`); its ids stand in the column `named` or one known as such, else the first.

    Raises UserError where nothing is told of them.
    """
    frame = read_table(path, text=True)
    known = (name for name in frame.columns if name == named or plain_name(name) in KNOWN[role])
    key = frame.columns[0] if frame.columns[0] == "column_1" else next(known, frame.columns[0])  # no header: the first
    frame[key] = frame[key].map(clean_id)
    named_rows = frame[frame[key] != ""]
    frame = named_rows.drop_duplicates(key).reset_index(drop=True)
    numbers = {name: numbers_of(frame[name]) for name in frame.columns.drop(key)}
    columns = [column for found in numbers.values() for column in found]
    if not columns:
        raise UserError(f"{path}: no column tells {role}s apart by numbers or by values that repeat")
    twice, silent = len(named_rows) - len(frame), [name for name, found in numbers.items() if not found]
    notes = [f"{twice:,} rows repeat an id of {key}: the first is kept"] if twice else []
    notes += [f"not used, free text or all alike: {some(silent)}"] if silent else []
    return SideColumns(tuple(frame[key]), torch.from_numpy(np.stack(columns, 1)).float(), tuple(notes))


def numbers_of(column: pd.Series) -> list[np.ndarray]:
    """A number standardised; values that repeat, each 0 or 1, centred; of dates and titles the year. May be none."""
    import pandas as pd

    present = column.dropna().str.strip()
    if present.nunique() < 2:
        return []
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    if np.isfinite(numbers[column.notna()]).all() and len(np.unique(numbers[np.isfinite(numbers)])) > VALUES:
        return [_standard(numbers)]
    if not np.isfinite(numbers[column.notna()]).any():
        years = column.str.extract(YEAR, expand=False).astype(float).to_numpy()
        if np.isfinite(years).mean() > 0.9:
            return [_standard(years)]
    return _common_values(column.fillna("").str.split(SEPARATOR, regex=False))


def _common_values(cells: pd.Series) -> list[np.ndarray]:
    words = cells.explode().str.strip()
    counts = words[words != ""].value_counts()
    counts = counts[counts >= RARE].head(VALUES)
    held = [words.eq(word).groupby(level=0).any().to_numpy(float) for word in counts.index]
    if not held or np.mean(np.max(held, 0)) < COVERED:
        return []
    return [column - column.mean() for column in held if column.std() > 0]


def _standard(numbers: np.ndarray) -> np.ndarray:
    known = numbers[np.isfinite(numbers)]
    return np.where(np.isfinite(numbers), (numbers - known.mean()) / max(float(known.std()), 1e-9), 0.0)
