"""The stages of a run, in order: what the app prepares, the head on the frozen body, the whole network, what is settled last."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from shared.checkpoint import Checkpoint
from shared.head import BodyHead, LinearHead
from shared.loaders import Tensors, chosen, some
from shared.metrics import share_error
from shared.predict import Given
from shared.progress import Progress, Setup, Steps
from shared.protocol import App, Data, Group, Prepares, Preprocessor, Settles, Trains
from shared.soup import fit_members

FROZEN = "frozen body"
TRAIN, TRIAL = "train", "trial"
TRIED_ROWS, TRIED_EPOCHS = 2500, 4
"""Training rows on which fine-tuning is tried where there are none for validation, and passes over them at the least where these
are a part of all: what pays on some pays on more."""


def run_stages(
    app: App, setup: Setup, preprocessor: Preprocessor, progress: Progress, checkpoint: Checkpoint | None
) -> None:
    """From the network as it was built to the weights in `progress`, which has none where no stage ran."""
    if isinstance(app, Trains):
        app.train(setup, progress, checkpoint)
        return
    if isinstance(app, Prepares):
        setup = app.prepare(setup, preprocessor, progress)
    stages = setup.recipe.stages()
    reached, rows = float("-inf"), 0
    if hasattr(setup.network, "body") and stages.frozen_epochs != 0:
        reached, rows = train_head(setup, progress)
    undecided = rows and not len(setup.valid) and stages.enough < math.inf
    if is_enough(reached, rows, stages.enough):
        progress.display.say(f"the {FROZEN} is enough: no fine-tuning")
    elif setup.recipe.epochs and (not undecided or fine_tuning_pays(setup, progress)):
        few = some(setup.train, stages.tune_rows, setup.recipe.seed)
        fit_members(replace(setup, train=few), progress, checkpoint, TRAIN, stages.seeds)


def is_enough(reached: float, rows: int, enough: float) -> bool:
    """Whether a score is within one standard error of `enough`: closer than that few rows cannot judge what is better."""
    return reached > 0 and reached + share_error(reached, rows) >= enough


def fine_tuning_pays(setup: Setup, progress: Progress) -> bool:
    """Without validation rows: whether the whole network, once it is trained, beats the head alone on training rows that are held
    out of both. The network is left as `progress` keeps it, with the head alone trained."""
    from shared.train import fit

    part, epochs = some(setup.train, TRIED_ROWS, setup.recipe.seed), setup.recipe.epochs
    if len(part) < len(setup.train):
        epochs = max(epochs, TRIED_EPOCHS)
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(setup.recipe.seed))
    held, kept = order[: len(part) // 5], order[len(part) // 5 :]
    trial = replace(setup, train=chosen(part, kept), valid=chosen(part, held))
    progress.display.say(
        f"no validation rows: fine-tuning is tried on {len(kept):,} training rows, judged by {len(held):,} others"
    )
    inner = Progress(progress.display)
    alone, _ = train_head(trial, inner)
    fit(trial, epochs, inner, stage=TRIAL)
    whole = setup.objective.score(trial.judged())
    progress.give(setup.network)
    pays = whole > alone
    progress.display.say(
        f"fine-tuning {'pays: now on all training rows' if pays else 'does not pay: the head alone is kept'}"
    )
    return pays


def head_is_fitted(setup: Setup) -> bool:
    """Whether the head is fitted to convergence, so that it does not matter where it began."""
    network, stages = setup.network, setup.recipe.stages()
    return hasattr(network, "body") and stages.frozen_epochs is None and isinstance(network.head, LinearHead)


def train_head(setup: Setup, progress: Progress) -> tuple[float, int]:
    """The body is frozen, so its outputs are constant: computed once, the head is trained on them.

    Returns its score on rows that it had not seen, and how many these are: validation's, or where there are none and it is
    fitted to convergence the training rows, by cross-validation.
    """
    head, stages, chosen_by = setup.network.head, setup.recipe.stages(), setup.chosen_by
    assert isinstance(head, nn.Module)
    few = some(setup.train, stages.head_rows, setup.recipe.seed)
    train, valid = _features(setup, few), _features(setup, setup.valid)
    entry: dict[str, Any] = {"stage": FROZEN}
    unseen: tuple[torch.Tensor, torch.Tensor] | None = None
    if head_is_fitted(setup):
        assert isinstance(head, LinearHead)
        entry["l2"], unseen = head.cpu().fit(_whole(train), _whole(valid), setup.objective.loss, setup.recipe.seed)
        head.to(setup.recipe.device)
    else:
        _train_by_epochs(head, setup, train, valid, progress)
    reached, rows = -1e30, len(valid)
    if rows:
        whole = (
            (setup.predictor(head), valid) if isinstance(setup.network, BodyHead) else (setup.predictor(), setup.valid)
        )
        metrics = setup.objective.measure(*whole)
        reached, entry[chosen_by] = setup.objective.score(metrics), metrics[chosen_by]
    progress.offer(reached, setup.network, FROZEN)
    if not rows and unseen is not None:
        outputs, targets = unseen
        metrics = setup.objective.measure(Given(outputs), Data(Tensors(outputs), targets))
        reached, rows = setup.objective.score(metrics), len(targets)
        entry[f"cross-validated {chosen_by}"] = metrics[chosen_by]
    progress.log(entry)
    return reached, rows


def _train_by_epochs(head: nn.Module, setup: Setup, train: Data, valid: Data, progress: Progress) -> None:
    from shared.train import fit

    on_features = replace(
        setup,
        network=head,
        train=train,
        valid=valid,
        groups=[Group(list(head.parameters()))],
        callbacks=list,
        steps=Steps(),
    )
    inner = replace(progress, score=float("-inf"), weights=None)
    fit(on_features, setup.recipe.stages().frozen_epochs or setup.recipe.epochs, inner, stage=FROZEN)
    head.load_state_dict(inner.weights or head.state_dict())


def _features(setup: Setup, part: Data) -> Data:
    if not len(part):
        return part
    body = setup.network.body
    assert isinstance(body, nn.Module)
    return Data(Tensors(setup.predictor(body).outputs(part.inputs)), part.targets)


def _whole(part: Data) -> tuple[torch.Tensor, torch.Tensor]:
    everything = torch.arange(len(part))
    return (part.inputs.batch(everything)[0], part.targets) if len(part) else (torch.empty(0), part.targets)


def settle(app: App, setup: Setup, preprocessor: Preprocessor, progress: Progress) -> str:
    """What the app still learns once the weights are chosen; a sentence about it, or none."""
    if not isinstance(app, Settles):
        return ""
    said = app.settle(setup.network, preprocessor, setup.train, setup.valid, setup.recipe)
    if said:
        progress.display.say(said)
    return said
