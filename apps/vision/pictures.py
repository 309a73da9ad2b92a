"""Many pictures as one block of bytes: decoded once, in threads; in memory, or on the disk when large."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from apps.vision.decoding import WHITES, WIDE, decode, greatest, white_of
from apps.vision.store import forget, make_store
from shared.sampling import evenly

THUMBNAIL = 16
"""Side in pixels of the grey thumbnails by which near-duplicates are found."""

TAKEN = 256
"""Pictures taken from a mapped store before its pages are given back."""

BLOCK = 1024
"""Pictures decoded before the pages of a mapped store are given back."""

LOOKS = 200
"""Pictures whose headers are opened to tell of what kind all are."""


@dataclass(frozen=True)
class Pictures:
    """Rows of a shared store of shape (slots, side, side, 3), uint8; taking rows copies no pixels.

    `errors` tells, row by row, why a picture could not be decoded (its pixels are black), or None.
    `thumbnails` has shape (slots, THUMBNAIL, THUMBNAIL), uint8, grey.
    """

    store: np.ndarray
    thumbnails: np.ndarray
    slots: np.ndarray
    names: np.ndarray
    errors: np.ndarray

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, rows: np.ndarray) -> Pictures:
        return Pictures(self.store, self.thumbnails, self.slots[rows], self.names[rows], self.errors[rows])

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """A copy of the pixels, shape (rows, side, side, 3). Of a mapped store few pages are in memory at a time: the system
        maps a picture's neighbours along with it."""
        slots = self.slots[rows]
        taken = np.empty((len(slots), *self.store.shape[1:]), np.uint8)
        for start in range(0, len(slots), TAKEN):
            part = slice(start, start + TAKEN)
            np.take(self.store, slots[part], axis=0, out=taken[part], mode="clip")
            forget(self.store)
        return taken


class Encoded:
    """Pictures as the core batches them: `batch(rows)` is one uint8 tensor, shape (rows, side, side, 3)."""

    lengths: Tensor | None = None

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        return (torch.from_numpy(self.pictures.pixels(rows.numpy())),)


def load_pictures(
    pictures: Sequence[Path | IO[bytes] | Image.Image], names: Sequence[str], side: int, white: float | None = None
) -> Pictures:
    """Decodes all, each once (`white`: see `decode`); what cannot be decoded is told in `errors`. Raises UserError at a full disk."""
    count = len(pictures)
    store, thumbnails = make_store(count, side), np.zeros((count, THUMBNAIL, THUMBNAIL), np.uint8)
    errors = np.full(count, None, dtype=object)

    def fill(slot: int) -> None:
        try:
            square = decode(pictures[slot], side, white)
            store[slot] = square
            grey = Image.fromarray(square).convert("L")
            thumbnails[slot] = np.asarray(grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        except Exception as error:  # a broken file makes PIL raise nearly anything
            errors[slot] = _reason(error).replace(str(pictures[slot]), names[slot])

    with warnings.catch_warnings(), ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as threads:
        warnings.simplefilter("ignore")  # PIL's remarks on odd metadata
        for start in range(0, count, BLOCK):
            for _ in threads.map(fill, range(start, min(start + BLOCK, count))):
                pass
            forget(store)
    return Pictures(store, thumbnails, np.arange(count), np.array(names, dtype=object), errors)


def _reason(error: Exception) -> str:
    """What is wrong with a picture, in one line."""
    if isinstance(error, (FileNotFoundError, IsADirectoryError)):
        return "no such file"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"{type(error).__name__}: {error}".splitlines()[0]


@dataclass(frozen=True)
class Survey:
    """What a look at some pictures tells: median short side in pixels, whether all are grey, and which value is white in
    those of more than 8 bits: taken picture by picture, what is brighter than the next picture could become darker."""

    side: int
    grey: bool
    white: float | None = None


def survey(paths: Sequence[Path]) -> Survey:
    """Opens some pictures, evenly spread; broken ones tell nothing."""
    sides, modes, highest = [], set(), dict[str, float]()
    for position in evenly(len(paths), LOOKS):
        try:
            with Image.open(paths[position]) as opened:
                sides.append(min(opened.size))
                modes.add(mode := opened.mode)
                if mode in WIDE and (mode in ("I", "F") or highest.get(mode, 0) <= WHITES[-2]):
                    highest[mode] = max(highest.get(mode, 0), greatest(opened))
        except Exception:  # counted later, when it is decoded
            continue
    grey = bool(modes) and modes <= {"1", "L", "LA", *WIDE}
    white = max((white_of(mode, value) for mode, value in highest.items()), default=None)
    return Survey(int(np.median(sides)) if sides else 0, grey, white)
