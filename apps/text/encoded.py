"""Encoded texts: n-grams and token ids, each in one flat array, cut into batches by position."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from apps.text.grams import Ragged


class Texts:
    """Batches are (n-gram positions, where each row's begin) and, with an encoder, (padded tokens, lengths)."""

    def __init__(self, grams: Ragged, tokens: Ragged | None = None, pad: int = 0) -> None:
        self.grams, self.tokens, self.pad = grams, tokens, pad
        self.lengths: Tensor | None = None
        if tokens is not None:
            self.lengths = torch.from_numpy(np.diff(tokens.offsets)).clamp_min(1)

    def __len__(self) -> int:
        return len(self.grams)

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        positions = rows.numpy()
        flat, counts = take(self.grams, positions)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        grams = torch.from_numpy(flat.astype(np.int64)), torch.from_numpy(starts[: len(positions)])
        if self.tokens is None:
            return grams
        flat, counts = take(self.tokens, positions)
        padded = np.full((len(positions), max(int(counts.max(initial=0)), 1)), self.pad, np.int64)
        padded[np.arange(padded.shape[1]) < counts[:, None]] = flat
        return (*grams, torch.from_numpy(padded), torch.from_numpy(counts))


def take(ragged: Ragged, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of these rows in one run, and how many each has."""
    counts = ragged.offsets[rows + 1] - ragged.offsets[rows]
    begins = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(begins, counts)
    return ragged.values[np.repeat(ragged.offsets[rows], counts) + within], counts
