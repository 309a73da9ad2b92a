"""Vision: pictures in, classes out. `train`, `load` and `learner` are its face.

`write_page`, loaded when it is asked for, writes a page of what a model gets wrong.
"""

from __future__ import annotations

from typing import Any

from shared.face import Face

_FACE = Face("vision")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


def __getattr__(name: str) -> Any:
    if name == "write_page":
        from apps.vision.page import write_page

        return write_page
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
