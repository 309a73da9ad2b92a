"""The dials of the vision app. Importing this file loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.recipe import Recipe, Stages, dial, settled

AUTO = "by the number and size of the pictures"


@dataclass(frozen=True)
class VisionRecipe(Recipe):
    """Dials that stay None are settled when the pictures have been seen: `apps/vision/plan.py`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fast": {},
        "default": {},
        "best": {},
    }

    epochs: int = dial(None, f"passes of fine-tuning, or from scratch; none: {AUTO}", least=0)
    batch_size: int = dial(None, f"pictures in a step; none: {AUTO}", least=1)
    accumulate: int = dial(None, f"steps whose gradients are added up before the weights move; none: {AUTO}", least=1)
    lr: float = dial(None, "highest learning rate; none: one for fine-tuning, one from scratch", least=0)
    weight_decay: float = dial(0.05, "decoupled weight decay (AdamW)", least=0)
    patience: int = dial(0, "epochs without a better validation score before training stops; 0: never", least=0)
    ema: float = dial(
        None,
        "decay per step of the averaged weights that are kept; 0: the plain ones; none: 0.99 with weights, else 0",
        least=0,
        below=1,
    )
    frozen_epochs: int | None = dial(None, "epochs of the head alone; none: to convergence; 0: left out", least=0)
    tune_rows: int = dial(
        None,
        "training pictures, drawn at random, that fine-tuning passes over; none: by preset, all with --epochs",
        least=1,
    )
    enough: float = dial(0.97, "validation accuracy of the frozen body from which fine-tuning is left out", least=0)
    image_size: int | None = dial(None, "side of what the network sees, in pixels; none: by the pictures", least=4)
    first_size: int | None = dial(
        None, "side at which training begins, growing to image_size; none: by preset and network", least=4
    )
    stored_size: int | None = dial(None, "side at which pictures are kept, in pixels; none: by image_size", least=4)
    layer_decay: float = dial(0.75, "learning rate of a layer over that of the next, when fine-tuning", least=0)
    smoothing: float = dial(
        None, "share of the answer spread over all classes; none: 0 with weights, else 0.1", least=0, below=1
    )
    augment: str = dial(
        "auto", "random views in training; auto: by size and colour", ("auto", "none", "shift", "photo")
    )
    mirror: str = dial(
        "auto", "mirror half of them in training; auto: photos yes, small grey pictures no", ("auto", "yes", "no")
    )
    cutmix: float = dial(
        0.0, "how strongly training pictures are mixed (alpha of CutMix; 1 for long runs); 0: not", least=0
    )
    views: str = dial(
        "auto",
        "what is answered from: one view; it and its mirror image; these also moved by a pixel; or its middle and the "
        "whole; auto: by cost",
        ("auto", "one", "mirror", "moved", "scales"),
    )
    class_weights: str = dial("none", "weigh rows so that classes count alike in the loss", ("none", "auto"))
    separator: str = dial("auto", "what stands between the labels of a csv's cell; none: one label; auto: ; | or ,")
    white: float | None = settled()  # value that is white where pictures have more than 8 bits; None: by each picture

    def stages(self) -> Stages:
        return Stages(self.frozen_epochs, enough=self.enough, tune_rows=self.tune_rows)
