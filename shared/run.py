"""One run, top to bottom: read, fit the preprocessor, train in stages, choose by validation, measure once."""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from shared import artifact as artifacts
from shared.checkpoint import Checkpoint
from shared.display import Clock, Display
from shared.errors import UserError, told_of
from shared.fingerprint import fingerprint
from shared.garbage import uncollected
from shared.interrupts import interrupts_wait
from shared.labels import doubts
from shared.measuring import measured
from shared.model import Model
from shared.precision import resolve, resolve_device
from shared.progress import UNTRAINED, Progress, Setup, Steps
from shared.protocol import App, Data, Examples, Moves, Preprocessor, Recalls, Remembers, Spends, Splits
from shared.recipe import Recipe
from shared.stages import head_is_fitted, run_stages, settle
from shared.weights import beside_earlier

if TYPE_CHECKING:
    from fastai.learner import Learner


@dataclass
class Options:
    """What a run needs that is not a dial: it changes where and how, never what is learnt."""

    valid: Path | str | None = None  # a path, "none", or None: split off
    test: Path | None = None
    out: Path | None = None
    resume: bool = False
    start_from: Path | None = None
    display: Display = field(default_factory=lambda: Display(quiet=True))


@dataclass
class Prepared:
    """Everything before the first step."""

    setup: Setup
    preprocessor: Preprocessor
    notes: tuple[str, ...]
    test: Data
    begun: str = UNTRAINED  # what its weights are before the first stage


def train(app: App, source: Path, recipe: Recipe, options: Options | None = None) -> Model:
    """Trains on `source` and measures on the test rows (on validation where there are none).

    Ctrl-C keeps the best weights so far, measured or not; where nothing is learnt yet KeyboardInterrupt goes on up, and
    nothing is written. Raises UserError at a fault of the input.
    """
    options = options or Options()
    with nullcontext() if options.out is None else artifacts.reserved(options.out):
        return _trained(app, source, recipe, options)


def _trained(app: App, source: Path, recipe: Recipe, options: Options) -> Model:
    clock, progress = Clock(), Progress(options.display)
    with uncollected():
        prepared = prepare(app, source, recipe, options, clock)
    setup, checkpoint = prepared.setup, _checkpoint(prepared.setup, options)
    settled, interrupted = _learn(app, prepared, progress, checkpoint, clock)
    with clock.stage("measure"):
        facts = measured(app, setup, prepared.test, prepared.notes, progress, interrupted)
    facts.notes += [settled] if settled else []
    if isinstance(app, Remembers):
        app.remember(prepared.preprocessor, [setup.valid] + ([] if options.test else [prepared.test]))
    facts.seconds = clock.total()
    # as asked, not as resolved: the machine that answers may be another
    recipe = replace(setup.recipe, device=recipe.device, precision=recipe.precision)
    model = Model(app, recipe, prepared.preprocessor, setup.predictor(), facts)
    if options.out is not None:
        try:
            with interrupts_wait():
                model.save(options.out)
        except KeyboardInterrupt:  # too late: all is done, and the model is there
            facts.interrupted = True
    if checkpoint is not None and not interrupted:
        checkpoint.remove()
    return model


def learner(app: App, source: Path, recipe: Recipe, options: Options | None = None) -> Learner:
    """fastai's Learner on `source`, untrained but for what `initialise` gives, for work by hand."""
    from shared.train import make_learner

    return make_learner(prepare(app, source, recipe, options or Options(), Clock()).setup)


