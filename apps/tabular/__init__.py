"""Tabular: rows of a table in, a class or a number out. `train`, `load` and `learner` are its face.

`TabularClassifier` and `TabularRegressor` are the same for scikit-learn, `explain` and `contributions` say why a model
answers as it does; these four are loaded when they are asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from shared.face import Face

_FACE = Face("tabular")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


_LAZY = {
    "TabularClassifier": "apps.tabular.estimators",
    "TabularRegressor": "apps.tabular.estimators",
    "explain": "apps.tabular.reasons",
    "contributions": "apps.tabular.reasons",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
