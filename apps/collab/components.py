"""Principal components of a table of who has what: features of ratings, the start of factors that rank."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.collab.histories import Histories

ITERATIONS = 4


def components(own: Histories, other: Histories, width: int) -> Tensor:
    """Of the rows of `own`, whose transpose is `other`: shape (rows, width), the strongest column first.

    A cell is divided by the root of its row's count (SVD++), and columns are evened out half-way, so that
    neither those with many cells nor the most popular partners decide alone. The components are found by
    subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4).
    """
    if not width:
        return torch.zeros(len(own), 0)
    by_row = own.counts().clamp_min(1).float().rsqrt()[:, None]
    table, transposed = own.sparse(), other.sparse()
    by_column = (transposed @ by_row.square()).clamp_min(1e-12).sqrt().rsqrt()

    def products(columns: Tensor) -> Tensor:
        return by_row * (table @ (by_column * columns))

    basis = products(torch.randn(len(other), width))
    for _ in range(ITERATIONS):
        back = torch.linalg.qr(by_column * (transposed @ (by_row * torch.linalg.qr(basis).Q))).Q
        basis = products(back)
    left, strengths, _ = torch.linalg.svd(basis, full_matrices=False)
    return left * strengths
