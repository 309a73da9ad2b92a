"""The target of a table, a class or a number: fitted, encoded, and answers made of the network's outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from apps.tabular.columns import spelled
from apps.tabular.transforms import NONE, restored, transformed
from shared.errors import UserError
from shared.labels import Labels
from shared.protocol import Answer

CLASSIFICATION, REGRESSION = "classification", "regression"


class Target(Protocol):
    """Classes or a number."""

    def encode(self, targets: np.ndarray) -> Tensor: ...
    def standard(self, targets: Tensor) -> Tensor:
        """Encoded targets as the network and the trees see them."""
        ...

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

    def standard(self, targets: Tensor) -> Tensor:
        return targets

    def answers(self, outputs: Tensor) -> list[Answer]:
        return self.labels.answers(outputs.softmax(1))

    def state(self) -> dict[str, Any]:
        return {"task": CLASSIFICATION, **self.labels.state()}


@dataclass(frozen=True)
class NumberTarget:
    """Outputs are standardised, shape (rows,), or with intervals (rows, 3); answers stay within the training span.

    `centre` and `scale` are the mean and standard deviation after the transform, `mean` is that before it. `lower` and
    `upper` are the ends of the naive interval: quantiles of the training targets.
    """

    centre: float
    scale: float
    low: float
    high: float
    lower: float
    upper: float
    mean: float
    transform: str = NONE

    def encode(self, targets: np.ndarray) -> Tensor:
        """Float64: unix seconds in float32 are 128 s apart."""
        return torch.from_numpy(targets.astype(np.float64))

    def standard(self, targets: Tensor) -> Tensor:
        """Targets in their own unit as the outputs that would be right."""
        return ((transformed(targets.double(), self.transform) - self.centre) / self.scale).float()

    def values(self, outputs: Tensor) -> Tensor:
        """Outputs in the target's own unit, float64 of the same shape."""
        plain = restored(outputs.double() * self.scale + self.centre, self.transform)
        return plain.clamp(self.low, self.high)

    def answers(self, outputs: Tensor) -> list[Answer]:
        values = self.values(outputs)
        rows = [[self._rounded(value) for value in row] for row in values.reshape(len(values), -1).tolist()]
        return [
            {"prediction": row[0], "value": row[0], **({"interval": row[1:]} if len(row) == 3 else {})} for row in rows
        ]

    def _rounded(self, value: float) -> float:
        """To six digits of the number or of the targets' span, whichever is finer: years hardly differ in six of their own."""
        size = min(abs(value) or math.inf, self.high - self.low)
        return round(value, 5 - math.floor(math.log10(size)))

    def state(self) -> dict[str, Any]:
        return {"task": REGRESSION, **asdict(self)}


def fit_target(targets: np.ndarray, task: str, level: float) -> Target:
    """`level` is that of the naive interval. Raises UserError where the training targets do not vary."""
    if task == CLASSIFICATION:
        return ClassTarget(Labels.fit(targets))
    low, high = float(targets.min()), float(targets.max())
    if low == high:
        raise UserError(f"the target is {low:g} in every training row: there is nothing to learn; name another column")
    lower, upper = np.quantile(targets, [0.5 - level / 2, 0.5 + level / 2])
    plain = NumberTarget(0.0, 1.0, low, high, float(lower), float(upper), float(targets.mean()))
    return with_transform(plain, targets, NONE)


def with_transform(target: NumberTarget, targets: np.ndarray, transform: str) -> NumberTarget:
    """The same target, learnt after a transform; `targets` are those of training."""
    moved = transformed(target.encode(targets), transform).numpy()
    return replace(target, centre=float(moved.mean()), scale=float(moved.std()), transform=transform)


def target_from(state: Mapping[str, Any]) -> Target:
    if state["task"] == CLASSIFICATION:
        return ClassTarget(Labels.from_state({**state, "names": [spelled(str(name)) for name in state["names"]]}))
    names = ("centre", "scale", "low", "high", "lower", "upper", "mean")
    centre, scale, low, high, lower, upper, mean = (float(state[name]) for name in names)
    return NumberTarget(centre, scale, low, high, lower, upper, mean, str(state["transform"]))
