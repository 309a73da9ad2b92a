"""What is known of a finished run: its weights are measured on validation, and once on the test rows."""

from __future__ import annotations

from collections.abc import Sequence

from shared.environment import environment
from shared.metrics import finite
from shared.progress import Progress, Setup
from shared.protocol import App, Data, Facts
from shared.settling import complete

UNMEASURED = "stopped by Ctrl-C before it was measured"


def measured(app: App, setup: Setup, test: Data, notes: Sequence[str], progress: Progress, interrupted: bool) -> Facts:
    """Facts of the weights that the network has. Ctrl-C leaves out what is not measured yet, and never the facts."""
    facts = Facts(
        headline=setup.objective.headline, chosen=progress.chosen, notes=list(notes), journal=progress.journal
    )
    facts.rows = {"train": len(setup.train), "valid": len(setup.valid), "test": len(test)}
    facts.environment = environment(setup.recipe)
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
    facts.notes += [] if facts.interrupted else complete(app, setup)
    again = facts.measured_on == "valid"  # measured a moment ago
    facts.metrics = dict(facts.valid) if again else finite(objective.measure(predictor, part))
    facts.baseline = finite(objective.baseline(part))
