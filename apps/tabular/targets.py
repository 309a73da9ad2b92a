"""The target of a table, a class or a number: fitted, encoded, and answers made of the network's outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from apps.tabular.columns import to_numbers
from shared.errors import UserError
from shared.labels import Labels
from shared.protocol import Answer

CLASSIFICATION, REGRESSION = "classification", "regression"

MOST_CLASSES = 20
"""Whole numbers of more distinct values than this are amounts, not classes."""


class Target(Protocol):
    """`outputs` is the width of the network's answer."""

    @property
    def outputs(self) -> int: ...
    def encode(self, targets: np.ndarray) -> Tensor: ...
    def answers(self, outputs: Tensor) -> list[Answer]: ...
    def state(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ClassTarget:
    """Outputs are logarithms of probabilities, shape (rows, classes)."""

    labels: Labels

    @property
    def outputs(self) -> int:
        return len(self.labels.names)

    def encode(self, targets: np.ndarray) -> Tensor:
        return self.labels.encode(targets)

    def answers(self, outputs: Tensor) -> list[Answer]:
        return self.labels.answers(outputs.softmax(1))

    def state(self) -> dict[str, Any]:
        return {"task": CLASSIFICATION, **self.labels.state()}


@dataclass(frozen=True)
class NumberTarget:
    """Outputs are standardised, shape (rows,); answers stay within the span of the training targets."""

    centre: float
    scale: float
    low: float
    high: float
    outputs: int = 1

    def encode(self, targets: np.ndarray) -> Tensor:
        return torch.from_numpy(targets.astype(np.float64)).float()

    def answers(self, outputs: Tensor) -> list[Answer]:
        values = (outputs.double() * self.scale + self.centre).clamp(self.low, self.high).tolist()
        rounded = [float(f"{value:.6g}") for value in values]
        return [{"prediction": value, "value": value} for value in rounded]

    def state(self) -> dict[str, Any]:
        return {"task": REGRESSION, **asdict(self)}


def fit_target(targets: np.ndarray, task: str) -> Target:
    """Raises UserError where the training targets do not vary."""
    if task == CLASSIFICATION:
        return ClassTarget(Labels.fit(targets))
    low, high = float(targets.min()), float(targets.max())
    if low == high:
        raise UserError(f"the target is {low:g} in every training row: there is nothing to learn; name another column")
    return NumberTarget(float(targets.mean()), float(targets.std()), low, high)


def target_from(state: Mapping[str, Any]) -> Target:
    if state["task"] == CLASSIFICATION:
        return ClassTarget(Labels.from_state(state))
    centre, scale, low, high = (float(state[name]) for name in ("centre", "scale", "low", "high"))
    return NumberTarget(centre, scale, low, high)


def infer_task(column: np.ndarray) -> tuple[str, str]:
    """(task, why) of a target column whose missing rows are gone already; at least one row."""
    distinct = len(set(column.tolist()))
    if column.dtype == object:
        numbers = to_numbers(column)
        if np.isnan(numbers).any() or distinct <= MOST_CLASSES:
            return CLASSIFICATION, f"{distinct} distinct words"
        column = numbers
    if distinct <= 2:
        return CLASSIFICATION, f"{distinct} distinct values"
    whole = bool((column == np.floor(column)).all())
    if whole and distinct <= min(MOST_CLASSES, max(len(column) // 10, 2)):
        return CLASSIFICATION, f"{distinct} distinct whole numbers; --task regression takes them as amounts"
    return REGRESSION, f"{distinct:,} distinct numbers"


def usable(column: np.ndarray, task: str) -> np.ndarray:
    """Which rows have a target to learn from, bool: filled, and for regression a finite number."""
    if task == REGRESSION:
        return np.isfinite(to_numbers(column)) & (np.abs(to_numbers(column)) < math.sqrt(np.finfo(np.float32).max))
    return np.array([cell is not None for cell in column]) if column.dtype == object else ~np.isnan(column)
