"""Ids of users and items: strings as they stand in the file, and the positions under which a model knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from shared.errors import UserError
from shared.missing import is_missing
from shared.numerals import EXACT, twin

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("user", "item")
"""Whose ids there are."""

ROUNDED = re.compile(r"\d+([.,]\d+)?[eE]\+\d+")
"""How spreadsheets, and pandas beside a gap, write large numbers."""

MANY = 10_000
"""From so many ids on each is looked up once: ids of interactions repeat."""


def clean_id(value: object) -> str:
    """An id as the string it is known by: 7, 7.0 and " 7" are "7"; a missing one is ""."""
    if is_missing(value):
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def as_ids(column: pd.Series, path: Path) -> pd.Categorical:
    """Ids as categories of strings; a missing one is "". Raises UserError at numbers too large to be told apart."""
    import pandas as pd

    if column.dtype == float and column.abs().max() >= EXACT:
        raise UserError(
            f"{path}: the numbers of {column.name} are too large to be exact beside missing ones: write ids as text, in "
            "quotation marks"
        )
    codes, names = column.factorize()
    rounded = next((name for name in names if "+" in str(name) and ROUNDED.fullmatch(str(name).strip())), None)
    if rounded is not None:
        raise UserError(
            f"{path}: {column.name} holds {rounded!r}, a rounded number: different ids may have become one. Write ids with all "
            "their digits (in a spreadsheet, make the column text)"
        )
    places, texts = pd.factorize(np.array([clean_id(name) for name in names] + [""], dtype=object))
    return pd.Categorical.from_codes(places.astype(np.int32)[codes], pd.Index(texts))


def each_id(column: Sequence[object]) -> tuple[str, ...]:
    """The ids of a column, each once, in order of appearance."""
    return tuple(dict.fromkeys(map(clean_id, _fewer(column))))


def positions_of(ids: Iterable[str]) -> dict[str, int]:
    """Where each id stands: the first at 1, for 0 is the unknown."""
    return {name: position for position, name in enumerate(ids, 1)}


def look_up(positions: Mapping[str, int], names: Any) -> Tensor:
    """Positions of ids, shape (rows,), int32; 0 where unknown or missing. Of pandas' categories each is looked up once."""
    if hasattr(names, "categories") and hasattr(names, "codes"):
        each_name = [place_of(name, positions, 0) for name in names.categories]
        return torch.from_numpy(np.array([*each_name, 0], np.int32)[names.codes])
    if len(names) <= MANY:
        each = (place_of(name, positions, 0) for name in names)
    else:
        found = {name: place_of(name, positions, 0) for name in _fewer(names)}
        each = (found.get(name, 0) for name in names)
    return torch.from_numpy(np.fromiter(each, np.int32, len(names)))


def place_of(name: object, places: Mapping[str, int], unknown: int) -> int:
    """Where an id stands, `unknown` where nowhere; `7.0` is `7` where only one of them is known."""
    known = clean_id(name)
    place = places.get(known)
    return places.get(twin(known), unknown) if place is None else place


def _fewer(names: Sequence[object]) -> Iterable[object]:
    """Of many names each once, by pandas; few as they are."""
    if len(names) <= MANY:
        return names
    import pandas as pd

    unique: Iterable[object] = pd.unique(
        names if isinstance(names, pd.Categorical) else np.asarray(names, dtype=object)
    )
    return unique
