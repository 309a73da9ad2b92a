"""The importable face that every app shows: train, load, learner. Costs nothing to import."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import path_of

if TYPE_CHECKING:
    from fastai.learner import Learner

    from shared.model import Model
    from shared.protocol import App

PathLike = str | os.PathLike[str]


class Face:
    """What `from apps import vision` offers; `name` is the app's folder in `apps`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def app(self) -> App:
        """The app itself: loads torch."""
        app: App = importlib.import_module(f"apps.{self.name}.app").APP
        return app

    def train(
        self,
        source: PathLike,
        *,
        valid: PathLike | None = None,
        test: PathLike | None = None,
        out: PathLike | None = None,
        start_from: PathLike | None = None,
        quiet: bool = True,
        **recipe: Any,
    ) -> Model:
        """Trains on `source`; `recipe` are the dials of the app's recipe. Raises UserError at a fault of the input."""
        from shared.display import Display
        from shared.run import Options, train

        app = self.app()
        options = Options(_valid(valid), _path(test), _path(out), False, _path(start_from), Display(quiet))
        return train(app, path_of(source), app.recipe.make(recipe), options)

    def load(self, folder: PathLike) -> Model:
        """The model that training or `save` wrote. Raises UserError at anything missing, damaged, or of another app."""
        from shared.model import load

        return load(self.app(), folder)

    def learner(
        self, source: PathLike, *, valid: PathLike | None = None, test: PathLike | None = None, **recipe: Any
    ) -> Learner:
        """fastai's Learner on `source`, ready for lr_find, fit_one_cycle and callbacks."""
        from shared.run import Options, learner

        app = self.app()
        return learner(app, path_of(source), app.recipe.make(recipe), Options(_valid(valid), _path(test)))


def _path(value: PathLike | None) -> Path | None:
    return None if value is None else path_of(value)


def _valid(value: PathLike | None) -> Path | str | None:
    return "none" if isinstance(value, str) and value == "none" else _path(value)
