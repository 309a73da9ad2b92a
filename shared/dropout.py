"""Dropout whose masks cost little on a processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """torch's dropout, with a mask cut out of whole random words: a byte for a unit, so the share is rounded to 1/256.

    On processors drawing the mask one unit at a time takes a quarter of a training step.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.kept = min(max(round(256 * (1 - share)), 1), 256)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.kept == 256:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.long, device=x.device).random_(-(2**63), None)
        mask = words.view(torch.uint8)[: x.numel()].view(x.shape) < self.kept
        return x * (mask.to(x.dtype) * (256 / self.kept))
