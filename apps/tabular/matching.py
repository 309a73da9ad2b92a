"""Columns of a table to answer under the names that they had in training, and which of those it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.errors import UserError, some
from shared.protocol import Columns, count


def matched(columns: Columns, wanted: Sequence[str]) -> Columns:
    """The columns, those renamed that are named as `wanted` but for capitals and blanks.

    Raises UserError where there are columns but none of `wanted`: an answer to nothing looks like any other.
    """
    aliases = _aliases(columns, wanted)
    if not aliases and any(columns) and count(columns) and not any(name in columns for name in wanted):
        raise UserError(
            f"none of the columns that the model learnt from ({some(list(wanted))}) is there, but {some(list(columns))}: "
            "give such a table, or rename its columns"
        )
    renamed = {alias: name for name, alias in aliases.items()}
    return {renamed.get(name, name): column for name, column in columns.items()} if renamed else columns


def lacking(columns: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Which of the `wanted` names are not there, however they are written."""
    present = list(columns)
    aliases = _aliases(present, wanted)
    return [name for name in wanted if name not in present and name not in aliases]


def _aliases(columns: Iterable[str], wanted: Sequence[str]) -> dict[str, str]:
    """The one column by each lacking name that is that name but for capitals and blanks."""
    present = list(columns)
    absent = set(wanted).difference(present)
    if not absent:
        return {}
    spare: dict[str, list[str]] = {}
    for name in present:
        if name not in wanted:
            spare.setdefault(_plain(name), []).append(name)
    return {name: spare[_plain(name)][0] for name in absent if len(spare.get(_plain(name), ())) == 1}


def _plain(name: str) -> str:
    return "".join(name.lower().split())
