"""Text: texts in, classes out. `train`, `load` and `learner` are its face."""

from shared.face import Face

_FACE = Face("text")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner
