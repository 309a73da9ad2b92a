"""Pairs to answer: Python values, tables, literal `user,item`, or lines on stdin."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from apps.collab.columns import KNOWN, plain_name
from apps.collab.ids import ROLES
from apps.collab.layouts import find_tables
from apps.collab.recipe import CollabRecipe
from apps.collab.times import seconds
from shared.dialect import text_of
from shared.errors import UserError, not_empty
from shared.predict import BLOCK
from shared.protocol import Columns, count

SHAPE = 'give {"user": ..., "item": ...}, a pair (user, item), a list of those, or a DataFrame'

PYTHON = Path("the values given")
"""Names Python values in messages about them."""


def from_python(value: Any, recipe: CollabRecipe) -> tuple[Columns, bool]:
    """(columns, whether `value` was a single pair). Raises UserError where a user or an item is missing, or a time is none."""
    if hasattr(value, "columns"):
        roles = {role: _present(role, recipe, set(map(str, value.columns))) for role in ROLES}
        columns = {role: value[name].to_numpy(object) for role, name in roles.items()}
        named = _time_name(recipe, value.columns)
        return columns | ({"time": seconds(value[named], PYTHON)} if named else {}), False
    value = value.to_dict() if hasattr(value, "to_dict") and hasattr(value, "index") else value  # a DataFrame's row
    single = is_single(value) and not (isinstance(value, tuple) and len(value) != 2)
    values = [value] if single else as_list(value)
    columns = columns_of([_pair(one, recipe) for one in values])
    names = [_time_name(recipe, one) if isinstance(one, Mapping) else None for one in values]
    if values and all(names):
        import pandas as pd

        times = pd.Series([one[name] for one, name in zip(values, names, strict=True)], name=names[0])
        columns = {**columns, "time": seconds(times, PYTHON)}
    return columns, single


def _time_name(recipe: CollabRecipe, names: Iterable[Any]) -> str | None:
    """The name under which times are given, if training had some."""
    return next((name for name in ("time", recipe.time) if name and recipe.time and name in names), None)


def is_single(value: Any) -> bool:
    """Whether this is one row and no list of rows."""
    own = (Mapping, tuple, list)
    whole = isinstance(value, tuple) and len(value) > 0 and not any(isinstance(part, own) for part in value)
    return whole or isinstance(value, Mapping)


def as_list(value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UserError(f"{str(value)[:60]!r} is no user and item: {SHAPE}")
    return list(value)


def _pair(value: Any, recipe: CollabRecipe) -> tuple[Any, Any]:
    if isinstance(value, Mapping):
        user, item = (value[_present(role, recipe, set(map(str, value)))] for role in ROLES)
        return user, item
    if isinstance(value, (tuple, list, np.ndarray)) and len(value) >= 2:
        return value[0], value[1]
    raise UserError(f"{str(value)[:60]!r} is no user and item: {SHAPE}")


def _present(role: str, recipe: CollabRecipe, names: set[str]) -> str:
    """The name under which a role is given: "user", or the training column's name."""
    for name in (role, getattr(recipe, role)):
        if name in names:
            return str(name)
    raise UserError(f"no {role!r} among {sorted(names)}: {SHAPE}")


def columns_of(pairs: Sequence[Sequence[Any]]) -> Columns:
    """The columns user and item of pairs."""
    columns = {}
    for place, role in enumerate(ROLES):
        columns[role] = np.empty(len(pairs), dtype=object)
        columns[role][:] = [pair[place] for pair in pairs]
    return columns


def from_sources(sources: Sequence[str], recipe: CollabRecipe) -> Iterator[tuple[list[Any], Columns]]:
    """Blocks of (names, columns) of every source in turn; a pair is called "user,item" in its answer."""
    for source in sources:
        if source == "-":
            pairs = _lines(text_of(sys.stdin), recipe)
            yield from _blocks(not_empty(pairs, "stdin has no pairs: write user,item on each line"))
        elif source and Path(source).exists():
            yield from _table(find_tables(Path(source))["train"], recipe)
        else:
            yield from _blocks([_literal(source)])


def _blocks(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[list[Any], Columns]]:
    rest = iter(pairs)
    while block := list(islice(rest, BLOCK)):
        yield [f"{user},{item}" for user, item in block], columns_of(block)


def _literal(text: str) -> tuple[str, str]:
    cells = next(csv.reader([text], skipinitialspace=True), [])
    if len(cells) < 2:
        raise UserError(f"{text[:60]!r} is neither a file nor a pair: write user,item, a table's path, or - for stdin")
    return cells[0], cells[1]


def _lines(lines: Iterable[str], recipe: CollabRecipe) -> Iterator[tuple[str, str]]:
    """Pairs of lines as of csv, or parted by tabs or semicolons: the first two cells, or those under a header that names
    both, as training did or as people do."""
    rest = iter(lines)
    first = next(rest, "").removeprefix("\ufeff")
    separator = next((mark for mark in (",", "\t", ";") if mark in first), ",")
    user, item = 0, 1
    for number, cells in enumerate(csv.reader(chain([first], rest), delimiter=separator, skipinitialspace=True), 1):
        named = _header(cells, recipe) if number == 1 else None
        if named is not None:
            user, item = named
        elif len(cells) > max(user, item):
            yield cells[user], cells[item]
        elif cells:
            raise UserError(f"stdin, line {number}: {cells[0][:60]!r} is no pair: write user,item")


def _header(cells: Sequence[str], recipe: CollabRecipe) -> tuple[int, int] | None:
    """Where user and item stand, if both are named."""
    places = []
    for role in ROLES:
        own = [place for place, cell in enumerate(cells) if cell in (role, getattr(recipe, role))]
        places += (own or [place for place, cell in enumerate(cells) if plain_name(cell) in KNOWN[role]])[:1]
    return (places[0], places[1]) if len(set(places)) == 2 else None


def _table(path: Path, recipe: CollabRecipe) -> Iterator[tuple[list[Any], Columns]]:
    """The whole table is read, as which form its times have shows in all of them; ids are strings block by block."""
    from apps.collab.reading import read_pairs

    table = read_pairs(path, recipe)
    for start in range(0, count(table), BLOCK):
        columns = {name: np.asarray(column[start : start + BLOCK]) for name, column in table.items()}
        yield [f"{user},{item}" for user, item in zip(columns["user"], columns["item"], strict=True)], columns
