"""The network for small pictures without pretrained weights: whitened patches, then wide shallow groups.

The ingredients are those of airbench (Jordan 2024, arXiv:2404.00498): a first convolution that whitens
2x2 patches, convolutions that begin as the identity, GELU, and a global maximum at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.vision.convolution import Convolution

NARROW, WIDE = "small", "small_wide"
LARGEST = 64
"""Side in pixels up to which this network is used."""

PATCH, LAST_SIDE = 2, 3
WIDTHS = {NARROW: (64, 128, 256, 384), WIDE: (64, 256, 256, 384)}
"""Filters of each group. The wide network takes 1.8 times the products (docs/experiments/vision.md has what either reaches)."""


class SmallNetwork(nn.Module):
    """Pictures, shape (rows, channels, side, side), to features, shape (rows, `num_features`)."""

    def __init__(self, side: int, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        whitened = 2 * channels * PATCH**2
        self.whiten = nn.Conv2d(channels, whitened, PATCH, bias=True)
        groups: list[nn.Module] = []
        inside, side = whitened, side - 1
        for outside in widths:
            if side <= LAST_SIDE:
                break
            groups.append(ConvolutionGroup(inside, outside))
            inside, side = outside, side // 2
        self.groups = nn.Sequential(*groups)
        self.num_features = inside

    def forward(self, pictures: Tensor) -> Tensor:
        return self.groups(F.gelu(self.whiten(pictures))).amax((2, 3))

    @torch.no_grad()
    def set_whitening(self, pictures: Tensor) -> None:
        """Sets the first filters to the whitened principal components of 2x2 patches, and their negatives."""
        patches = F.unfold(pictures.float(), PATCH).transpose(1, 2).reshape(-1, pictures.shape[1] * PATCH**2)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (values.clamp_min(0) + 5e-4).sqrt()).T.flip(0).reshape(-1, *self.whiten.weight.shape[1:])
        self.whiten.weight.copy_(torch.cat([filters, -filters]))
        self.whiten.weight.requires_grad_(False)


class ConvolutionGroup(nn.Module):
    """Two convolutions at a quarter of the area."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(inside, outside), Convolution(outside, outside)
        self.pool = nn.MaxPool2d(2)
        self.first_norm, self.second_norm = nn.BatchNorm2d(outside, momentum=0.4), nn.BatchNorm2d(outside, momentum=0.4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.first_norm(self.pool(self.first(x))))
        return F.gelu(self.second_norm(self.second(x)))
