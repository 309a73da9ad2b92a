"""Tabular: rows of a table in, a class or a number out. `train`, `load` and `learner` are its face."""

from shared.face import Face

_FACE = Face("tabular")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner
