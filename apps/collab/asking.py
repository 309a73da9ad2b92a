"""From what a person has (ids, a table of what users had, lists of items) to a request for recommendations."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from apps.collab.folding import Brought
from apps.collab.ids import ROLES, clean_id, look_up
from apps.collab.inputs import as_list, from_python, is_single
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.reading import read_part
from apps.collab.recipe import CollabRecipe
from apps.collab.recommending import Wish, recommend
from apps.collab.sides import Interactions
from shared.errors import UserError, as_path, some
from shared.missing import is_missing
from shared.model import Model
from shared.protocol import Examples, pick


def ask(model: Model, users: Sequence[str] | None, wish: Wish, history: Any) -> Iterator[dict[str, Any]]:
    """See apps.collab.recommend. Raises UserError at a history that cannot be read."""
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, CollabPreprocessor)
    brought = None if history is None else Brought.of(_history(history, model), preprocessor)
    if users is None:
        users = preprocessor.users if brought is None else list(brought.places)
    return recommend(model, listed(users), wish, brought)


def listed(ids: Any) -> Sequence[Any]:
    """Ids as a list, also a single one: the letters of a word would be ids, too."""
    if isinstance(ids, str) or not hasattr(ids, "__iter__"):
        return [ids]
    return ids if isinstance(ids, tuple) else list(ids)


def _history(history: Any, model: Model) -> Examples:
    recipe = model.recipe
    assert isinstance(recipe, CollabRecipe)
    if isinstance(history, (str, os.PathLike)):
        return read_part(as_path(history, "history"), recipe, unrated=True)
    if not hasattr(history, "columns"):
        history = [history] if is_single(history) else as_list(history)
    columns, _ = from_python(history, recipe)
    pairs = {role: columns[role] for role in ROLES}
    try:
        ratings = [math.nan if is_missing(cell) else float(cell) for cell in _ratings(history, recipe)]
    except (TypeError, ValueError) as error:
        raise UserError(f"history: {error}; give ratings as numbers, or none") from None
    names = zip(*(map(clean_id, pairs[role]) for role in ROLES), strict=True)
    last = {
        pair: row for row, pair in enumerate(names) if all(pair)
    }  # as of tables: whole rows, of repeated ones the last
    rows = Examples(pairs, np.array(ratings, dtype=float)).take(np.array(sorted(last.values()), dtype=int))
    if recipe.positive is None or recipe.task != "ranking":
        return rows
    liked = ~(rows.targets < recipe.positive)  # also without a rating
    kept = rows.take(np.flatnonzero(liked))
    return Interactions(kept.inputs, kept.targets, left_out=pick(rows.inputs, np.flatnonzero(~liked)))


def _ratings(history: Any, recipe: CollabRecipe) -> list[Any]:
    """The rating of each row, None where it has none."""
    names = ("rating", recipe.rating)
    if hasattr(history, "columns"):
        found = next((name for name in names if name in history.columns), None)
        return [None] * len(history) if found is None else history[found].tolist()
    return [_rating(row, names) for row in history]


def _rating(row: Any, names: Sequence[str | None]) -> Any:
    if isinstance(row, Mapping):
        return next((row[name] for name in names if name in row), None)
    return row[2] if len(row) > 2 else None


def read_ids(path: str | None) -> list[str] | None:
    """One id a line, blank lines apart. Raises UserError where the file cannot be read."""
    if path is None:
        return None
    try:
        lines = as_path(path, "the list of ids").read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise UserError(f"{path}: no list of ids ({error}): give a text file with one id a line") from None
    return [line.strip() for line in lines if line.strip()]


def unknown_items(model: Model, ids: Sequence[str], place: object) -> list[str]:
    """What to say of listed items that the model does not know: to allow or deny them does nothing."""
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, CollabPreprocessor)
    known = look_up(preprocessor.item_positions, ids).tolist()
    strange = [name for name, position in zip(ids, known, strict=True) if not position]
    said = f"{place}: {len(strange):,} of {len(ids):,} ids are of no item that the model knows ({some(strange)})"
    return [f"{said}: check how they are written"] if strange else []
