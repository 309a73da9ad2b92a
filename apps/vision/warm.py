"""Warm start: what an earlier model of pictures knows, taken over by name of weight and class."""

from __future__ import annotations

from dataclasses import replace

from apps.vision.backbones import Backbone
from apps.vision.model import VisionNetwork
from apps.vision.preprocessor import VisionPreprocessor
from shared.artifact import Artifact
from shared.classes import take_over


def adopt(network: VisionNetwork, preprocessor: VisionPreprocessor, earlier: Artifact) -> str:
    """Takes over every weight of the same name and shape, and the head's of the classes that both know."""
    own = {name: weight for name, weight in network.state_dict().items() if not name.startswith("head.linear.")}
    theirs = earlier.network
    same = [name for name in own if name in theirs and theirs[name].shape == own[name].shape]
    for name in same:
        own[name].copy_(theirs[name])
    classes = take_over(network.head, preprocessor.labels, earlier)
    if len(same) == len(own):  # all of them fit the pixels as the earlier model saw them
        seen = Backbone.from_state(earlier.preprocessor["backbone"])
        preprocessor.backbone = replace(preprocessor.backbone, mean=seen.mean, std=seen.std)
        network.body.see_as(preprocessor.backbone)
    return f"{len(same)} of {len(own)} weights of the network and {classes} classes"
