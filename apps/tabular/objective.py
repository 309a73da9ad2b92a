"""What good means for a table: the shared tasks, with each member of the ensemble learning by itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from apps.tabular.targets import NumberTarget
from shared.metrics import Classification, Regression, regression_metrics
from shared.predict import Given
from shared.protocol import Data, Outputs


class MemberClassification(Classification):
    """Logits (rows, members, classes) in training: the mean of the members' cross-entropies."""

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        if outputs.dim() == 3:
            targets = _for_each(targets, outputs)
            weights = None if weights is None else _for_each(weights, outputs)
            outputs = outputs.flatten(0, 1)
        if weights is None:
            return super().loss(outputs, targets)
        if self.class_weights is not None:
            weights = weights * self.class_weights.to(outputs.device)[targets]
        each = F.cross_entropy(outputs.float(), targets, reduction="none", label_smoothing=self.smoothing)
        return (each * weights).mean()

    def judge(self, predictor: Outputs, data: Data) -> dict[str, float]:
        """With the classes counted as in training: else to unlearn their weights would look like progress."""
        outputs = predictor.outputs(data.inputs).float()
        metrics = self.measure(Given(outputs), data)
        if self.class_weights is not None:
            metrics["log_loss"] = float(F.nll_loss(outputs, data.targets.cpu(), weight=self.class_weights))
        return metrics

    def score(self, metrics: Mapping[str, float]) -> float:
        """The log loss: probabilities to trust, and less of a lottery on small validation splits than accuracy."""
        return -metrics["log_loss"]


class MemberRegression(Regression):
    """Standardised numbers (rows, members) in training: the mean of the members' squared errors.

    With intervals `coverage` is the share of rows that they hold, and `interval_width` their mean width; the naive
    interval is that of the training targets' own quantiles.
    """

    def __init__(self, target: NumberTarget, intervals: bool) -> None:
        super().__init__(target.mean, 1.0, (target.low, target.high))
        self.target = target
        self.intervals, self.naive = intervals, (target.lower, target.upper)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        if outputs.dim() == 2:
            targets = targets.unsqueeze(1).expand_as(outputs)
            weights = None if weights is None else _for_each(weights, outputs)
        error = (outputs.float() - self.target.standard(targets)).flatten().square()
        return error.mean() if weights is None else (error * weights).mean()

    def values(self, outputs: Tensor) -> Tensor:
        return self.target.values(outputs)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        values, targets = self.values(predictor.outputs(data.inputs)).numpy(), data.targets.cpu().numpy()
        if values.ndim == 1:  # too few rows to calibrate intervals on: there are none to measure
            return regression_metrics(values, targets)
        return self._with(regression_metrics(values[:, 0], targets), targets, values[:, 1], values[:, 2])

    def baseline(self, data: Data) -> dict[str, float]:
        return self._with(super().baseline(data), data.targets.cpu().numpy(), *self.naive)

    def _with(
        self, metrics: dict[str, float], targets: np.ndarray, low: np.ndarray | float, high: np.ndarray | float
    ) -> dict[str, float]:
        if not self.intervals:
            return metrics
        width = np.maximum(np.subtract(high, low), 0)
        held = (targets >= low) & (targets <= high)
        return {**metrics, "coverage": float(held.mean()), "interval_width": float(width.mean())}


def _for_each(rows: Tensor, outputs: Tensor) -> Tensor:
    """A value a row, (rows,), as one for each row and member, (rows * members,)."""
    return rows.unsqueeze(1).expand(outputs.shape[:2]).reshape(-1)
