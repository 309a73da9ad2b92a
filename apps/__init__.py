"""Four applications on one learner. Importing this costs nothing; each app loads when it is used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.protocol import App
    from shared.recipe import Recipe

NAMES = ("vision", "text", "tabular", "collab")


def load(name: str) -> ModuleType:
    """The app's face by name: train, load, learner. Raises ValueError at a name that is none of NAMES."""
    if name not in NAMES:
        raise ValueError(f"no app {name!r}: choose one of {', '.join(NAMES)}")
    return import_module(f"apps.{name}")


def load_app(name: str) -> App:
    """The app's value: loads torch."""
    app: App = import_module(f"apps.{name}.app").APP
    return app


def load_recipe(name: str) -> type[Recipe]:
    """The app's recipe: loads no torch, so that `--help` answers at once."""
    recipe: type[Recipe] = getattr(import_module(f"apps.{name}.recipe"), f"{name.title()}Recipe")
    return recipe
