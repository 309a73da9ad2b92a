"""A skewed number may be easier to learn as its root or logarithm."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from shared.errors import UserError

NONE, ROOT, LOG = "none", "root", "log"

SKEWED = 1.0
"""Targets of less skewness than this are learnt as they are."""
FEWEST = 1_000


def transformed(targets: Tensor, name: str) -> Tensor:
    """Rising in the targets, which are 0 or more (those below count as 0)."""
    if name == NONE:
        return targets
    return targets.clamp_min(0).sqrt() if name == ROOT else targets.clamp_min(0).log1p()


def restored(values: Tensor, name: str) -> Tensor:
    """The inverse of `transformed`."""
    if name == NONE:
        return values
    return values.clamp_min(0).square() if name == ROOT else values.expm1()


def mean_factor(values: Tensor, truth: Tensor) -> float:
    """By what numbers put back from a transform are to be multiplied to have the mean of the truth.

    The mean of a root or a logarithm, put back, falls short of the mean that squared error asks for (Duan 1983). One that
    is within one standard error of it is left alone.
    """
    short = truth - values
    if short.mean().abs() <= short.std() / len(short) ** 0.5 or not values.mean() > 0:
        return 1.0
    return float(truth.mean() / values.mean())


def checked_transform(asked: str, targets: np.ndarray) -> str:
    """The one that was asked for. Raises UserError where the targets cannot be transformed so."""
    if asked != NONE and targets.min() < 0:
        raise UserError(f"--target-transform {asked}: the target goes down to {targets.min():g}; it must be 0 or more")
    return asked


def is_skewed(targets: np.ndarray) -> bool:
    """Whether a transform is worth a trial: many rows, none below 0, and a long tail of great ones."""
    spread = targets.std()
    return (
        len(targets) >= FEWEST
        and bool(targets.min() >= 0)
        and float(np.mean(((targets - targets.mean()) / spread) ** 3)) > SKEWED
    )
