"""Rows that stand in training and in what is measured: a copied row is no new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shared.protocol import Examples

SHARE = 0.1
"""Of the rows measured: fewer may be alike by chance, as in a table of few columns."""

ODD = np.uint64(0x9E3779B97F4A7C15)


def repeated(train: Examples, others: Mapping[str, Examples]) -> list[str]:
    """What to say of the parts of which many rows, the target included, also stand in `train`."""
    said = []
    for part, examples in others.items():
        if not len(examples) or set(examples.inputs) != set(train.inputs):
            continue
        alike = _alike(train, examples)
        if alike > SHARE * len(examples):
            said.append(
                f"{alike:,} of {len(examples):,} {part} rows have the same cells as training rows: if they are copies, delete "
                "them, for results look better than they are"
            )
    return said


def _alike(train: Examples, examples: Examples) -> int:
    """How many rows have the cells of a training row; looked for by numbers alone first, for words take ten times as long."""
    import pandas as pd

    names = sorted(train.inputs)
    numbers = [name for name in names if object not in (train.inputs[name].dtype, examples.inputs[name].dtype)]
    for columns in (numbers, names) if numbers else (names,):
        alike = int(pd.Index(_marks(examples, columns)).isin(_marks(train, columns)).sum())
        if alike <= SHARE * len(examples):
            break
    return alike


def _marks(examples: Examples, names: Sequence[str]) -> np.ndarray:
    """A number for each row, uint64, the same for the same cells and target."""
    import pandas as pd

    marks = np.zeros(len(examples), np.uint64)
    for column in (*(examples.inputs[name] for name in names), examples.targets):
        marks = marks * ODD + pd.util.hash_array(column)
    return marks
