"""Pictures that stand more than once: near-duplicates across the splits, as what was trained on must not be what is measured,
and copies with different labels, of which one at least is wrong."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from apps.vision.pictures import Pictures
from shared.copies import byte_marks
from shared.errors import some
from shared.several import split

ALIKE = 0.995
"""Correlation of two thumbnails from which their pictures are called near-duplicates."""

LEAST_SIDE = 24
"""Pictures kept smaller than this (digits, icons) are alike without being copies: of them the same pixels alone tell."""

PLAIN = 4.0
"""Standard deviation of a thumbnail's pixels, less what all have, below which it shows too little to be compared."""

BLOCK = 1024


def near_duplicates(train: Pictures, other: Pictures) -> list[tuple[str, str]]:
    """(name in `other`, name in `train`) of each picture of `other` that is nearly one of `train`."""
    if not len(train) or not len(other):
        return []
    if train.store.shape[1] < LEAST_SIDE:
        same = {_key(train, row): str(train.names[row]) for row in range(len(train))}
        keys = [_key(other, row) for row in range(len(other))]
        return [(str(name), same[key]) for name, key in zip(other.names, keys, strict=True) if key in same]
    learnt = _thumbnails(train)
    shared = learnt.mean(0)
    known, asked = _standardised(learnt - shared), _standardised(_thumbnails(other) - shared)
    found = []
    for start in range(0, len(asked), BLOCK):
        alike = asked[start : start + BLOCK] @ known.T
        nearest = alike.argmax(1)
        for i in np.flatnonzero(alike[np.arange(len(nearest)), nearest] >= ALIKE):
            found.append((str(other.names[start + i]), str(train.names[nearest[i]])))
    return found


def contradictions(pictures: Pictures, labels: np.ndarray, separator: str = "none") -> list[str]:
    """What to say of pictures of the same pixels with different `labels`, one or, with a mark between them, several."""
    meant = [set(split(cell, separator)) for cell in labels]
    keys = np.array([hash(pictures.thumbnails[slot].tobytes()) for slot in pictures.slots], np.int64)
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    alike = defaultdict(list)
    for row in np.flatnonzero(counts[place] > 1).tolist():
        alike[_key(pictures, row)].append(row)
    told = []
    for first, *others in alike.values():
        other = next((row for row in others if meant[row] != meant[first]), None)
        if other is not None:
            told.append(" and ".join(f"{pictures.names[i]} ({labels[i] or 'no label'})" for i in (first, other)))
    several = f"{len(told)} pictures stand more than once with different labels: {some(told, 3)}"
    return [f'{several}; where a picture has several labels, write them in one cell of a csv, as "a;b"'] if told else []


def marks(pictures: Pictures) -> np.ndarray:
    """A number for each picture, int64, the same in every process for the same thumbnail."""
    return byte_marks(pictures.thumbnails[slot].tobytes() for slot in pictures.slots)


def learnt_marks(pictures: Pictures) -> np.ndarray:
    """The marks of those that are not plain: others may look like these without being copies."""
    return marks(pictures)[_thumbnails(pictures).std(1, dtype=np.float64) >= PLAIN]


def _key(pictures: Pictures, row: int) -> int:
    """One number for the same pixels."""
    return hash(pictures.pixels(np.array([row])).tobytes())


def _thumbnails(pictures: Pictures) -> np.ndarray:
    return pictures.thumbnails[pictures.slots].reshape(len(pictures), -1).astype(np.float32)


def _standardised(own: np.ndarray) -> np.ndarray:
    """Thumbnails, shape (rows, pixels), of mean 0 and length 1. They come without what all have, as photographs of one
    product from one place do: only what is left can tell a copy. Plain ones are zeros, like no other."""
    own -= own.mean(1, keepdims=True)
    lengths = np.sqrt(np.square(own).sum(1, keepdims=True))
    return np.where(lengths < PLAIN * np.sqrt(own.shape[1]), 0, own / np.maximum(lengths, 1e-6))
