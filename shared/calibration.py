"""The temperature that makes probabilities mean what they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

HIGHEST = 20.0


def best_temperature(scores: Tensor, targets: Tensor, lowest: float, imagined: int = 0) -> float:
    """argmin over T in lowest..HIGHEST of the log loss of scores / T, shape (rows, classes); targets as in training.

    So many `imagined` rows count as errors beside those that there are (Platt 1999): rows that are all right would ask
    for certainty.
    """
    error = imagined / (len(targets) + 2)

    def loss(scores: Tensor) -> Tensor:
        if targets.is_floating_point():
            return F.binary_cross_entropy_with_logits(scores, targets * (1 - error) + error / 2)
        return F.cross_entropy(scores, targets, label_smoothing=error)

    least, most = torch.tensor(lowest).log(), torch.tensor(HIGHEST).log()
    low, high = least, most
    for _ in range(4):  # the log loss is convex in 1 / T: each pass narrows the bracket twelvefold
        grid = torch.linspace(float(low), float(high), 25)
        losses = torch.stack([loss(scores / t.exp()) for t in grid])
        best, step = grid[losses.argmin()], (high - low) / 24
        low, high = (best - step).clamp_min(least), (best + step).clamp_max(most)
    return float(best.exp())
