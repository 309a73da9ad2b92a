"""Numbers as they are written: with which mark before the fraction; whole ones, where floats hold them exactly, and as
names: `7` or, where pandas met a gap in their column, `7.0`."""

from __future__ import annotations

import re
from collections.abc import Iterable

OF_COMMAS = re.compile(r"[-+]?((\d{4,}|0\d*|\d{1,3}(\.\d{3})+)?,\d+|\d{1,3},(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3}){2,})")
"""A number that only those write so who write 1.234,5."""

OF_POINTS = re.compile(r"[-+]?((\d{4,}|0\d*|\d{1,3}(,\d{3})+)?\.\d+|\d{1,3}\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3}){2,})")
"""One that only those write so who write 1,234.5."""

OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
ADDRESS = re.compile(rf"{OCTET}(\.{OCTET}){{3}}")
"""A computer's, as 192.168.100.101, that could be thousands."""

EXACT = 2**53
"""Of whole numbers beyond this some are one and the same float64."""


def decimal_mark(cells: Iterable[str]) -> str:
    """The mark before the fraction, "," or "."; the point where cells of both kinds stand, "" where none tells."""
    forms = ((",", OF_COMMAS), (".", OF_POINTS))
    told = {mark for cell in cells for mark, form in forms if form.fullmatch(cell) and not ADDRESS.fullmatch(cell)}
    return max(told, default="")


def plain(name: str) -> str:
    """`7` for `7.0`; other names as they are."""
    whole = name.removesuffix(".0")
    return whole if whole.isdecimal() else name


def twin(name: str) -> str:
    """The other way to write a whole number; other names as they are."""
    return f"{name}.0" if name.isdecimal() else plain(name)
