"""Rows that stand in training and in what is measured: a copied row is no new one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shared.protocol import Examples

SHARE = 0.1
"""Of the rows measured: fewer may be alike by chance, as in a table of few columns."""

ODD = np.uint64(0x9E3779B97F4A7C15)


def repeated(train: Examples, others: Mapping[str, Examples]) -> list[str]:
    """What to say of the parts of which many rows, the target included, also stand in `train`."""
    said, known = [], None
    for part, examples in others.items():
        if not len(examples) or set(examples.inputs) != set(train.inputs):
            continue
        known = _marks(train) if known is None else known
        alike = int(np.isin(_marks(examples), known).sum())
        if alike > SHARE * len(examples):
            said.append(
                f"{alike:,} of {len(examples):,} {part} rows have the same cells as training rows: if they are copies, delete "
                "them, for results look better than they are"
            )
    return said


def _marks(examples: Examples) -> np.ndarray:
    """A number for each row, uint64, the same for the same cells."""
    import pandas as pd

    marks = np.zeros(len(examples), np.uint64)
    for column in (*(examples.inputs[name] for name in sorted(examples.inputs)), examples.targets):
        marks = marks * ODD + pd.util.hash_array(column)
    return marks
