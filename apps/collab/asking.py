"""From what a person has (ids, a table of what users had, lists of items) to a request for recommendations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.collab.folding import Given
from apps.collab.inputs import columns_of
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.reading import read_part
from apps.collab.recipe import CollabRecipe
from apps.collab.recommending import Wish, recommend
from shared.errors import UserError
from shared.model import Model
from shared.protocol import Examples


def ask(model: Model, users: Sequence[str] | None, wish: Mapping[str, Any], history: Any) -> Iterator[dict[str, Any]]:
    """See apps.collab.recommend. Raises UserError at a history that cannot be read and at an impossible wish."""
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, CollabPreprocessor)
    given = None if history is None else Given.of(_history(history, model), preprocessor)
    if users is None:
        users = preprocessor.users if given is None else list(given.places)
    return recommend(model, users, Wish(**wish), given)


def _history(history: Any, model: Model) -> Examples:
    assert isinstance(model.recipe, CollabRecipe)
    if isinstance(history, (str, os.PathLike)):
        return read_part(Path(history), model.recipe, unrated=True)
    rows = list(history)
    pairs = columns_of([row[:2] for row in rows])
    ratings = [row[2] if len(row) > 2 else np.nan for row in rows]
    return Examples(pairs, np.array(ratings, dtype=float))


def read_ids(path: str | None) -> list[str] | None:
    """One id a line, blank lines apart. Raises UserError where the file cannot be read."""
    if path is None:
        return None
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise UserError(f"{path}: no list of ids ({error}): give a text file with one id a line") from None
    return [line.strip() for line in lines if line.strip()]
