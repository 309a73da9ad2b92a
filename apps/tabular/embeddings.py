"""Columns as vectors: piecewise-linear embeddings of numbers, one-hot small categories, learned large ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ONE_HOT = 12
"""Categories of at most this many codes are written out one-hot; larger ones are embedded."""


class PiecewiseLinear(nn.Module):
    """Numbers, shape (rows, n), to (rows, n * width): each number's place among its own pieces, embedded.

    Gorishniy, Rubachev & Babenko 2022, arXiv:2203.05556: piece t gives clip((x - edge_t) / width_t, 0, 1), times its
    own vector. All pieces below a number's own give 1 and all above it 0, so that the sum over pieces is looked up:
    the vectors below added up beforehand, and a part of its own.
    """

    starts: Tensor
    steepness: Tensor

    def __init__(self, edges: Tensor, width: int) -> None:
        super().__init__()
        pieces = edges[:, 1:] - edges[:, :-1]
        self.register_buffer("starts", edges[:, :-1].contiguous(), persistent=False)
        self.register_buffer("steepness", torch.where(pieces > 0, 1 / pieces, 0), persistent=False)
        n, bins = pieces.shape
        self.weight = nn.Parameter(torch.zeros(n, bins, width))
        self.linear = nn.Parameter(torch.empty(n, width).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(n, width).uniform_(-1, 1))

    def forward(self, numbers: Tensor) -> Tensor:
        n, bins, width = self.weight.shape
        own = torch.searchsorted(self.starts[:, 1:].contiguous(), numbers.T.contiguous()).T
        own = own + torch.arange(0, n * bins, bins, device=own.device)
        part = ((numbers - self.starts.flatten()[own]) * self.steepness.flatten()[own]).clamp(0, 1).unsqueeze(2)
        weight = self.weight * (self.steepness > 0).unsqueeze(2)  # pieces of no width pad the others
        vectors = torch.cat([weight.cumsum(1) - weight, weight], 2).flatten(0, 1)
        below, at = nn.functional.embedding(own, vectors).split(width, 2)
        embedded = below + part * at + smooth_clip(numbers).unsqueeze(2) * self.linear + self.bias
        return torch.relu(embedded).flatten(1)


def smooth_clip(numbers: Tensor) -> Tensor:
    """Numbers pressed into (-3, 3), the middle nearly unchanged (Holzmuller et al. 2024, arXiv:2407.04491)."""
    return numbers / (1 + (numbers / 3) ** 2).sqrt()


class Categories(nn.Module):
    """Codes, shape (rows, c), to (rows, out). In training a share of them is hidden as the unknown code 0."""

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], width: int, unknown_rate: float) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.small = [i for i, size in enumerate(sizes) if size <= ONE_HOT]
        self.large = [i for i, size in enumerate(sizes) if size > ONE_HOT]
        self.unknown_rate = unknown_rate
        self.hot = sum(sizes[i] for i in self.small)
        starts = [sum(sizes[j] for j in self.small if j < i) for i in self.small]
        self.register_buffer("offsets", torch.tensor(starts, dtype=torch.long), persistent=False)
        self.tables = nn.ModuleList(nn.Embedding(sizes[i], width) for i in self.large)
        self.out = self.hot + width * len(self.large)

    def forward(self, codes: Tensor) -> Tensor:
        if self.training and self.unknown_rate:
            codes = codes.masked_fill(torch.rand(codes.shape, device=codes.device) < self.unknown_rate, 0)
        hot = torch.zeros(len(codes), self.hot, device=codes.device)
        hot.scatter_(1, codes[:, self.small].long() + self.offsets, 1.0)
        embedded = [table(codes[:, i]) for table, i in zip(self.tables, self.large, strict=True)]
        return torch.cat([hot, *embedded], 1)
