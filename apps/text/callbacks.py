"""What the text app adds to fastai's loop. Loaded with the Learner, never for answering."""

from __future__ import annotations

from fastai.callback.core import Callback


class Unfreezing(Callback):
    """Gradual unfreezing (ULMFiT, arXiv:1801.06146, 3.3): the layers begin to learn one after another, the last first.

    All learn from `share` of the steps on.
    """

    order = -5

    def __init__(self, share: float) -> None:
        self.share = share

    def before_batch(self) -> None:
        if self.training:
            self._learn(self.pct_train / self.share)

    def after_fit(self) -> None:
        self._learn(1.0)

    def _learn(self, passed: float) -> None:
        """`passed`: how much of the time has gone until all learn."""
        groups = self.opt.param_lists
        asleep = int(len(groups) * (1 - passed))
        for i, group in enumerate(groups):
            for parameter in group:
                parameter.requires_grad_(i >= asleep or i == len(groups) - 1)
