"""Ratings as numbers: what people write for them, marks of "had, not rated", and what counts as liked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.collab.columns import Roles, is_count
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError, some

if TYPE_CHECKING:
    import pandas as pd

DECIMAL_COMMA = r"^\s*(-?\d+),(\d{1,2})\s*$"

WORDS = {"true": "1", "false": "0"}
"""Words that are ratings."""

UNRATED = (-1, 0)
"""What may stand for "had, not rated" where every other rating is 1 or more, of three values at least."""

MANY_ZEROS = 0.25
"""Share of rows from which 0, if also the commonest value, is no rating but such a mark."""


COUNTED = 100
"""Ratings from 0 that reach beyond this are counts or amounts (plays, hours), not a scale of liking."""


def counts_use(name: str, ratings: np.ndarray) -> bool:
    """Whether numbers, none missing, are counts or amounts: by their column's name, or by how far they reach."""
    return bool(len(ratings)) and ratings.min() >= 0 and (is_count(name) or bool(ratings.max() > COUNTED))


def given_ratings(frame: pd.DataFrame, roles: Roles, recipe: CollabRecipe, path: Path, notes: list[str]) -> np.ndarray:
    """The ratings, ones where there are none. Ranking by every row does without those that are no numbers, and says so."""
    if roles.rating is None:
        if recipe.positive is not None:
            raise UserError(f"{path}: no rating column for --positive {recipe.positive:g}: name it with --rating")
        return np.ones(len(frame))
    try:
        return numbers_in(frame[roles.rating], roles.rating, path)
    except UserError:
        if recipe.task != "ranking" or recipe.positive is not None:
            raise
        notes.append(f"{path.name}: {roles.rating} holds other than numbers and is not used: every row counts")
        return np.ones(len(frame))


def without_unrated(ratings: np.ndarray, name: str, path: Path, notes: list[str]) -> np.ndarray:
    """-1 among positive ratings is a mark, not a rating, as 0 below whole numbers is where most rows have it: NaN."""
    least = np.nanmin(ratings) if np.isfinite(ratings).any() else 1
    if least not in UNRATED:
        return ratings
    marked = ratings == least
    values, counts = np.unique(ratings[~marked & ~np.isnan(ratings)], return_counts=True)
    if len(values) < 3 or values[0] < 1:
        return ratings
    rare = marked.mean() < MANY_ZEROS or marked.sum() < counts.max()
    if least == 0 and (rare or (values % 1 != 0).any()):
        return ratings
    notes.append(f"{path.name}: {marked.sum():,} rows have {name} {least:g}, taken for unrated: left out")
    return np.where(marked, np.nan, ratings)


def liked_rows(kept: np.ndarray, ratings: np.ndarray, recipe: CollabRecipe, path: Path, notes: list[str]) -> np.ndarray:
    if recipe.positive is None:
        return kept
    liked = kept[ratings[kept] >= recipe.positive]
    if not len(liked):
        raise UserError(f"{path}: no rating is {recipe.positive:g} or more: lower --positive")
    notes.append(
        f"{path.name}: {len(liked):,} of {len(kept):,} rows are {recipe.positive:g} or more and count as liked"
    )
    return liked


def used_rows(whole: np.ndarray, counts: np.ndarray, name: str, path: Path, notes: list[str]) -> np.ndarray:
    """Of the `whole` rows those whose count of use is not 0: who was shown an item and left it has not chosen it."""
    used = whole & (counts != 0)
    if not used.any() or used.sum() == whole.sum():
        return whole
    notes.append(f"{path.name}: {whole.sum() - used.sum():,} rows have {name} 0, which is no use: left out")
    return used


def numbers_in(column: pd.Series, name: str, path: Path) -> np.ndarray:
    """Ratings as float64, missing ones NaN. Raises UserError naming the first row that holds something else."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):  # booleans are, too
        numbers = column.to_numpy(float, na_value=np.nan)
    else:
        as_words = isinstance(column.dtype, pd.CategoricalDtype)
        codes, cells = (column.cat.codes, column.cat.categories) if as_words else column.factorize()
        texts = pd.Series(cells).astype(str).str.strip().str.lower().replace(WORDS)
        texts = texts.str.replace(DECIMAL_COMMA, r"\1.\2", regex=True)
        numbers = np.append(pd.to_numeric(texts, errors="coerce").to_numpy(float), np.nan)[codes]
    wrong = np.flatnonzero((np.isnan(numbers) & column.notna().to_numpy()) | np.isinf(numbers))
    wrong = wrong[column.iloc[wrong].astype(str).str.strip().str.lower().ne("nan").to_numpy()]
    if len(wrong):
        seen = some([f"row {row + 1}: {str(column.iloc[row])[:40]!r}" for row in wrong], 3)
        raise UserError(
            f"{path}: {len(wrong):,} values of {name} are no finite numbers ({seen}): correct them, "
            "name another column with --rating, or rank without ratings with --task ranking"
        )
    return numbers
