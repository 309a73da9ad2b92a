"""Probabilities that mean what they say: one temperature, fitted on validation."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.vision.model import VisionNetwork
from shared.calibration import best_temperature

ENOUGH = 50
"""Validation rows below which a temperature would be a guess."""

LOWEST = 0.05


def calibrate(network: VisionNetwork, scores: Tensor, targets: Tensor) -> tuple[float, str]:
    """Divides the head's scores by the temperature that validation likes best; the predictions stay.

    Returns it with a sentence on the expected calibration error before and after; (1.0, "") with too few rows.
    """
    if len(targets) < ENOUGH:
        return 1.0, ""
    temperature = best_temperature(scores, targets, LOWEST, imagined=1)
    with torch.no_grad():
        for parameter in network.head.linear.parameters():
            parameter.div_(temperature)
    before, after = calibration_error(scores, targets), calibration_error(scores / temperature, targets)
    said = f"error of the validation probabilities {before:.4f} before, {after:.4f} after"
    return temperature, f"calibrated with temperature {temperature:.3g}: {said}"


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
