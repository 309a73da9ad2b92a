"""Rows that stand in training and in what is measured: a copied row is no new one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from apps.tabular.columns import plain_words, to_numbers, to_words
from apps.tabular.dates import to_seconds
from apps.tabular.kinds import CODE, COMMAS, DATE, MIXED, NUMBER, USED, Kind
from apps.tabular.matching import matched
from shared.copies import alike, copied, marks
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


def row_marks(examples: Examples, kinds: Sequence[Kind]) -> np.ndarray:
    """A number for each row, int64, by its target and its cells in the columns learnt from, in whatever order and file
    they stand. Raises KeyError where one is lacking."""
    used = [kind for kind in kinds if kind.kind in USED]
    inputs = matched(examples.inputs, [kind.name for kind in used])
    targets = examples.targets if examples.targets.dtype == object else _plain(examples.targets)
    return marks([*(_cells(inputs[kind.name], kind) for kind in used), targets])


def _cells(column: np.ndarray, kind: Kind) -> np.ndarray:
    if kind.kind == DATE:
        return _plain(to_seconds(column, kind.detail))
    if kind.kind == NUMBER:
        return _plain(to_numbers(column, kind.detail == COMMAS))
    return plain_words(column) if kind.kind in (MIXED, CODE) else to_words(column)


def _plain(numbers: np.ndarray) -> np.ndarray:
    """Fractions as float32 holds them, as files differ in the digits beyond."""
    with np.errstate(over="ignore"):
        plain = np.where(numbers == np.floor(numbers), numbers, numbers.astype(np.float32)) + 0.0  # -0.0 is 0.0
    plain[np.isnan(plain)] = np.nan  # of whatever bits
    return plain


def is_by_chance(found: np.ndarray, seen: np.ndarray) -> bool:
    """Whether rows that were not trained on could be as like those `seen` in training as these are.

    A row that training had once comes again by chance about as often as it had rows twice (Good 1953); more than four
    standard deviations beyond that is no chance. What training had often proves nothing.
    """
    distinct, times = np.unique(seen, return_counts=True)
    expected = len(found) * (2 * int((times == 2).sum()) + 1) / max(len(seen), 1)
    return alike(distinct[times == 1], found) <= expected + 4 * math.sqrt(expected)
