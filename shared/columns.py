"""A table's column by the name that a person gave, and whether what it holds may be classes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from shared.errors import UserError, some

MOST_CLASSES, FEW = 0.5, 20
"""Share of the rows above which different values are no classes; so few may be."""


def find_named(names: Sequence[str], asked: str, where: object) -> str:
    """The column asked for, whatever its capitals. Raises UserError, which tells one of a name near it, where it is not there."""
    if asked in names:
        return asked
    alike = [name for name in names if name.strip().lower() == asked.strip().lower()]
    if len(alike) == 1:
        return alike[0]
    close = difflib.get_close_matches(asked, names, 1)
    hint = f"did you mean {close[0]!r}? Its" if close else "its"
    raise UserError(f"{where} has no column {asked!r}; {hint} columns: {some(list(names), 20)}")


def check_classes(labels: np.ndarray, what: str) -> None:
    """Raises UserError where nearly every row has a label of its own; `what` holds them."""
    different = len(set(labels.tolist()))
    if different > max(MOST_CLASSES * len(labels), FEW):
        raise UserError(
            f"{what} has {different:,} different values in {len(labels):,} rows, too many to be classes; "
            "name another with --target"
        )
