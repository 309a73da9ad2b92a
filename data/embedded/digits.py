"""Handwritten digits as pictures: scikit-learn's copy of the UCI test set, 8x8 pixels, ten classes."""

from __future__ import annotations

from pathlib import Path

from data.embedded.libraries import carried_table


def make_digits(folder: Path) -> None:
    """Writes 0/..9/ with one PNG per digit; no split, the reader makes one. Raises ImportError without a carrier."""
    from PIL import Image

    for label in range(10):
        (folder / str(label)).mkdir()
    for i, row in enumerate(carried_table("sklearn", "datasets/data/digits.csv.gz")):
        *pixels, label = (int(cell) for cell in row)
        greys = bytes(round(pixel * 255 / 16) for pixel in pixels)  # published as 0..16
        Image.frombytes("L", (8, 8), greys).save(folder / str(label) / f"{i:04d}.png")
