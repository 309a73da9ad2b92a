"""Whole-split metrics and naive baselines for the two tasks that several apps share.

The numbers are scikit-learn's (a test compares), without the second that loading it takes:
https://scikit-learn.org/stable/modules/model_evaluation.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shared.labels import Labels
from shared.protocol import Data, Outputs


class Classification:
    """One class of two or more: cross-entropy; accuracy is the headline; the baseline is the class shares."""

    headline = "accuracy"

    def __init__(self, labels: Labels, smoothing: float = 0.0, class_weights: str = "none") -> None:
        self.labels, self.smoothing = labels, smoothing
        counts = torch.tensor(labels.counts, dtype=torch.float)
        self.class_weights = weights_of_classes(counts, counts.sum()) if class_weights == "auto" else None

    @property
    def chosen_by(self) -> str:
        """Accuracy, balanced where classes weigh alike."""
        return "accuracy" if self.class_weights is None else "balanced_accuracy"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of logits, shape (rows, classes), with class positions, shape (rows,), or shares of classes."""
        if self.class_weights is None:
            return F.cross_entropy(outputs.float(), targets, label_smoothing=self.smoothing)
        # torch's `weight` would also weigh what smoothing gives the other classes: a rare one became every row's best answer
        each = F.cross_entropy(outputs.float(), targets, reduction="none", label_smoothing=self.smoothing)
        by_class = self.class_weights.to(outputs.device)
        own = targets @ by_class if targets.is_floating_point() else by_class[targets]
        return (own * each).sum() / own.sum()

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        probabilities = predictor.outputs(data.inputs).float().softmax(1)
        return classification_metrics(probabilities.numpy(), data.targets.cpu().numpy())

    def baseline(self, data: Data) -> dict[str, float]:
        """The commonest class always, with the classes' shares as probabilities."""
        counts = np.array(self.labels.counts, dtype=float)
        shares = np.tile(counts / counts.sum(), (len(data), 1))
        return classification_metrics(shares, data.targets.cpu().numpy())

    def score(self, metrics: Mapping[str, float]) -> float:
        """What weights are chosen by, and among equals the lower log loss: small validation splits tie often."""
        return metrics[self.chosen_by] - 1e-3 * min(metrics["log_loss"], 10.0)


def weights_of_classes(counts: Tensor, rows: Tensor | int) -> Tensor:
    """Weights, shape (classes,), by which classes of so many of the rows each count alike."""
    return rows / (len(counts) * counts)


def classification_metrics(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Metrics of probabilities, shape (rows, classes), against class positions, shape (rows,).

    `auc` is left out where the rows lack a class; several classes are averaged one against the rest.
    """
    predicted = probabilities.argmax(1)
    chosen = np.clip(probabilities[np.arange(len(targets)), targets], 1e-15, 1)
    present = np.unique(targets)
    found = {
        "accuracy": float((predicted == targets).mean()),
        "balanced_accuracy": float(np.mean([(predicted[targets == k] == k).mean() for k in present])),
        "f1_macro": f1_macro(predicted, targets),
        "log_loss": float(0 - np.log(chosen).mean()),  # of sure answers 0, not -0
    }
    if len(present) == probabilities.shape[1]:
        areas = [area_under_curve(probabilities[:, k], targets == k) for k in present]
        found["auc"] = areas[1] if len(areas) == 2 else float(np.mean(areas))
    return found


def f1_macro(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Mean over the classes that occur, among targets or predictions, of the harmonic mean of precision and recall."""
    classes = max(predicted.max(), targets.max()) + 1
    hits = np.bincount(targets[predicted == targets], minlength=classes)
    occurring = np.bincount(targets, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float((2 * hits[occurring > 0] / occurring[occurring > 0]).mean())


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive row scores above a negative one, ties counting half (Mann & Whitney 1947)."""
    _, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (sizes.cumsum() - (sizes - 1) / 2)[place]
    positives = int(positive.sum())
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(scores) - positives)))


class Regression:
    """A number: squared error on the standardised target; the baseline is the training mean.

    `centre` and `scale` are the training target's mean and standard deviation, `span` its least and greatest.
    """

    headline = "rmse"

    def __init__(self, centre: float, scale: float, span: tuple[float, float] | None = None) -> None:
        self.centre, self.scale, self.span = centre, scale, span

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of standardised outputs, shape (rows,), with targets in their own unit."""
        return F.mse_loss(outputs.float(), (targets - self.centre) / self.scale)

    def values(self, outputs: Tensor) -> Tensor:
        """Outputs in the target's own unit, within the span of the training targets when one is set."""
        values = outputs.float() * self.scale + self.centre
        return values if self.span is None else values.clamp(*self.span)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        values = self.values(predictor.outputs(data.inputs))
        return regression_metrics(values.numpy(), data.targets.cpu().numpy())

    def baseline(self, data: Data) -> dict[str, float]:
        return regression_metrics(np.full(len(data), self.centre), data.targets.cpu().numpy())

    def score(self, metrics: Mapping[str, float]) -> float:
        return -metrics["rmse"]


def regression_metrics(values: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """rmse and mae in the target's unit, r2 without one (left out where the targets do not vary)."""
    error = values.astype(np.float64) - targets.astype(np.float64)
    found = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.abs(error).mean())}
    variance = float(np.var(targets.astype(np.float64)))
    if variance > 0:
        found["r2"] = 1 - float(np.mean(error**2)) / variance
    return found


def share_error(share: float, rows: int) -> float:
    """The standard error of a share of so many rows; 0 of what is no share."""
    return float((max(share * (1 - share), 0) / max(rows, 1)) ** 0.5)


def finite(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as JSON numbers; raises ArithmeticError at NaN or infinity, which JSON cannot hold."""
    for name, value in metrics.items():
        if not np.isfinite(value):
            raise ArithmeticError(f"{name} is {value}")
    return {name: float(value) for name, value in metrics.items()}
