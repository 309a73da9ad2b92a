"""Columns that give the target away: each is asked alone how much of it it tells."""

from __future__ import annotations

import numpy as np

from apps.tabular.features import Category, raw_numbers
from apps.tabular.kinds import CATEGORY, USED, Kind
from apps.tabular.targets import CLASSIFICATION, REGRESSION
from shared.protocol import Examples

ROWS = 4000
TELLS = {CLASSIFICATION: 0.95, REGRESSION: 0.93}
"""Share of the naive answer's error that a column takes away alone, to be a suspect."""


def find_suspects(train: Examples, kinds: list[Kind], task: str) -> list[str]:
    """Names of columns that tell nearly all of the target by themselves, on rows the question was not fitted to."""
    rows = np.random.default_rng(0).permutation(len(train))[:ROWS]
    sample = train.take(rows)
    if len(rows) < 50:
        return []
    return [kind.name for kind in kinds if kind.kind in USED and _told(kind, sample, task) >= TELLS[task]]


def _told(kind: Kind, sample: Examples, task: str) -> float:
    """The share of error that a small tree over this column takes away, fitted on one half, asked on the other."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    column, half = sample.inputs[kind.name], len(sample) // 2
    if kind.kind == CATEGORY:
        parts = [Category.fit(kind.name, column).encode(column).astype(float)]
    else:
        parts = list(raw_numbers(kind, column).values())
    if not parts:
        return 0.0
    features = np.clip(np.nan_to_num(np.stack(parts, 1), nan=-1e30), -1e30, 1e30).astype(np.float32)
    targets = sample.targets
    kind_of_tree = DecisionTreeRegressor if task == REGRESSION else DecisionTreeClassifier
    tree = kind_of_tree(min_samples_leaf=5, random_state=0)
    answers = tree.fit(features[:half], targets[:half]).predict(features[half:])
    asked = targets[half:]
    if task == REGRESSION:
        return 1 - float(np.mean((answers - asked) ** 2) / max(np.var(asked), 1e-300))
    words, counts = np.unique(targets[:half].astype(str), return_counts=True)
    naive = float(np.mean(asked.astype(str) != words[counts.argmax()]))
    return 1 - float(np.mean(answers.astype(str) != asked.astype(str))) / naive if naive else 0.0
