"""What an app still learns at the end: what validation decides, and what may then be fitted to validation too."""

from __future__ import annotations

from shared.display import Display
from shared.progress import Setup
from shared.protocol import App, Completes, Preprocessor, Settles


def settle(app: App, setup: Setup, preprocessor: Preprocessor, display: Display) -> str:
    """What the app still learns once the weights are chosen; a sentence about it, or none."""
    if not isinstance(app, Settles):
        return ""
    said = app.settle(setup.network, preprocessor, setup.train, setup.valid, setup.recipe)
    if said:
        display.say(said)
    return said


def complete(app: App, setup: Setup) -> list[str]:
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
