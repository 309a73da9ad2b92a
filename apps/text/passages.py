"""Of a long text the passages that tell most: runs of tokens that are unevenly spread over the classes.

Which tokens tell is learnt from the training texts alone, one number a token: too few to know the texts by heart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from apps.text.ragged import Ragged, distinct

SPAN = 15
"""Tokens of a passage: about a clause. On held-out film reviews of 64 tokens, 15 were better than 31."""
LOOKED_AT = 10_000
"""Training texts, spread evenly, that the tokens are counted in."""
LEAST = 5
"""Texts that a token must stand in before it tells anything."""
ROWS = 8192


def fit_telling(found: Ragged, inside: Tensor, tokens: int) -> np.ndarray:
    """How much each token tells, shape (tokens,), float32: the root of chi squared beyond what chance gives.

    `found`: token ids of each text; `inside`: how much each text is of each class, shape (texts, classes).
    """
    rows = np.repeat(np.arange(len(found)), found.counts)
    keys = distinct(rows * tokens + np.minimum(found.values, tokens - 1))
    present = Ragged.of((keys % tokens).astype(np.int32), np.bincount(keys // tokens, minlength=len(found)))
    counts = np.bincount(present.values, minlength=tokens)
    known, told = np.flatnonzero(counts >= LEAST), np.zeros(tokens, np.float32)
    told[known] = np.sqrt(np.maximum(chi_squared(present, counts, known, inside.numpy()) - (inside.shape[1] - 1), 0))
    return told


def chi_squared(found: Ragged, counts: np.ndarray, known: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How unevenly each of the `known` values is spread over the classes: sum over classes of (found - expected)^2 / expected.

    A row holds a value once at most; `counts`: the rows of each value.
    """
    places = np.full(len(counts), len(known), np.int32)  # those not asked for share the last: there may be very many
    places[known] = np.arange(len(known))
    counts, told = counts[known], np.zeros(len(known), np.float32)
    for shares in inside.T:
        rows, number = np.flatnonzero(shares), np.zeros(len(known) + 1, np.int64)
        for start in range(0, len(rows), ROWS):
            values = found.take(rows[start : start + ROWS]).values
            number += np.bincount(places[values], minlength=len(known) + 1)
        expected = np.maximum(counts * shares.mean(), 1e-9)
        told += (number[:-1] - expected) ** 2 / expected
    return told


def passages(ids: Sequence[int], room: int, telling: np.ndarray) -> list[int]:
    """At most `room` of the ids, in order: again and again the most telling run of `SPAN` that overlaps none before."""
    given = np.asarray(ids)
    span = min(SPAN, room)
    sums = np.convolve(telling[np.minimum(given, len(telling) - 1)], np.ones(span), "valid")
    kept = np.zeros(len(given), bool)
    for _ in range(room // span):
        begin = int(sums.argmax())
        if sums[begin] < 0:
            break
        kept[begin : begin + span] = True
        sums[max(begin - span + 1, 0) : begin + span] = -1
    found: list[int] = given[kept].tolist()
    return found
