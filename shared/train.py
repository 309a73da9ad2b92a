"""The train loop: fastai's Learner around our batches, and the few callbacks that we add to it.

The only file of `shared` besides loaders.py that knows fastai.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException, CancelValidException
from fastai.callback.schedule import ParamScheduler, SchedLin, SchedNo  # the import gives Learner fit_one_cycle
from fastai.callback.training import GradientAccumulation
from fastai.learner import Learner
from fastai.metrics import AccumMetric
from fastai.optimizer import OptimWrapper
from torch import Tensor

from shared.allocation import give_freed_blocks_back, keep_freed_blocks
from shared.checkpoint import Checkpoint
from shared.display import Forecast
from shared.errors import UserError
from shared.loaders import Tensors, data_loaders
from shared.precision import autocast
from shared.predict import Given
from shared.progress import Progress, Setup
from shared.protocol import Data, Objective


def make_learner(setup: Setup) -> Learner:
    """fastai's Learner over our batches, ready for lr_find, fit_one_cycle, freeze and callbacks."""
    recipe = setup.recipe
    loaders = data_loaders(setup.train, setup.valid, recipe.batch_size, recipe.seed, recipe.device)
    learner = Learner(
        loaders,
        setup.network.to(recipe.device),
        loss_func=setup.objective.loss,
        opt_func=partial(OptimWrapper, opt=setup.steps.optimiser),
        lr=recipe.lr,
        moms=setup.steps.momentum,
        wd=[recipe.weight_decay * group.decay for group in setup.groups],
        splitter=lambda _: [list(group.parameters) for group in setup.groups],
        metrics=AccumMetric(_headline(setup.objective), flatten=False),
        cbs=[Autocast(recipe.precision), FreedBlocks(), *setup.callbacks()],
    )
    if recipe.accumulate > 1:
        learner.add_cb(GradientAccumulation(recipe.batch_size * recipe.accumulate))
    return learner


def _headline(objective: Objective) -> Callable[[Tensor, Tensor], float]:
    """The headline metric in the form of a fastai metric: a function of all outputs and targets."""

    def headline(outputs: Tensor, targets: Tensor) -> float:
        return objective.measure(Given(outputs.cpu()), Data(Tensors(targets), targets.cpu()))[objective.headline]

    headline.__name__ = objective.headline
    return headline


def fit(
    setup: Setup, epochs: int, progress: Progress, checkpoint: Checkpoint | None = None, stage: str = "train"
) -> None:
    """One schedule over the groups' own rates; the best weights by validation are kept in `progress`.

    Continues from `checkpoint` where that holds the same stage. Cycle: Smith & Topin 2018, arXiv:1708.07120; without a
    warm-up the rates fall in a straight line.
    """
    learner, recipe = make_learner(setup), setup.recipe
    average = Average(recipe.ema) if recipe.ema else None
    watch = Watch(setup, progress, checkpoint, stage, average)
    start = 0
    if checkpoint is not None and (saved := checkpoint.load(stage)):
        start = _restore(learner, saved, progress, average)
        watch.since_best = saved["since_best"]
        epochs = start if watch.is_over else epochs
        progress.display.say(f"resuming {stage} after epoch {start} of {epochs}")
    rates = [recipe.lr * group.rate for group in setup.groups]
    callbacks = [callback for callback in (average, watch) if callback is not None]
    with learner.no_bar(), learner.no_logging(), closing(learner.autocast):
        if setup.steps.warm_up:
            learner.fit_one_cycle(epochs, rates, pct_start=setup.steps.warm_up, cbs=callbacks, start_epoch=start)
        else:
            learner.fit(epochs, cbs=[_falling(rates, setup.steps.momentum[1]), *callbacks], start_epoch=start)
    if watch.failure is not None:
        raise watch.failure
    if average is not None:
        average.put(setup.network)


def _falling(rates: list[float], momentum: float) -> ParamScheduler:
    """Each group's rate in a straight line from its height to nothing."""
    return ParamScheduler({"lr": SchedLin(np.array(rates), np.zeros(len(rates))), "mom": SchedNo(momentum, momentum)})


def _restore(learner: Learner, saved: dict[str, Any], progress: Progress, average: Average | None) -> int:
    """Puts a checkpoint's weights, optimizer, averages, journal and random state back; returns the epoch."""
    learner.model.load_state_dict(saved["network"])
    learner.create_opt()
    learner.opt.opt.load_state_dict(saved["optimizer"])
    learner.dls.train.passes = saved["epoch"]
    progress.journal[:] = saved["journal"]
    progress.score, progress.weights, progress.chosen = saved["best"]
    progress.members[:] = saved["members"]
    if average is not None:
        shadow, average.steps = saved["average"]
        average.shadow = [weight.to(learner.dls.device) for weight in shadow]
    for generator, state in zip(_generators(learner), saved["random"], strict=True):
        generator.set_state(state)
    return int(saved["epoch"])


def _generators(learner: Learner) -> list[torch.Generator]:
    """What a run draws from: the processor's generator, and that of the GPU it is on."""
    device = torch.device(learner.dls.device)
    if device.type != "cuda":
        return [torch.default_generator]
    return [torch.default_generator, torch.cuda.default_generators[device.index or 0]]


class Autocast(Callback):
    """Runs the network, not the loss, in bfloat16 where that was resolved."""

    order = -8

    def __init__(self, precision: str) -> None:
        self.precision = precision
        self.context = ExitStack()

    def before_batch(self) -> None:
        self.context.enter_context(autocast(torch.device(self.dls.device), self.precision))

    def after_pred(self) -> None:
        self.close()

    def close(self) -> None:
        """Also after an interruption between the two: the rest of the program must not run in bfloat16."""
        self.context.close()


