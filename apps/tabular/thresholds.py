"""From which probability on a class should be answered, for the metric that counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.metrics import classification_metrics

METRICS = ("accuracy", "balanced_accuracy", "f1_macro")
TRIED = np.linspace(0.02, 0.98, 49)


def best_thresholds(probabilities: np.ndarray, targets: np.ndarray, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """For each metric the threshold of the second of two classes that makes it greatest, and what it is there and at a half.

    `probabilities` (rows, 2), `targets` positions (rows,). Chosen on these very rows: so many that luck decides little.
    """
    found = []
    tables = {float(at): _measured(probabilities[:, 1], at, targets) for at in (*TRIED, 0.5)}
    for metric in METRICS:
        best = max(tables, key=lambda at: (tables[at][metric], -abs(at - 0.5)))
        entry = {"metric": metric, "class": names[1], "threshold": round(best, 2)}
        found.append(entry | {"value": tables[best][metric], "at_half": tables[0.5][metric]})
    return found


def _measured(probability: np.ndarray, at: float, targets: np.ndarray) -> dict[str, float]:
    said = (probability >= at).astype(float)
    return classification_metrics(np.stack([1 - said, said], 1), targets)
