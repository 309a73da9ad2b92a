"""Backbones by name: timm's, with weights found on this machine or at the hub, or our own small one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from apps.vision import scratch
from shared import weights as outside
from shared.errors import UserError
from shared.weights import Weights

CANDIDATES = ("vit_tiny_patch16_224", "mobilenetv2_100_timm", "mobilenetv2_100", "resnet18", "resnet50")
"""What `--weights auto` looks for, in this order; the first is the one fetched from the hub."""

LARGE_FROM_SCRATCH = "resnet18d"


@dataclass(frozen=True)
class Backbone:
    """A network by name and how it wants its pictures: `size` is the side in pixels, `crop` the share of
    the stored side that it sees, `mean` and `std` are of pixels in 0..1, `grey` means one channel."""

    name: str
    size: int
    crop: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    grey: bool = False

    def state(self) -> dict[str, Any]:
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Backbone:
        mean, std = tuple(map(float, state["mean"])), tuple(map(float, state["std"]))
        return cls(str(state["name"]), int(state["size"]), float(state["crop"]), mean, std, bool(state["grey"]))


def find_weights(asked: str) -> tuple[Weights | None, str]:
    """(weights or None, a sentence). Raises UserError when a named one is nowhere, or is of no known network."""
    weights, sentence = outside.find(asked, CANDIDATES, lambda name: None, _repository)
    if weights is not None:
        architecture(weights.name)
    return weights, sentence


def architecture(name: str) -> str:
    """timm's name of the network that weights of this file name belong to. Raises UserError when there is none."""
    import timm

    stem = name.split("/")[-1].split(".")[0]
    for candidate in (stem, stem.removesuffix("_timm"), stem.removesuffix("-timm")):
        if timm.is_model(candidate):
            return candidate
    close = timm.list_models(f"*{stem.split('_')[0]}*")[:3]
    hint = f" ({', '.join(close)}, ...)" if close else ""
    raise UserError(f"weights {name!r}: timm has no network of that name{hint}; name the file after the network")


def _repository(name: str) -> str | None:
    """The hub's repository of a name of timm's, with or without its tag: timm/NAME.TAG."""
    import timm

    if "/" in name:
        return name
    config = timm.get_pretrained_cfg(name, allow_unregistered=True) if timm.is_model(name.split(".")[0]) else None
    found: str | None = getattr(config, "hf_hub_id", None)
    return found


def pretrained_backbone(weights: Weights, size: int | None) -> Backbone:
    """How timm says that these weights want their pictures; `size` overrides the side."""
    import timm

    name = architecture(weights.name)
    config = timm.get_pretrained_cfg(name)
    return Backbone(
        name, size or int(config.input_size[-1]), float(config.crop_pct), tuple(config.mean), tuple(config.std)
    )


def takes_any_size(name: str) -> bool:
    """Whether the network sees pictures of other sizes than it was built for, as convolutions do."""
    import timm

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return config is not None and not config.fixed_input_size


def from_scratch(size: int, units: str) -> str:
    """The network for pictures of `size` pixels without weights, by what computes (`shared.precision.units`)."""
    if size > scratch.LARGEST:
        return LARGE_FROM_SCRATCH
    return scratch.WIDE if units in ("gpu", "tiles") else scratch.NARROW


def build(backbone: Backbone) -> nn.Module:
    """The network without weights: pictures, shape (rows, channels, size, size), to features, (rows, width)."""
    channels = 1 if backbone.grey else 3
    if widths := scratch.WIDTHS.get(backbone.name):
        return scratch.SmallNetwork(backbone.size, channels, widths)
    return _create(backbone, {})


def build_pretrained(backbone: Backbone, weights: Weights) -> nn.Module:
    """The network with its weights. Raises UserError where they do not fit."""
    overlay = {"file": str(weights.file), "custom_load": False, "hf_hub_id": None, "url": ""}
    try:
        return _create(backbone, {"pretrained": True, "pretrained_cfg_overlay": overlay})
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise UserError(f"{weights.file}: these are not the weights of {backbone.name} ({reason.strip()})") from None


def _create(backbone: Backbone, more: Mapping[str, Any]) -> nn.Module:
    import timm

    options: dict[str, Any] = {"num_classes": 0, "in_chans": 1 if backbone.grey else 3, **more}
    config = timm.get_pretrained_cfg(backbone.name, allow_unregistered=True)
    if config is not None and config.fixed_input_size and config.input_size[-1] != backbone.size:
        options["img_size"] = backbone.size
    network: nn.Module = timm.create_model(backbone.name, **options)
    return network


def width(network: nn.Module) -> int:
    """Length of the feature vector: some of timm's heads widen the last block's."""
    return int(getattr(network, "head_hidden_size", None) or getattr(network, "num_features", 0) or 0)
