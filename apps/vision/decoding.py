"""Opens a picture of any kind as square uint8 RGB, at reduced scale where the format can (JPEG's DCT)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

WHITES = (255, 4095, 65535)
"""Of 8, 12 and 16 bits: cameras and medical devices write 12 into 16, which as 16 would be shades of black."""


def decode(picture: Path | IO[bytes] | Image.Image, side: int, white: float | None = None) -> np.ndarray:
    """The centre square as uint8, shape (side, side, 3). Raises whatever PIL makes of a broken file.

    Upright by its EXIF orientation; transparency lies on white; of more than 8 bits `white` becomes 255, None: what the
    picture's own greatest value tells. PIL refuses decompression bombs (about 180 million pixels).
    """
    if isinstance(picture, Image.Image):
        return _square(picture, side, white)
    with Image.open(picture) as opened:
        opened.draft("RGB", (side, side))  # JPEG: decodes at 1/2, 1/4 or 1/8 where that is still large enough
        return _square(opened, side, white)


def _square(picture: Image.Image, side: int, white: float | None) -> np.ndarray:
    picture.load()  # before its size and orientation are asked for: Pillow turns TIFF here, and no other format
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) / 2, (height - edge) / 2
    orientation = 1
    with suppress(Exception):  # nearly anything, at a damaged EXIF block beside whole pixels
        orientation = picture.getexif().get(0x0112, 1)
    plain = _rgb(picture, white)
    if (width, height) != (side, side):
        box = (left, top, left + edge, top + edge)
        plain = plain.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    if orientation != 1:
        plain.getexif()[0x0112] = orientation
        plain = ImageOps.exif_transpose(plain)
    return np.asarray(plain)


def _rgb(picture: Image.Image, white: float | None) -> Image.Image:
    if picture.mode in WIDE:
        values = _values(picture)
        scale = 255 / (white or white_of(picture.mode, float(values.max(initial=0))))
        picture = Image.fromarray((values * scale).clip(0, 255).round().astype(np.uint8))
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        ground = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(ground, shown).convert("RGB")
    return picture.convert("RGB")


def greatest(picture: Image.Image) -> float:
    """Its greatest value, of a picture of a mode in WIDE."""
    return float(_values(picture).max(initial=0))


def white_of(mode: str, highest: float) -> float:
    """The value that is white where none is above `highest`: 1 for shares, else the least of WHITES that is not below it."""
    if mode == "F" and highest <= 1:
        return 1
    return next((white for white in WHITES if highest <= white), highest)


def _values(picture: Image.Image) -> np.ndarray:
    """What is no number is black."""
    return np.nan_to_num(np.asarray(picture, dtype=np.float64), nan=0, posinf=0, neginf=0)
