"""Encoded texts: n-grams and token ids, each in one flat array, cut into batches by position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from apps.text.ragged import Ragged
from shared.loaders import rounded


@dataclass(frozen=True)
class Windows:
    """Token ids of every window of every text; text i's are `begins[i]` to `begins[i + 1]`, one at least."""

    tokens: Ragged
    begins: np.ndarray
    pad: int

    @cached_property
    def longest(self) -> int:
        return int(self.tokens.counts.max(initial=1))

    def batch(self, positions: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """(padded tokens, shape (windows, longest); lengths and the text's place in the batch, each (windows,))."""
        windows = Ragged(np.arange(len(self.tokens)), self.begins).take(positions)
        tokens = self.tokens.take(windows.values)
        lengths = tokens.counts
        width = min(rounded(int(lengths.max(initial=1))), self.longest)
        padded = np.full((len(tokens), width), self.pad, np.int64)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = tokens.values
        owners = np.repeat(np.arange(len(positions)), windows.counts)
        return torch.from_numpy(padded), torch.from_numpy(lengths), torch.from_numpy(owners)


NOTHING = np.zeros(0, np.int64)


class Texts:
    """Batches are (n-gram positions, where each row's begin) and, with an encoder, what `Windows.batch` gives;
    `marks` tell the texts apart."""

    def __init__(self, grams: Ragged, windows: Windows | None = None, marks: np.ndarray = NOTHING) -> None:
        self.grams, self.windows, self.marks = grams, windows, marks
        self.lengths: Tensor | None = None
        if windows is not None:
            self.lengths = torch.from_numpy(np.diff(windows.tokens.offsets[windows.begins])).clamp_min(1)

    def __len__(self) -> int:
        return len(self.grams)

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        positions = rows.numpy()
        taken = self.grams.take(positions)
        grams = torch.from_numpy(taken.values.astype(np.int64)), torch.from_numpy(taken.offsets[:-1])
        return grams if self.windows is None else (*grams, *self.windows.batch(positions))
