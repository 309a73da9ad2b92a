"""The network: pictures as bytes -> the backbone's view of them -> features -> class scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.vision import backbones, scratch
from apps.vision.backbones import Backbone
from shared.attention import plain_pays
from shared.head import BodyHead, LinearHead
from shared.protocol import Group

CACHED = 16
"""Pictures that a processor takes through the network together: more of them leave its cache (40 images/s against 29
with 128, ViT-Tiny, one thread) and fill its memory."""


class Body(nn.Module):
    """Features of pictures. Bytes, uint8 of shape (rows, side, side, 3), are seen through the centre; floats of
    shape (rows, size, size, 3) in 0..255 are what augmentation made of them and taken as they are.

    `views` are averaged when answering: "one"; "mirror", also its mirror image; "moved", both also moved by a pixel each way,
    these counting half; "scales", also the whole where one is the middle. `one_length`: feature vectors differ in direction only."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, backbone: Backbone, views: str, one_length: bool) -> None:
        super().__init__()
        self.network, self.views, self.one_length = network, views, one_length
        self.see_as(backbone)
        self.attentions: list[Any] = [part for part in network.modules() if hasattr(part, "fused_attn")]

    def see_as(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.register_buffer("mean", 255 * torch.tensor(backbone.mean), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(backbone.std), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        for part in self.attentions:
            part.fused_attn = not plain_pays(self.mean)
        if pictures.dtype.is_floating_point:
            features = self.network(self.normalise(pictures))
        else:
            part = CACHED if pictures.device.type == "cpu" and not self.training else max(len(pictures), 1)
            features = torch.cat([self._seen(rows) for rows in pictures.split(part)])
        return F.normalize(features.float(), dim=1) * features.shape[1] ** 0.5 if self.one_length else features

    def _seen(self, pictures: Tensor) -> Tensor:
        seen = self.normalise(centre(pictures, self.backbone))
        if self.training or self.views == "one":
            return self.network(seen)
        if self.views == "scales":
            return (self.network(seen) + self.network(self.normalise(resize(pictures, self.backbone.size)))) / 2
        if self.views == "mirror":
            return self._both_ways(seen)
        padded = F.pad(seen, (1, 1, 1, 1), mode="reflect")
        moved = self._both_ways(padded[:, :, :-2, :-2]) + self._both_ways(padded[:, :, 2:, 2:])
        return self._both_ways(seen) / 2 + moved / 4

    def _both_ways(self, seen: Tensor) -> Tensor:
        features: Tensor = (self.network(seen) + self.network(seen.flip(3))) / 2
        return features

    def normalise(self, pictures: Tensor) -> Tensor:
        """(rows, size, size, 3) in 0..255 -> (rows, channels, size, size), channels last in memory."""
        if self.backbone.grey:
            pictures = pictures.float().mean(3, keepdim=True)
        return ((pictures - self.mean) / self.std).permute(0, 3, 1, 2)


def centre(pictures: Tensor, backbone: Backbone) -> Tensor:
    """The middle `crop` of each side, resized to the backbone's size: float, (rows, size, size, 3) in 0..255."""
    side = pictures.shape[1]
    kept = max(round(side * backbone.crop), 1)
    first = (side - kept) // 2
    return resize(pictures[:, first : first + kept, first : first + kept], backbone.size)


def resize(pictures: Tensor, size: int) -> Tensor:
    """uint8, (rows, side, side, 3) -> float, (rows, size, size, 3) in 0..255; bicubic as PIL's. A processor resizes bytes 8 to 28
    times as fast as floats (docs/experiments/vision.md)."""
    if pictures.shape[1] == size:
        return pictures.float()
    planes = pictures.permute(0, 3, 1, 2)
    if planes.device.type != "cpu":  # torch resizes bytes on processors alone
        planes = planes.float()
    resized = F.interpolate(planes, (size, size), mode="bicubic", antialias=True)
    return resized.permute(0, 2, 3, 1).float().clamp(0, 255)


class VisionNetwork(BodyHead):
    """body and head, the seam where the core caches features."""

    body: Body
    head: LinearHead

    def __init__(self, body: Body, classes: int) -> None:
        super().__init__(body, LinearHead(backbones.width(body.network), classes))


def whiten(network: VisionNetwork, pictures: Tensor) -> None:
    """Fits the first layer of the small network to training pictures, uint8 of shape (rows, side, side, 3)."""
    small = network.body.network
    assert isinstance(small, scratch.SmallNetwork)
    small.set_whitening(network.body.normalise(centre(pictures, network.body.backbone)))


def layer_groups(network: nn.Module, layer_decay: float) -> list[Group]:
    """One group a layer, each slower than the next (Clark et al. 2020, arXiv:2003.10555); biases and
    normalisations do not decay."""
    from timm.optim import param_groups_layer_decay

    layers = param_groups_layer_decay(network, weight_decay=1.0, layer_decay=layer_decay)
    return [Group(layer["params"], layer["lr_scale"], layer["weight_decay"]) for layer in layers]


def plain_groups(network: nn.Module) -> list[Group]:
    """All at one rate; biases and normalisations do not decay."""
    learnt = [p for p in network.parameters() if p.requires_grad]
    return [Group([p for p in learnt if p.ndim > 1]), Group([p for p in learnt if p.ndim <= 1], decay=0.0)]
