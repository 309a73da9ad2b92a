"""Pictures drawn for tests: two classes that a small network tells apart in an epoch or two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def stripes(upright: bool, seed: int, side: int = 8, colour: bool = False) -> Image.Image:
    """Bright stripes, upright or level, under noise."""
    draws = np.random.default_rng(seed)
    lines = np.where((np.arange(side) + draws.integers(2)) % 4 < 2, 200, 60)
    grey = np.tile(lines, (side, 1)) if upright else np.tile(lines[:, None], (1, side))
    noisy = np.clip(grey[:, :, None] + draws.normal(0, 20, (side, side, 3 if colour else 1)), 0, 255).astype(np.uint8)
    return Image.fromarray(noisy if colour else noisy[:, :, 0])


def write_classes(folder: Path, each: int = 40, side: int = 8, colour: bool = False) -> Path:
    """upright/ and level/ with `each` PNG files."""
    for label in ("upright", "level"):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(each):
            stripes(label == "upright", 2 * i + (label == "level"), side, colour).save(folder / label / f"{i:03d}.png")
    return folder
