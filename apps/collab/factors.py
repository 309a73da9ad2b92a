"""Predictions as products of factors: their mean over many draws, brought down to few columns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

GATHERED = 2
"""Times the kept width: columns of draws that are held side by side."""

BLOCK = 1 << 16
"""Rows whose products are added up at a time."""


@dataclass(frozen=True)
class Factors:
    """A prediction is `users[u] @ items[i]`, shapes (users, width) and (items, width)."""

    users: Tensor
    items: Tensor


class Mean:
    """The mean of what pairs of sides predict: biases exactly, products by the best factors of `width` columns.

    Those are of all draws side by side (Eckart & Young 1936), brought down whenever GATHERED times `width` columns
    have come: memory does not grow with the draws.
    """

    def __init__(self, width: int) -> None:
        self.width, self.draws = width, 0
        self.parts: list[Factors] = []
        self.biases: Factors | None = None

    def add(self, of_users: tuple[Tensor, Tensor], of_items: tuple[Tensor, Tensor]) -> None:
        """One more pair of (factors, bias) of both sides."""
        (users, user_bias), (items, item_bias) = of_users, of_items
        self.draws += 1
        self.parts.append(Factors(users, items))
        if self.biases is None:
            self.biases = Factors(user_bias.clone(), item_bias.clone())
        else:
            self.biases.users.add_(user_bias)
            self.biases.items.add_(item_bias)
        if sum(part.users.shape[1] for part in self.parts) > GATHERED * self.width:
            self.parts = [self._joined()]

    def _joined(self) -> Factors:
        users, items = (torch.cat([getattr(part, side) for part in self.parts], 1) for side in ("users", "items"))
        return compress(Factors(users, items), self.width)

    def found(self) -> tuple[Factors, Factors]:
        """(factors, biases) of the mean prediction."""
        factors = self._joined()
        assert self.biases is not None
        biases = Factors(self.biases.users / self.draws, self.biases.items / self.draws)
        return Factors(factors.users, factors.items / self.draws), biases


def compress(factors: Factors, width: int) -> Factors:
    """Factors of `width` columns with nearly the same products, the strongest column first.

    By the singular values of the product of the two roots of the tables of inner products, which are small.
    """
    (above, left), (below, right) = _rooted(factors.users), _rooted(factors.items)
    u, s, vt = torch.linalg.svd(above @ below.T, full_matrices=False)
    root = s[:width].sqrt()
    users = factors.users @ (left @ (u[:, :width] * root)).float()
    items = factors.items @ (right @ (vt[:width].T * root)).float()
    missing = max(0, width - users.shape[1])
    return Factors(*(F.pad(part, (0, missing)).contiguous() for part in (users, items)))


def _rooted(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(R, L), float64, with rows.T @ rows = R.T @ R and rows @ L orthonormal, rows = rows @ L @ R."""
    products = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.double)
    for block in rows.split(BLOCK):
        products.addmm_(block.double().T, block.double())
    values, vectors = torch.linalg.eigh(products)
    real = values > 1e-12 * values[-1:]
    root, vectors = values[real].sqrt(), vectors[:, real]
    return root[:, None] * vectors.T, vectors / root


def prior_precision(factors: Tensor) -> Tensor:
    """The precision of rows of factors about their mean, shape (width, width): what to expect of one more."""
    spread = factors.T.cov(correction=0)
    ridge = 1e-3 * spread.diagonal().mean().clamp_min(1e-6)
    return torch.linalg.inv(spread + ridge * torch.eye(len(spread)))
