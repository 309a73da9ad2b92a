"""The importable face that every app shows: train, load, learner. Costs nothing to import."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import as_path

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

        app, place = self.app(), as_path(source, "source")
        options = Options(
            valid=_valid(valid),
            test=_path(test, "test"),
            out=_path(out, "out"),
            start_from=_path(start_from, "start_from"),
            display=Display(quiet),
        )
        return train(app, place, app.recipe.make(recipe), options)

    def load(self, folder: PathLike) -> Model:
        """The model that training or `save` wrote. Raises UserError at anything missing, damaged, or of another app."""
        from shared.model import load

        return load(self.app(), folder)

    def learner(
        self, source: PathLike, *, valid: PathLike | None = None, test: PathLike | None = None, **recipe: Any
    ) -> Learner:
        """fastai's Learner on `source`, ready for lr_find, fit_one_cycle and callbacks.

        For trials: what it learns is `learner.model`'s, kept by `learner.save` and put back by `learner.load`. Its own
        `predict`, `show_results`, `export` and `get_preds(with_loss=True)`, and fastai's `ClassificationInterpretation`, need
        fastai's loaders; what answers and is saved for use comes from `train`. Rows to validate on are held back also where
        `train` needs none: callbacks choose by them.
        """
        from shared.recipe import Recipe
        from shared.run import Options, learner

        app, parts = self.app(), (_valid(valid), _path(test, "test"))
        held = {} if app.recipe.valid_fraction else {"valid_fraction": Recipe.valid_fraction}
        return learner(app, as_path(source, "source"), app.recipe.make(held | recipe), Options(*parts))


def _path(value: PathLike | None, what: str) -> Path | None:
    return None if value is None else as_path(value, what)


def _valid(value: PathLike | None) -> Path | str | None:
    return "none" if isinstance(value, str) and value == "none" else _path(value, "valid")
