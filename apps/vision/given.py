"""Pictures as Python values: paths, binary files or their bytes, PIL images, arrays and tensors, or lists of them."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from apps.vision.pictures import Pictures, load_pictures
from shared.errors import UserError

KINDS = (
    "a path, a binary file or its bytes, a PIL image, a uint8 array or tensor of shape (height, width[, channels]), or a list "
    "of these"
)
BYTES = (bytes, bytearray, memoryview)


def as_pictures(value: Any, side: int, white: float | None) -> tuple[Pictures, bool]:
    """(decoded pictures, whether `value` was a single one). Raises UserError at anything else.

    A path that is missing raises; one that cannot be decoded is told in the answer.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, Pictures):
        return value, False
    single = isinstance(value, (str, os.PathLike, Image.Image, *BYTES)) or hasattr(value, "read")
    single = single or (isinstance(value, np.ndarray) and value.ndim < 4)
    if not single and not isinstance(value, (Sequence, np.ndarray)):
        raise UserError(f"a value of type {type(value).__name__}: give {KINDS}")
    many = [value] if single else list(value)
    pictures = [_as_picture(one) for one in many]
    names = [str(one) if isinstance(one, Path) else f"picture {i}" for i, one in enumerate(pictures)]
    rows: dict[int, int] = {}  # of each picture the first: one that stands twice must not be read by two threads
    firsts = [rows.setdefault(id(picture), row) for row, picture in enumerate(pictures)]
    found = load_pictures([pictures[row] for row in rows.values()], [names[row] for row in rows.values()], side, white)
    return found[np.searchsorted(list(rows.values()), firsts)], single


def _as_picture(value: Any) -> Path | io.BytesIO | Image.Image:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, (str, os.PathLike)):
        value = os.path.expanduser(value)
        if os.path.isdir(value):
            raise UserError(f"{value} is a folder: give its pictures, or ask predict_sources, which answers folders")
        if not os.path.isfile(value):
            raise UserError(f"{value}: no such file")
        return Path(value)
    if isinstance(value, BYTES):
        return io.BytesIO(value)
    if hasattr(value, "read"):
        return _from_file(value)
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    return _from_array(np.asarray(value))


def _from_file(file: Any) -> io.BytesIO:
    """All that is left to read: pictures are decoded in threads, and a file has but one position."""
    try:
        return io.BytesIO(file.read())
    except (TypeError, ValueError, OSError) as error:  # opened as text, closed, or for writing alone
        raise UserError(f"a file that gives no bytes ({error}): open it with mode 'rb'") from None


def _from_array(array: np.ndarray) -> Image.Image:
    """uint8 as it is; a first axis of 1 or 3 before two longer ones is the channels (torch's order)."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not shaped or array.dtype != np.uint8 or 0 in array.shape:
        raise UserError(f"an array of shape {array.shape} and type {array.dtype}: give {KINDS}")
    return Image.fromarray(np.ascontiguousarray(array))
