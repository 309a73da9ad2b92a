"""Texts that may have several labels each: what differs from one class of many in a loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from shared.metrics import weights_of_classes
from shared.several import weights_of_labels


def loss_of(outputs: Tensor, targets: Tensor, reduction: str = "mean", weights: Tensor | None = None) -> Tensor:
    """Loss of logits, shape (rows, classes), against class positions, shape (rows,), or 0 or 1 for each label.

    With `reduction` "none" one number a row. `weights`: of the classes, or of each label where it is there.
    """
    if not targets.is_floating_point():
        return F.cross_entropy(outputs, targets, weights, reduction=reduction)
    losses = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none", pos_weight=weights).mean(1)
    return losses if reduction == "none" else losses.mean()


def balance(targets: Tensor, classes: int) -> Tensor:
    """Weights for `loss_of`, shape (classes,), that make classes, or a label's being there and not, count alike."""
    counts = shares(targets, classes).sum(0).clamp_min(1)
    if targets.is_floating_point():
        return weights_of_labels(counts, len(targets))
    return weights_of_classes(counts, len(targets))


def shares(targets: Tensor, classes: int) -> Tensor:
    """Targets of either kind as 0 or 1, floats of shape (rows, classes)."""
    return targets if targets.is_floating_point() else F.one_hot(targets, classes).float()
