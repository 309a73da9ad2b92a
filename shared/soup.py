"""Several fine-tunings from one start, in different orders of the rows, whose weights are averaged: one network.

Wortsman et al. 2022, "Model soups", arXiv:2203.05482: nearly an ensemble's gain at one network's price in answering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from shared.checkpoint import Checkpoint
from shared.metrics import share_error
from shared.progress import Progress, Setup

State = dict[str, Tensor]


def fit_members(setup: Setup, progress: Progress, checkpoint: Checkpoint | None, stage: str, members: int) -> None:
    """Fits the network `members` times and offers the mean of the last weights; each epoch's are offered as ever."""
    from shared.train import fit

    start = _copy(setup) if members > 1 else {}
    names = [stage, *(f"{stage} {k}" for k in range(2, members + 1))]
    first = next((k for k, name in enumerate(names) if checkpoint and checkpoint.load(name)), 0)
    for k, name in enumerate(names[first:], first):
        if k:
            setup.network.load_state_dict(start)
            torch.manual_seed(setup.recipe.seed + k)
        member = replace(setup, recipe=replace(setup.recipe, seed=setup.recipe.seed + k))
        fit(member, setup.recipe.epochs, progress, checkpoint, name)
        progress.members += [_copy(setup)] if members > 1 else []
    if members == 1:
        return
    setup.network.load_state_dict(mean(progress.members))
    _offer(setup, progress, f"the mean of {members} fine-tunings")


def _offer(setup: Setup, progress: Progress, what: str) -> None:
    """The mean is kept unless it is worse by more than a standard error: the best of many epochs is so by luck too."""
    if not len(setup.valid):
        progress.offer(float(setup.recipe.epochs), setup.network, what)
        return
    metrics, chosen_by = setup.judged(), setup.chosen_by
    progress.log({"stage": what, chosen_by: metrics[chosen_by]})
    score = setup.objective.score(metrics)
    if progress.offer(score + share_error(metrics[chosen_by], len(setup.valid)), setup.network, what):
        progress.score = score


def mean(states: Sequence[State]) -> State:
    """The mean of each tensor of numbers; what is whole stays the first's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in states[0].items()
    }


def _copy(setup: Setup) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in setup.network.state_dict().items()}