def prepare(app: App, source: Path, recipe: Recipe, options: Options, clock: Clock) -> Prepared:
    """Reads, splits, fits the preprocessor, encodes, and builds the network."""
    seed_all(recipe.seed)
    device = resolve_device(recipe.device)
    with clock.stage("read"):
        splits = app.read(source, recipe, options.valid, options.test)
    if options.start_from is not None:
        splits = replace(splits, notes=beside_earlier(splits.notes))
    _say_splits(splits, options.display)
    recipe = replace(splits.recipe, device=device, precision=resolve(splits.recipe.precision, device))
    with clock.stage("encode"):
        preprocessor = app.fit(splits.train, recipe)
        earlier, flattering = _earlier(app, preprocessor, splits, options)  # before encoding, which spends the columns
        places = {"test": options.test or source, "valid": options.valid or source, "train": source}
        test, valid, train = (
            _encoded(preprocessor, getattr(splits, part), f"{place}, {part} rows") for part, place in places.items()
        )
    labels = getattr(preprocessor, "labels", None)
    doubtful = flattering + ([] if labels is None else doubts(labels.names, labels.counts))
    for note in doubtful:
        options.display.say(note)
    notes = (*splits.notes, *doubtful)
    del splits  # a large one: only the encoded rows are needed from here on
    with clock.stage("build"):
        network = app.model(preprocessor, recipe, pretrained=True)
        app.initialise(network, train, recipe)
        taken = None if earlier is None else app.adopt(network, preprocessor, earlier)
    setup = Setup(
        recipe=recipe,
        network=network.to(device),
        objective=app.objective(preprocessor, recipe),
        train=train,
        valid=valid,
        groups=app.groups(network, recipe),
        callbacks=partial(app.callbacks, recipe),
        steps=app.steps(recipe) if isinstance(app, Moves) else Steps(),
    )
    if taken is not None:
        anew = (
            "; the head is fitted anew (--frozen-epochs 0 goes on from the earlier one)"
            if head_is_fitted(setup)
            else ""
        )
        options.display.say(f"start from {options.start_from}: {taken}{anew}")
    begun = UNTRAINED if options.start_from is None else f"{options.start_from}, not trained on"
    return Prepared(setup, preprocessor, notes, test, begun)


def _earlier(
    app: App, preprocessor: Preprocessor, splits: Splits, options: Options
) -> tuple[artifacts.Artifact | None, list[str]]:
    """The model to start from, if any, and what to say of rows to measure on that it learnt from, where it can tell."""
    if options.start_from is None:
        return None, []
    earlier = artifacts.read(options.start_from, app.name)
    if not isinstance(preprocessor, Recalls):
        return earlier, []
    known = app.restore(earlier.preprocessor, earlier.fitted)
    assert isinstance(known, Recalls)
    judging = splits.test if len(splits.test) else splits.valid
    return earlier, known.recalled(judging, str(options.start_from))


def _encoded(preprocessor: Preprocessor, part: Examples, place: str) -> Data:
    weights = None if part.weights is None else torch.from_numpy(part.weights).float()
    encode = preprocessor.spend if isinstance(preprocessor, Spends) else preprocessor.encode
    with told_of(place):
        return Data(encode(part.inputs), preprocessor.encode_targets(part.targets), weights)


def seed_all(seed: int) -> None:
    """Seeds every generator that a run draws from: it repeats exactly on one processor; a GPU adds up in no fixed order."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _say_splits(splits: Splits, display: Display) -> None:
    for note in splits.notes:
        display.say(note)
    sizes = ", ".join(f"{len(getattr(splits, part)):,} {part}" for part in ("train", "valid", "test"))
    display.say(f"rows: {sizes}")
    if not len(splits.train):
        raise UserError("no rows are left to train on: give more rows, or smaller valid and test parts")


def _checkpoint(setup: Setup, options: Options) -> Checkpoint | None:
    """Identified by everything that decides the run: the dials and the rows."""
    if options.out is None:
        return None
    described = [asdict(setup.recipe), [fingerprint(part) for part in (setup.train, setup.valid)]]
    identity = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    return Checkpoint(options.out, identity, options.resume)


def _learn(
    app: App, prepared: Prepared, progress: Progress, checkpoint: Checkpoint | None, clock: Clock
) -> tuple[str, bool]:
    """Leaves the chosen weights in the network. What settling said of them, and whether Ctrl-C came before its end."""
    setup, preprocessor = prepared.setup, prepared.preprocessor
    try:
        with clock.stage("train"):
            run_stages(app, setup, preprocessor, progress, checkpoint)
            if progress.weights is None:  # no epochs
                progress.keep(setup.network, prepared.begun)
        progress.give(setup.network)
        with clock.stage("settle"):
            return settle(app, setup, preprocessor, progress), False
    except KeyboardInterrupt:
        if not progress.learnt or (checkpoint is not None and checkpoint.unread):
            raise  # an untrained model, or one behind what is to be resumed, must not replace what is there
        progress.give(setup.network)  # also what is settled by half goes
        return "", True
