"""The classes of vision and text, one label a row or several: which of the two is told here alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shared.artifact import Artifact
from shared.head import LinearHead
from shared.labels import Labels, positions
from shared.metrics import Classification
from shared.protocol import Answer
from shared.several import LabelPresence, LabelSets

Classes = Labels | LabelSets


def fit_classes(targets: np.ndarray, separator: str) -> Classes:
    """Of training rows; `separator` is the mark between the labels of a row, or "none" (or "auto" as nobody looked for one).
    Raises UserError where there are not two."""
    return Labels.fit(targets) if separator in ("none", "auto") else LabelSets.fit(targets, separator)


def classes_from(state: Mapping[str, Any]) -> Classes:
    return LabelSets.from_state(state) if "separator" in state else Labels.from_state(state)


def answers_of(classes: Classes, outputs: Tensor) -> list[Answer]:
    """Answers of a network's outputs, logits of shape (rows, classes)."""
    return classes.answers(outputs.sigmoid() if isinstance(classes, LabelSets) else outputs.softmax(1))


def objective_of(classes: Classes, smoothing: float, class_weights: str) -> Classification | LabelPresence:
    """Which loss and metrics are theirs."""
    if isinstance(classes, LabelSets):
        return LabelPresence(classes, smoothing, class_weights)
    return Classification(classes, smoothing, class_weights)


@torch.no_grad()
def take_over(head: LinearHead, classes: Classes, earlier: Artifact) -> int:
    """Warm start: gives the head the weights of those classes that an earlier model knows too, and says how many these are:
    none where its features are of another width."""
    known = positions(earlier.preprocessor["labels"]["names"])
    weight, bias = earlier.network["head.linear.weight"], earlier.network["head.linear.bias"]
    if weight.shape[1] != head.linear.in_features:
        return 0
    both = [(own, known[name]) for own, name in enumerate(classes.names) if name in known]
    for own, its in both:
        head.linear.weight[own] = weight[its]
        head.linear.bias[own] = bias[its]
    return len(both)
