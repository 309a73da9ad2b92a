"""Random views of whole batches of pictures, as tensors. Pictures have shape (rows, side, side, 3), 0..255."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.vision.model import resize

AREA = (0.35, 1.0)  # share of the picture that a random crop keeps (Szegedy et al. 2015, arXiv:1409.4842)
RATIO = (3 / 4, 4 / 3)
LIGHT = 0.2


def shift(pictures: Tensor, most: int) -> Tensor:
    """Moves each picture by up to `most` pixels each way; what comes in is mirrored from the edge."""
    rows, side = pictures.shape[:2]
    down, right = torch.randint(-most, most + 1, (2, rows, 1)) + torch.arange(side)
    down, right = (side - 1 - (side - 1 - place.abs()).abs() for place in (down, right))
    lines = torch.arange(rows)[:, None] * side + down
    places = (lines[:, :, None] * side + right[:, None, :]).flatten().to(pictures.device)
    return pictures.reshape(rows * side * side, -1).index_select(0, places).view_as(pictures)


def random_crop(pictures: Tensor, size: int) -> Tensor:
    """A random part of each picture, of random area and shape, at `size`; bilinear."""
    rows, side = pictures.shape[:2]
    area = torch.empty(rows).uniform_(*AREA)
    ratio = torch.empty(rows).uniform_(*map(math.log, RATIO)).exp()
    extent = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], 1).clamp_max(1)
    middle = (torch.rand(rows, 2) * 2 - 1) * (1 - extent)
    grids = torch.zeros(rows, 2, 3)
    grids[:, 0, 0], grids[:, 1, 1], grids[:, :, 2] = extent[:, 0], extent[:, 1], middle
    planes = pictures.permute(0, 3, 1, 2).float()
    where = F.affine_grid(grids.to(planes), [rows, 3, size, size], align_corners=False)
    return F.grid_sample(planes, where, padding_mode="reflection", align_corners=False).permute(0, 2, 3, 1)


def relight(pictures: Tensor) -> Tensor:
    """Random brightness and contrast, each within 1 +- LIGHT."""
    brightness, contrast = (1 + LIGHT * (2 * torch.rand(2, len(pictures), 1, 1, 1) - 1)).to(pictures.device)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return (((pictures - mean) * contrast + mean) * brightness).clamp(0, 255)


@dataclass(frozen=True)
class Views:
    """Training views: `kind` is "none", "shift" (small pictures) or "photo" (crop and light); `mirrored` half of the time."""

    kind: str
    mirrored: bool

    def of(self, pictures: Tensor, size: int, epoch: int) -> Tensor:
        """Views of uint8 pictures at `size`. A picture is mirrored in every other epoch: each two epochs show both of its
        sides (Jordan 2024, arXiv:2404.00498)."""
        if self.mirrored:
            odd = (pictures.flatten(1).sum(1) + epoch) % 2 == 1
            pictures = torch.where(odd[:, None, None, None], pictures.flip(2), pictures)
        if self.kind == "photo":
            return relight(random_crop(pictures, size))
        pictures = resize(pictures, size)
        return shift(pictures, max(1, round(size / 16))) if self.kind == "shift" else pictures


def cutmix(pictures: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Puts a box of another row into each picture and shares the targets, shape (rows, classes), by area.

    Yun et al. 2019, arXiv:1905.04899; the share that stays is drawn from Beta(alpha, alpha), once a batch.
    """
    side, stays = pictures.shape[1], float(torch.distributions.Beta(alpha, alpha).sample())
    half = side * math.sqrt(1 - stays) / 2
    down, right = (torch.rand(2) * side).tolist()
    top, bottom = max(round(down - half), 0), min(round(down + half), side)
    left, end = max(round(right - half), 0), min(round(right + half), side)
    other = torch.roll(torch.arange(len(pictures)), 1)
    mixed = pictures.clone()
    mixed[:, top:bottom, left:end] = pictures[other, top:bottom, left:end]
    stays = 1 - (bottom - top) * (end - left) / side**2
    return mixed, stays * targets + (1 - stays) * targets[other]
