"""The optimiser for networks trained from scratch: orthogonal steps for convolutions, Adam's for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): the momentum of a filter bank, as a matrix, gives way to the
nearest orthogonal one, so that all directions move alike; the bank itself is kept at one length, which the normalisation after it hides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from shared.precision import resolve

COEFFICIENTS, ROUNDS = (3.4445, -4.7750, 2.0315), 3
"""Of the polynomial that pushes all singular values towards 1, and how often it is applied."""


class Muon(Optimizer):
    """Parameters of four dimensions are filter banks; `weight_decay` is for the others, whose rate is `lr` * PLAIN.

    Steps of one size turn a filter bank the further, the longer its momentum remembers: a short memory allows a high rate.
    """

    PLAIN, BETAS = 1 / 32, (0.9, 0.99)

    def __init__(self, params: Any, lr: float, momentum: float = 0.6, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        found = None if closure is None else closure()
        for group in self.param_groups:
            learnt = [p for p in group["params"] if p.grad is not None]
            for weight in learnt:
                (self._orthogonal if weight.ndim == 4 else self._adam)(weight, group)
        return found

    def _orthogonal(self, weight: Tensor, group: dict[str, Any]) -> None:
        """Nesterov's momentum, made orthogonal; the step is `lr` of the filter bank's own length."""
        state, momentum, slope = self.state[weight], float(group["momentum"]), weight.grad
        assert slope is not None
        mean = state.setdefault("mean", torch.zeros_like(slope))
        mean.lerp_(slope, 1 - momentum)
        update = orthogonal(slope.lerp(mean, momentum).flatten(1)).view_as(weight)
        length = len(weight) ** 0.5
        weight.mul_(length / weight.norm().clamp_min(1e-12)).sub_(update, alpha=float(group["lr"]))

    def _adam(self, weight: Tensor, group: dict[str, Any]) -> None:
        """Kingma & Ba 2014, arXiv:1412.6980, with decoupled decay."""
        state, (first, second), slope = self.state[weight], self.BETAS, weight.grad
        assert slope is not None
        if not state:
            state |= {"steps": 0, "mean": torch.zeros_like(slope), "square": torch.zeros_like(slope)}
        state["steps"] += 1
        rate = float(group["lr"]) * self.PLAIN
        state["mean"].lerp_(slope, 1 - first)
        state["square"].lerp_(slope.square(), 1 - second)
        spread = (state["square"] / (1 - second ** state["steps"])).sqrt().add_(1e-8)
        weight.mul_(1 - rate * group["weight_decay"])
        weight.addcdiv_(state["mean"], spread, value=-rate / (1 - first ** state["steps"]))


def orthogonal(matrix: Tensor) -> Tensor:
    """Roughly the nearest matrix whose singular values are all 1, by ROUNDS of Newton and Schulz's iteration.

    The rounds are polynomials of one small square matrix, x @ x.T: the long one is multiplied twice, not twice a round. In
    bfloat16 where that is fast, as the authors have it: a network of 11 million weights takes a fifth of a step otherwise.
    """
    a, b, c = COEFFICIENTS
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    if resolve("auto", x.device.type) == "bf16":
        x = x.bfloat16()
    square, whole = x @ x.T, torch.eye(len(x), device=x.device, dtype=x.dtype)
    for _ in range(ROUNDS):
        factor = b * square + c * square @ square
        factor.diagonal().add_(a)
        whole, square = factor @ whole, factor @ square @ factor
    x = (whole @ x).to(matrix.dtype)
    return x.T if matrix.shape[0] > matrix.shape[1] else x
