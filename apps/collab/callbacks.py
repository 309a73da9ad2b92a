"""What the train loop does beside its steps for the ranker that is learnt."""

from __future__ import annotations

from fastai.callback.core import Callback


class Divergence(Callback):
    """Adds to the loss what the autoencoder's middle costs."""

    def after_loss(self) -> None:
        if self.training:
            self.learn.loss_grad = self.loss_grad + self.model.divergence
            self.learn.loss = self.loss_grad.clone()
