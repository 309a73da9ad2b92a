"""The stages of a run, in order: what the app prepares, the head on the frozen body, the whole network, what is settled last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from shared.checkpoint import Checkpoint
from shared.head import BodyHead, LinearHead
from shared.loaders import Tensors, some
from shared.metrics import share_error
from shared.predict import Given
from shared.progress import Progress, Setup, Steps
from shared.protocol import App, Data, Group, Prepares, Preprocessor, Settles, Trains
from shared.soup import fit_members

FROZEN = "frozen body"
TRAIN = "train"


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
    if is_enough(reached, rows, stages.enough):
        progress.display.say(f"the {FROZEN} is enough: no fine-tuning")
    elif setup.recipe.epochs:
        if rows and not len(setup.valid):
            progress.display.say("no validation rows to judge fine-tuning by: it is taken as it ends")
        few = some(setup.train, stages.tune_rows, setup.recipe.seed)
        fit_members(replace(setup, train=few), progress, checkpoint, TRAIN, stages.seeds)


def is_enough(reached: float, rows: int, enough: float) -> bool:
    """Whether a score is within one standard error of `enough`: closer than that few rows cannot judge what is better."""
    return reached > 0 and reached + share_error(reached, rows) >= enough


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
    if head_is_fitted(setup) and isinstance(head, LinearHead):
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
