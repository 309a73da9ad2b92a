"""Whole numbers: where floats hold them exactly, and as names, written `7` or, where pandas met a gap in their column, `7.0`."""

from __future__ import annotations

EXACT = 2**53
"""Of whole numbers beyond this some are one and the same float64."""


def plain(name: str) -> str:
    """`7` for `7.0`; other names as they are."""
    whole = name.removesuffix(".0")
    return whole if whole.isdecimal() else name


def twin(name: str) -> str:
    """The other way to write a whole number; other names as they are."""
    return f"{name}.0" if name.isdecimal() else plain(name)
