"""Pairs that stand in training and in what a person brings to measure on."""

from __future__ import annotations

import numpy as np

from shared.protocol import Examples


def known_pairs(train: Examples, examples: Examples, part: str) -> list[str]:
    """What to say of rows measured whose user and item stand in training too: their answers are known."""
    if not len(examples):
        return []
    import pandas as pd

    alike = int(pd.Index(_pair_marks(examples)).isin(_pair_marks(train)).sum())  # NumPy.s isin takes longer
    said = f"{alike:,} of {len(examples):,} {part} rows have a user and item of the training rows: results mislead"
    return [f"{said}; delete them there"] if alike else []


def _pair_marks(examples: Examples) -> np.ndarray:
    """A number for each row's user and item, uint64."""
    import pandas as pd

    users, items = (
        pd.util.hash_array(examples.inputs[role].categories.to_numpy(object))[examples.inputs[role].codes]
        for role in ("user", "item")
    )
    marks: np.ndarray = users * np.uint64(0x9E3779B97F4A7C15) + items
    return marks
