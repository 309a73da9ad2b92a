"""Text: texts in, classes out. `train`, `load` and `learner` are its face.

`mark`, `telling_words` and `top_losses`, loaded when they are asked for, say why a model answers so.
"""

from __future__ import annotations

from typing import Any

from shared.face import Face

_FACE = Face("text")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


def __getattr__(name: str) -> Any:
    if name in ("mark", "telling_words", "top_losses"):
        from apps.text import explain

        return getattr(explain, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
