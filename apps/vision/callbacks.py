"""Augmentation as a callback of fastai's Learner. Imported when training only."""

from __future__ import annotations

from fastai.callback.core import Callback

from apps.vision.augment import augmented


class Augment(Callback):
    """Before each training batch: its pictures give way to random views of them."""

    order = -20  # before Autocast: pixels stay in single precision

    def __init__(self, size: int, kind: str, mirrored: bool) -> None:
        self.size, self.kind, self.mirrored = size, kind, mirrored

    def before_batch(self) -> None:
        if self.training:
            self.learn.xb = (augmented(self.xb[0], self.size, self.kind, self.mirrored),)
