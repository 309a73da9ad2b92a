"""Four applications on one learner. Importing this costs nothing; each app loads when it is used."""

import importlib
from types import ModuleType

NAMES = ("vision", "text", "tabular", "collab")


def load(name: str) -> ModuleType:
    """The app's module by name. Raises ValueError at a name that is none of NAMES."""
    if name not in NAMES:
        raise ValueError(f"no app {name!r}: choose one of {', '.join(NAMES)}")
    return importlib.import_module(f"apps.{name}")
