"""What the train loop does beside its steps."""

from __future__ import annotations

from fastai.callback.core import Callback, CancelValidException


class Divergence(Callback):
    """Adds to the loss what the autoencoder's middle costs."""

    def after_loss(self) -> None:
        if self.training:
            self.learn.loss_grad = self.loss_grad + self.model.divergence
            self.learn.loss = self.loss_grad.clone()


class OnlyKnownUsers(Callback):
    """New users are answered by what they show, which is no batch of fastai's: the loop validates on none of them."""

    order = 61  # after `Watch`, which measures them in a run of `train`

    def before_validate(self) -> None:
        raise CancelValidException
