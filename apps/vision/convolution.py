"""A convolution whose weights learn faster on small maps, in bfloat16 on a processor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

SIDE = 3
SMALL = 8
"""Side of a map, in pixels, up to which the gradient of the weights is taken as products of gathered pixels: the library's takes
1.2 to 5 times as long there (docs/experiments/vision.md)."""


class Convolution(nn.Conv2d):
    """3 x 3 of equal size, without bias; begins as the identity on the channels that both sides have.

    (rows, inside, high, wide) -> (rows, outside, high, wide)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, SIDE, padding="same", bias=False)
        with torch.no_grad():
            nn.init.dirac_(self.weight[: min(inside, outside)])

    def forward(self, x: Tensor) -> Tensor:
        gathers = x.device.type == "cpu" and x.dtype is torch.bfloat16 and max(x.shape[2:]) <= SMALL
        if gathers and torch.is_grad_enabled() and self.weight.requires_grad:
            made: Tensor = _Gathered.apply(x, self.weight.to(x.dtype))
            return made
        return super().forward(x)


class _Gathered(torch.autograd.Function):
    """The same sums as `F.conv2d`; its weights' gradient is three products, one for each line of the filters."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding="same")

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        (outside, inside), (high, wide) = weight.shape[:2], x.shape[2:]
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        pixels = slope.permute(0, 2, 3, 1).reshape(-1, outside).T
        lines = []
        for down in range(SIDE):
            seen = [padded[:, down : down + high, right : right + wide] for right in range(SIDE)]
            lines.append(pixels @ torch.cat(seen, 3).view(-1, SIDE * inside))
        learnt = torch.stack(lines, 1).view(outside, SIDE, SIDE, inside).permute(0, 3, 1, 2)
        below = conv2d_input(x.shape, weight, slope, padding=1) if ctx.needs_input_grad[0] else None
        return below, learnt
