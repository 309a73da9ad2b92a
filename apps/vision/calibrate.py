"""Probabilities that mean what they say: one temperature, fitted on validation (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.vision.model import VisionNetwork

ENOUGH = 50
"""Validation rows below which a temperature would be a guess."""


def calibrate(network: VisionNetwork, scores: Tensor, targets: Tensor) -> tuple[float, str]:
    """Divides the head's scores by the temperature that validation likes best; the predictions stay.

    Returns it with a sentence on the expected calibration error before and after; (1.0, "") with too few rows.
    """
    if len(targets) < ENOUGH:
        return 1.0, ""
    temperature = best_temperature(scores, targets)
    with torch.no_grad():
        for parameter in network.head.linear.parameters():
            parameter.div_(temperature)
    before, after = calibration_error(scores, targets), calibration_error(scores / temperature, targets)
    said = f"calibrated with temperature {temperature:.3g}: error of the probabilities {before:.4f} before, {after:.4f} after"
    return temperature, said


def best_temperature(scores: Tensor, targets: Tensor) -> float:
    """argmin over T in 0.05..20 of the log loss of scores / T, shape (rows, classes); targets as in training.

    One more row than there are counts as an error (Platt 1999): rows that are all right would ask for certainty.
    """
    error = 1 / (len(targets) + 2)

    def loss(scores: Tensor) -> Tensor:
        if targets.is_floating_point():
            return F.binary_cross_entropy_with_logits(scores, targets * (1 - error) + error / 2)
        return F.cross_entropy(scores, targets, label_smoothing=error)

    low, high = torch.tensor(0.05).log(), torch.tensor(20.0).log()
    for _ in range(4):  # the log loss is convex in 1 / T: each pass narrows the bracket twelvefold
        grid = torch.linspace(float(low), float(high), 25)
        losses = torch.stack([loss(scores / t.exp()) for t in grid])
        best, step = grid[losses.argmin()], (high - low) / 24
        low, high = best - step, best + step
    return float(best.exp())


def calibration_error(scores: Tensor, targets: Tensor, bins: int = 15) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over equal-width bins, weighed by answers.

    Targets are positions, shape (rows,), or 0 and 1 for each label, shape (rows, labels).
    """
    if targets.is_floating_point():
        chances = scores.sigmoid().flatten()
        confidence = torch.maximum(chances, 1 - chances)
        right = ((chances >= 0.5) == (targets.flatten() > 0.5)).float()
    else:
        confidence, predicted = scores.softmax(1).max(1)
        right = (predicted == targets).float()
    bin_of = (confidence * bins).long().clamp_max(bins - 1)
    sums = torch.zeros(bins).index_add_(0, bin_of, confidence - right)
    return float(sums.abs().sum() / len(right))
