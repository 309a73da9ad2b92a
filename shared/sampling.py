"""Some of many rows, from all over: tables and folders are often sorted by label."""

from __future__ import annotations

import numpy as np


def evenly(rows: int, most: int) -> np.ndarray:
    """Positions of so many of the rows at the most, evenly spread, ascending."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)
