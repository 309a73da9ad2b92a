"""Rows that stand in training and in what is measured: a copied row is no new one."""

from __future__ import annotations

from collections.abc import Mapping

from shared.copies import copied
from shared.protocol import Examples

SHARE = 0.1
"""Of the rows measured: fewer may be alike by chance, as in a table of few columns."""


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
    """How many rows have the cells and the target of a training row; looked for by numbers alone first: words take longer."""
    names = sorted(train.inputs)
    numbers = [name for name in names if object not in (train.inputs[name].dtype, examples.inputs[name].dtype)]
    for chosen in (numbers, names) if numbers else (names,):
        alike = copied(*([*(part.inputs[name] for name in chosen), part.targets] for part in (examples, train)))
        if alike <= SHARE * len(examples):
            break
    return alike
