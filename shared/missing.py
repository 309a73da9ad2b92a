"""Which Python values stand for nothing."""

from __future__ import annotations

from typing import Any


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, pandas' NaT, or its NA, which cannot be asked whether it is itself."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)
