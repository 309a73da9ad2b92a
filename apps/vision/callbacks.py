"""Augmentation as a callback of fastai's Learner. Imported when training only."""

from __future__ import annotations

from fastai.callback.core import Callback
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from apps.vision.augment import Views, cutmix


class Augment(Callback):
    """Before each training batch: its pictures give way to random views of them, mixed when `alpha` is not 0.

    Views grow from side `first` to `size` in steps of `step` over GROWING of the training (Howard 2018, fast.ai's DAWNBench entry).
    """

    order = -20  # before Autocast: pixels stay in single precision
    GROWING = 0.55

    def __init__(self, views: Views, sides: tuple[int, int, int], alpha: float) -> None:
        self.views, self.alpha = views, alpha
        self.first, self.size, self.step = sides

    def before_batch(self) -> None:
        if not self.training:
            return
        pictures = self.views.of(self.xb[0], self.side(self.pct_train), self.epoch)
        if self.alpha:
            targets = self.yb[0]
            if not targets.is_floating_point():
                targets = F.one_hot(targets, self.learn.model.head.linear.out_features).float()
            pictures, targets = cutmix(pictures, targets, self.alpha)
            self.learn.yb = (targets,)
        self.learn.xb = (pictures,)

    def side(self, done: float) -> int:
        """Of the views when a share `done` of the training is behind."""
        stages = -(-(self.size - self.first) // self.step)
        grown = int(min(done / self.GROWING, 1) * stages) * self.step
        return min(self.first + grown, self.size)


class KeptStatistics(Callback):
    """Batch normalisation goes on by the statistics that came with pretrained weights: those of small batches of few pictures are
    noise (docs/experiments/vision.md)."""

    def before_train(self) -> None:
        for part in self.model.modules():
            if isinstance(part, _BatchNorm):
                part.eval()
