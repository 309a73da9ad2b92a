"""What is known of a finished run: its weights are measured on validation, and once on the test rows."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from shared.metrics import finite
from shared.progress import Progress, Setup
from shared.protocol import App, Completes, Data
from shared.recipe import Recipe

UNMEASURED = "stopped by Ctrl-C before it was measured"


@dataclass
class Facts:
    """What is known of a trained model: goes into artifact.json and the closing table. JSON values only."""

    rows: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)
    valid: dict[str, float] = field(default_factory=dict)
    measured_on: str = "test"
    headline: str = ""
    chosen: str = ""
    interrupted: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def measured(app: App, setup: Setup, test: Data, notes: Sequence[str], progress: Progress, interrupted: bool) -> Facts:
    """Facts of the weights that the network has. Ctrl-C leaves out what is not measured yet, and never the facts."""
    facts = Facts(
        headline=setup.objective.headline, chosen=progress.chosen, notes=list(notes), journal=progress.journal
    )
    facts.rows = {"train": len(setup.train), "valid": len(setup.valid), "test": len(test)}
    facts.environment = _environment(setup.recipe)
    facts.interrupted = interrupted
    facts.measured_on, part = next(
        (named for named in (("test", test), ("valid", setup.valid)) if len(named[1])), ("train", setup.train)
    )
    try:
        _measure(app, setup, part, facts)
    except KeyboardInterrupt:
        facts.interrupted = True
        facts.notes += [] if facts.metrics else [UNMEASURED]
    return facts


def _measure(app: App, setup: Setup, part: Data, facts: Facts) -> None:
    objective, predictor = setup.objective, setup.predictor()
    if len(setup.valid):
        facts.valid = finite(objective.measure(predictor, setup.valid))
    facts.notes += [] if facts.interrupted else _complete(app, setup)
    again = facts.measured_on == "valid"  # measured a moment ago
    facts.metrics = dict(facts.valid) if again else finite(objective.measure(predictor, part))
    facts.baseline = finite(objective.baseline(part))


def _complete(app: App, setup: Setup) -> list[str]:
    """What the app fits once more when validation has been measured; a sentence about it, or none. Ctrl-C leaves the
    network as it was."""
    if not isinstance(app, Completes):
        return []
    before = {name: tensor.clone() for name, tensor in setup.network.state_dict().items()}
    try:
        said = app.complete(setup.network, setup)
    except KeyboardInterrupt:
        setup.network.load_state_dict(before)
        raise
    return [said] if said else []


def _environment(recipe: Recipe) -> dict[str, str]:
    """What a number depends on besides data and dials."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": str(torch.get_num_threads()),
        "device": recipe.device,
        "precision": recipe.precision,
    }