class FreedBlocks(Callback):
    """What came before leaves no free memory behind, nor does the fit; what a step frees stays for the next, and now and then
    what steps have scattered over it goes back to the system."""

    EVERY = 32

    def before_fit(self) -> None:
        give_freed_blocks_back()  # of reading and of other experts' fits
        keep_freed_blocks()

    def after_step(self) -> None:
        if self.iter % self.EVERY == 0:
            give_freed_blocks_back()

    def after_fit(self) -> None:
        give_freed_blocks_back()


class Average(Callback):
    """An exponential moving average of the weights (Polyak & Juditsky 1992), with a warm-up of its decay."""

    order = 5

    def __init__(self, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.shadow: list[Tensor] | None = None

    def before_fit(self) -> None:
        if self.shadow is None:
            self.shadow = [p.detach().clone() for p in self.model.parameters()]

    @torch.no_grad()
    def after_step(self) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        assert self.shadow is not None
        torch._foreach_lerp_(self.shadow, [p.detach() for p in self.model.parameters()], 1 - decay)

    @torch.no_grad()
    def put(self, network: torch.nn.Module) -> None:
        """Leaves the averaged weights in the network."""
        assert self.shadow is not None
        for weight, mean in zip(network.parameters(), self.shadow, strict=True):
            weight.copy_(mean)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the network's weights with the averaged ones; twice gives the first back."""
        assert self.shadow is not None
        for weight, mean in zip(self.model.parameters(), self.shadow, strict=True):
            kept = weight.detach().clone()
            weight.copy_(mean)
            mean.copy_(kept)


class Watch(Callback):
    """After each epoch: measure on validation, keep the best weights, log, checkpoint, stop early."""

    order = 60

    def __init__(
        self,
        setup: Setup,
        progress: Progress,
        checkpoint: Checkpoint | None,
        stage: str,
        average: Average | None,
    ) -> None:
        self.setup, self.progress, self.stage = setup, progress, stage
        self.checkpoint, self.average = checkpoint, average
        self.since_best, self.measured = 0, False
        self.forecast = Forecast(progress.display, stage)
        self.failure: Exception | None = None  # fastai rewrites the message of what a callback raises

    def before_epoch(self) -> None:
        self.losses: list[Tensor] = []
        self.measured = False

    def after_loss(self) -> None:
        if self.training:
            self.losses.append(self.loss.detach())

    def after_batch(self) -> None:
        if self.training:
            what = f"{self.stage} epoch {self.epoch + 1}/{self.n_epoch}"
            self.progress.display.progress(what, self.iter + 1, self.n_iter)
            self.forecast.step(self.n_iter * (self.n_epoch - self.epoch) - self.iter - 1)

    def before_validate(self) -> None:
        mean_loss = float(torch.stack(self.losses).mean()) if self.losses else float("nan")
        if not mean_loss < float("inf"):
            self.failure = UserError(f"the training loss became {mean_loss} in epoch {self.epoch + 1}: lower --lr")
            raise CancelFitException
        entry: dict[str, Any] = {"stage": self.stage, "epoch": self.epoch + 1, "loss": mean_loss}
        if self.average is not None:
            self.average.swap()
        entry |= self._measured()
        if self.average is not None:
            self.average.swap()
        self.progress.log(entry)
        self.measured = True
        raise CancelValidException  # fastai's own validation would only repeat ours, batch by batch

    def _measured(self) -> dict[str, float]:
        objective, what = self.setup.objective, f"{self.stage} epoch {self.epoch + 1}"
        if not len(self.setup.valid):
            self.progress.offer(float(self.epoch), self.model, what)  # nothing to choose by: the last weights
            return {}
        metrics = self.setup.judged()
        better = self.progress.offer(objective.score(metrics), self.model, what)
        self.since_best = 0 if better else self.since_best + 1
        return {self.setup.chosen_by: metrics[self.setup.chosen_by]}

    def after_epoch(self) -> None:
        if not self.measured:  # an epoch that a resumed run skips
            return
        if self.checkpoint is not None:
            try:
                self.checkpoint.save(self.stage, self._state)
            except UserError as error:  # it insures the run, and must not cost it
                self.progress.display.warn(f"{error}; training goes on without one")
        if self.is_over and self.epoch + 1 < self.n_epoch:
            self.progress.display.say(f"{self.stage}: no better for {self.since_best} epochs, stopping")
            raise CancelFitException

    @property
    def is_over(self) -> bool:
        """Whether patience has ended."""
        patience = self.setup.recipe.patience
        return bool(patience) and self.since_best >= patience

    def _state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch + 1,
            "since_best": self.since_best,
            "network": self.model.state_dict(),
            "optimizer": _plain(self.opt.opt.state_dict()),
            "average": (self.average.shadow, self.average.steps) if self.average else None,
            "journal": self.progress.journal,
            "members": self.progress.members,
            "best": (self.progress.score, self.progress.weights, self.progress.chosen),
            "random": [generator.get_state() for generator in _generators(self.learn)],
        }


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's state with the numpy numbers that fastai's schedule leaves there as Python's: a safe load
    refuses the others."""
    for group in state["param_groups"]:
        group |= {name: float(value) for name, value in group.items() if isinstance(value, np.floating)}
    return state
