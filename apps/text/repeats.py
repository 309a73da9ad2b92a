"""Texts that stand in several rows: in training and in what is measured, or under different labels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from shared.copies import alike, word_marks
from shared.errors import some
from shared.protocol import Examples


def marks(texts: Iterable[str]) -> np.ndarray:
    """A number for each text, int64, the same in every process and for texts that differ in blanks and capitals alone."""
    return word_marks(" ".join(text.lower().split()) for text in texts)


def repeated(known: np.ndarray, valid: Examples, test: Examples) -> list[str]:
    """Texts of other parts whose marks are `known` of train make a measure look better than it is."""
    found = {name: alike(marks(part.inputs), known) for name, part in (("validation", valid), ("test", test))}
    shared = [f"{number:,} of the {name} texts" for name, number in found.items() if number]
    return (
        [f"{' and '.join(shared)} also stand in the training texts: results look better than they are"]
        if shared
        else []
    )


def contradicted(train: Examples, known: np.ndarray) -> list[str]:
    """Texts with different labels, by their marks: no model can answer them all."""
    first: dict[int, str] = {}
    pairs = zip(train.inputs, known.tolist(), train.targets, strict=True)
    found = {key: text for text, key, label in pairs if text.strip() and first.setdefault(key, label) != label}
    if not found:
        return []
    shown = some([repr(text[:40]) for text in found.values()], 3)
    return [
        f"{len(found):,} training texts have different labels in different rows: {shown}; correct or remove those rows"
    ]
