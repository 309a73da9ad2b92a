"""Columns of a table to answer under the names that they had in training, which of those it lacks, and which are strange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from apps.tabular.columns import to_numbers, to_words
from apps.tabular.dates import to_seconds
from apps.tabular.features import UNKNOWN, Category
from apps.tabular.kinds import CATEGORY, DATE, NUMBER, Kind
from shared.errors import UserError, some
from shared.protocol import Columns, count

MOST = 0.5
"""More than this share of a column's filled cells must be strange for it to be told."""

STRANGE = {
    NUMBER: "columns that hold words where training had numbers, taken as missing: {}",
    DATE: "columns of dates not written as in training, taken as missing: {}; 2020-12-31 is always understood",
    CATEGORY: "columns of words most of which training had not, or once: {}; write them as in training",
}


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


def strange(columns: Columns, kinds: Sequence[Kind], categories: Mapping[str, Category]) -> list[str]:
    """What to say of columns most of whose cells tell nothing of what training had there; `columns` are `matched`."""
    found: dict[str, list[str]] = {}
    for kind in kinds:
        if kind.kind in STRANGE and kind.name in columns:
            column = columns[kind.name]
            filled = column[[cell is not None for cell in column] if column.dtype == object else ~np.isnan(column)]
            unknown = _unknown(filled, kind, categories)
            if unknown.sum() > MOST * len(filled):
                had = [word for word in categories[kind.name].words if word] if kind.kind == CATEGORY else []
                example = f" ({to_words(filled[unknown])[0]!r}, where training had {some(had, 2)})" if had else ""
                found.setdefault(kind.kind, []).append(kind.name + example)
    return [STRANGE[kind].format(some(names, 10)) for kind, names in found.items()]


def _unknown(filled: np.ndarray, kind: Kind, categories: Mapping[str, Category]) -> np.ndarray:
    if kind.kind == CATEGORY:
        return categories[kind.name].encode(filled) == UNKNOWN
    return np.isnan(to_seconds(filled, kind.detail) if kind.kind == DATE else to_numbers(filled))


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
