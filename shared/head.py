"""The linear head on a frozen body's features, fitted to convergence: what makes transfer take seconds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from shared.dropout import Dropout

Loss = Callable[[Tensor, Tensor], Tensor]
Part = tuple[Tensor, Tensor]

STRENGTHS = tuple(10.0**power for power in (0, -0.5, -1, -1.5, -2, -2.5, -3, -4, -5))
"""L2 penalties tried, strongest first: each fit starts from the one before (a regularisation path)."""

ENOUGH_ROWS = 1000
"""With fewer validation rows than this the strength is chosen by cross-validation within the training rows."""


class LinearHead(nn.Module):
    """Standardises features, shape (rows, width), then a linear layer: outputs of shape (rows, outputs)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(width, outputs)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.dropout((features.float() - self.mean) / self.scale))

    def fit(self, train: Part, valid: Part, loss: Loss, seed: int) -> tuple[float, Part]:
        """Fits mean, scale, weight and bias to (features, targets); returns the L2 strength that was chosen, and (outputs, targets)
        of the rows that it was chosen by, each answered by a fit that had not seen it.

        The loss must be a mean over rows and convex in the outputs. Minimised by L-BFGS (Liu & Nocedal 1989).
        """
        features, targets = train
        with _one_thread_for_scipy():
            return self._fit(features, targets, valid, loss, seed)

    def _fit(self, features: Tensor, targets: Tensor, valid: Part, loss: Loss, seed: int) -> tuple[float, Part]:
        self.mean.copy_(features.mean(0))
        self.scale.copy_(features.std(0, unbiased=False).clamp_min(1e-6))
        standard = (features - self.mean) / self.scale
        problem, outputs = (standard, targets), self.linear.out_features
        if len(valid[1]) >= ENOUGH_ROWS:
            splits = [(problem, ((valid[0] - self.mean) / self.scale, valid[1]))]
        else:
            splits = _folds(standard, targets, seed)
            splits = splits[: -(-ENOUGH_ROWS * len(splits) // len(targets))]  # as many as hold out enough rows in all
        paths = [_path(kept, out, outputs, loss) for kept, out in splits]
        best = int(torch.stack([losses for losses, _ in paths]).mean(0).argmin())
        solutions = paths[0][1] if splits[0][0] is problem else _path(problem, None, outputs, loss, best + 1)[1]
        with torch.no_grad():
            self.linear.weight.copy_(solutions[best][0])
            self.linear.bias.copy_(solutions[best][1])
        answered = [
            _linear(out[0], solved[min(best, len(solved) - 1)])
            for (_, out), (_, solved) in zip(splits, paths, strict=True)
        ]
        return STRENGTHS[best], (torch.cat(answered), torch.cat([out[1] for _, out in splits]))


class BodyHead(nn.Module):
    """A network whose answer is the head's alone, head(body(input)): cached features suffice to measure it."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, *inputs: Tensor) -> Tensor:
        answer: Tensor = self.head(self.body(*inputs))
        return answer


def _one_thread_for_scipy() -> AbstractContextManager[object]:
    """scipy's BLAS waits for its next product by spinning, on the cores that torch's threads need: with two cores a fit took
    4 to 14 times as long (docs/experiments/vision.md)."""
    import scipy.optimize  # noqa: F401  loads the BLAS that is told
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[object] = threadpool_limits(1, "blas")  # of scikit-learn's dependencies
    return limited


def _folds(features: Tensor, targets: Tensor, seed: int, folds: int = 5) -> list[tuple[Part, Part]]:
    """(kept, held out) parts of a k-fold split; rows are dealt out so that sorted labels spread evenly."""
    folds = min(folds, len(features))
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    if not targets.is_floating_point():
        order = order[targets[order].argsort(stable=True)]
    fold = torch.empty(len(features), dtype=torch.long)
    fold[order] = torch.arange(len(features)) % folds
    split = [(fold != k, fold == k) for k in range(folds)]
    return [((features[a], targets[a]), (features[b], targets[b])) for a, b in split]


def _path(
    kept: Part, held: Part | None, outputs: int, loss: Loss, steps: int = len(STRENGTHS)
) -> tuple[Tensor, list[Part]]:
    """Loss on the held-out part, and the solution, at each of the first `steps` strengths.

    The path ends once the loss has clearly turned upwards; what was not reached counts as worse.
    """
    losses = torch.full((len(STRENGTHS),), torch.inf)
    solutions: list[Part] = []
    for i, strength in enumerate(STRENGTHS[:steps]):
        solutions.append(_minimise(kept, strength, loss, outputs, solutions[-1] if solutions else None))
        if held is None:
            continue
        losses[i] = loss(_linear(held[0], solutions[-1]), held[1])
        if losses[i] > 1.03 * losses.min():
            losses[i + 1 :] = 2 * losses[i]
            break
    return losses, solutions


def _linear(features: Tensor, solution: Part) -> Tensor:
    return features @ solution[0].T + solution[1]


def _minimise(part: Part, strength: float, loss: Loss, outputs: int, start: Part | None) -> Part:
    """(weight, bias) at the least loss(features @ weight.T + bias) + strength / 2 * |weight|^2, from `start` or zero.

    scipy's L-BFGS (Liu & Nocedal 1989): torch's own spends milliseconds of Python on each step of these small problems.
    """
    from scipy.optimize import minimize

    features, targets = part
    split = outputs * features.shape[1]

    def value_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.tensor(flat, dtype=torch.float, requires_grad=True)
        weight, bias = point[:split].view(outputs, -1), point[split:]
        value = loss(torch.addmm(bias, features, weight.T), targets) + strength / 2 * weight.square().sum()
        value.backward()
        assert point.grad is not None
        return value.item(), point.grad.double().numpy()

    first = torch.zeros(split + outputs) if start is None else torch.cat([start[0].flatten(), start[1]])
    with torch.enable_grad():
        found = minimize(
            value_and_slope,
            first.double().numpy(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 100, "ftol": 1e-5, "gtol": 1e-5},
        )
    best = torch.tensor(found.x, dtype=torch.float)
    return best[:split].view(outputs, -1), best[split:]
