"""Text: texts in, classes out. `train`, `load` and `learner` are its face; the others say why a model answers so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.face import Face

if TYPE_CHECKING:
    from shared.model import Model

_FACE = Face("text")
train, load, learner = _FACE.train, _FACE.load, _FACE.learner


def mark(model: Model, text: str, pieces: int = 100) -> dict[str, Any]:
    """The answer, with `marks`: [[piece, how much it speaks for the answer], ...], the pieces of the text in order."""
    from apps.text import explain

    return explain.mark(model, text, pieces)


def telling_words(model: Model, texts: Iterable[str], most: int = 20) -> dict[str, list[list[Any]]]:
    """For each class the words of `texts` that speak most for it, by the n-gram expert: [[word, how much], ...]."""
    from apps.text import explain

    return explain.telling_words(model, texts, most)


def top_losses(model: Model, source: str | Path, most: int = 20) -> list[dict[str, Any]]:
    """The labelled rows that the model gets most wrong, worst first: text, label, prediction, probabilities, loss."""
    from apps.text import explain

    return explain.top_losses(model, source, most)
