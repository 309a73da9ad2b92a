"""Rows of one part that stand in another too: what is measured on them flatters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

ODD = np.uint64(0x9E3779B97F4A7C15)


def copied(columns: Sequence[Any], known: Sequence[Any]) -> int:
    """How many rows have the same cells as a row of `known`. Both are the same columns, as arrays."""
    return alike(marks(columns), marks(known))


def recalled(found: np.ndarray, seen: np.ndarray, what: str, of: str = "") -> list[str]:
    """What to say of rows to measure a model on whose marks are among those `seen` in its training; `of` names it."""
    number = alike(found, seen)
    said = f"{number:,} of {len(found):,} measured {what} also stand in the training {what}{f' of {of}' if of else ''}"
    return [f"{said}: results look better than they are"] if number else []


def marks(columns: Sequence[Any]) -> np.ndarray:
    """A number for each row, int64, the same in every process for the same cells: words and None, or numbers."""
    import pandas as pd

    marks = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        if column.dtype == object:
            codes, words = pd.factorize(column)
            hashed = np.append(word_marks(words), 0)[codes].view(np.uint64)  # None has the code -1
        else:
            hashed = pd.util.hash_array(column)
        marks = marks * ODD + hashed
    return marks.view(np.int64)


def word_marks(words: Iterable[str]) -> np.ndarray:
    """A number for each word or text, int64, the same in every process."""
    return byte_marks(word.encode("utf-8", "surrogatepass") for word in words)


def byte_marks(blocks: Iterable[bytes]) -> np.ndarray:
    """A number for each block of bytes, int64, the same in every process."""
    return np.frombuffer(b"".join(blake2b(block, digest_size=8).digest() for block in blocks), np.int64)


def alike(found: np.ndarray, known: np.ndarray) -> int:
    """How many of the marks found are among those known."""
    import pandas as pd

    return int(pd.Index(found).isin(known).sum())  # a hash table of rows: NumPy's isin takes longer
