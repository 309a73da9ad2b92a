"""Cells of a target that reading takes for missing, by what is written in them: "none" beside words is a class.

Columns to learn from need no such care: there a missing cell is a category of its own.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from apps.tabular.columns import is_number
from shared.chunks import CATEGORY
from shared.errors import some
from shared.missing import is_missing
from shared.tables import read_table

NONE = "none"
"""The one word for nothing that is commonly meant. "NA" and "NULL" are what R and SQL write for an empty cell."""


def with_none(column: np.ndarray, path: Path, target: str) -> tuple[np.ndarray, list[str]]:
    """(the target's cells, those with "none" filled where the others are words; what stands in those that stay missing)."""
    missing = np.array([is_missing(cell) for cell in column.tolist()], bool)
    if not missing.any() or any(is_number(str(cell)) for cell in set(column[~missing].tolist())):
        return column, []
    written = read_table(path, text=True, columns={target: CATEGORY})[target].astype(object).to_numpy()
    found, words = column.astype(object), [cell.strip() if isinstance(cell, str) else "" for cell in written]
    found[missing] = [word if word.lower() == NONE else None for word in np.array(words, object)[missing].tolist()]
    counts = Counter(word for word, cell in zip(words, found.tolist(), strict=True) if cell is None and word)
    named = some([f"{word!r} in {number:,} rows" for word, number in counts.most_common()], 5)
    return found, [f"{target}: {named} taken for missing; if it is a class, write another word for it"] * bool(counts)
