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
from apps.collab.ids import clean_id
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError, some
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
    """The ids of a table and, beside them, `values` of shape (ids, columns), each centred; a missing cell is 0."""

    ids: tuple[str, ...]
    values: Tensor

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
            sides[role] = _fitting(read_side(path, role, getattr(recipe, role)), train.inputs[role].categories, path)
        except UserError as error:
            if place != "auto":
                raise
            notes.append(f"left out: {error}")
            continue
        notes.append(f"{path.name}: {sides[role].values.shape[1]} numbers about {len(sides[role].ids):,} {role}s")
        places[role] = path.name
    return sides, replace(recipe, user_columns=places["user"], item_columns=places["item"])


def _found_in(source: Path, role: str) -> Path | None:
    return next((source / name for name in FOUND[role] if (source / name).is_file()), None)


def _fitting(found: SideColumns, names: Any, path: Path) -> SideColumns:
    """Raises UserError where no id of the table is among the `names`."""
    if set(found.ids).isdisjoint(names):
        raise UserError(f"{path}: none of its ids ({some(list(found.ids[:3]))}) is among those of the training rows")
    return found


def read_side(path: Path, role: str, named: str | None) -> SideColumns:
    """The table of users or items (`role`); its ids stand in the column `named` or one known as such, else the first.

    Raises UserError where nothing is told of them.
    """
    frame = read_table(path, text=True)
    known = (name for name in frame.columns if name == named or plain_name(name) in KNOWN[role])
    key = frame.columns[0] if frame.columns[0] == "column_1" else next(known, frame.columns[0])  # no header: the first
    frame[key] = frame[key].map(clean_id)
    frame = frame[frame[key] != ""].drop_duplicates(key).reset_index(drop=True)
    columns = [column for name in frame.columns.drop(key) for column in numbers_of(frame[name])]
    if not columns:
        raise UserError(f"{path}: no column tells {role}s apart by numbers or by values that repeat")
    return SideColumns(tuple(frame[key]), torch.from_numpy(np.stack(columns, 1)).float())


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
