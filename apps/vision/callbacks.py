"""Augmentation as a callback of fastai's Learner. Imported when training only."""

from __future__ import annotations

from fastai.callback.core import Callback
from torch.nn import functional as F

from apps.vision.augment import augmented, cutmix


class Augment(Callback):
    """Before each training batch: its pictures give way to random views of them, mixed when `alpha` is not 0."""

    order = -20  # before Autocast: pixels stay in single precision

    def __init__(self, size: int, kind: str, mirrored: bool, alpha: float) -> None:
        self.size, self.kind, self.mirrored, self.alpha = size, kind, mirrored, alpha

    def before_batch(self) -> None:
        if not self.training:
            return
        views = augmented(self.xb[0], self.size, self.kind, self.mirrored)
        if self.alpha:
            targets = self.yb[0]
            if not targets.is_floating_point():
                targets = F.one_hot(targets, self.learn.model.head.linear.out_features).float()
            views, targets = cutmix(views, targets, self.alpha)
            self.learn.yb = (targets,)
        self.learn.xb = (views,)
