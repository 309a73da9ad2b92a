"""One block of bytes for many pictures: in memory, or a temporary file that the system maps when it is large."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np

from shared.errors import UserError

IN_MEMORY = 1 << 28
"""Bytes above which a store is a file: its pages are the system's to keep or drop, not the program's memory."""


def make_store(count: int, side: int) -> np.ndarray:
    """Zeros of shape (count, side, side, 3), uint8. Raises UserError where the disk cannot hold them."""
    shape = (count, side, side, 3)
    size = count * side * side * 3
    if size <= IN_MEMORY:
        return np.zeros(shape, np.uint8)
    file = tempfile.TemporaryFile(prefix="glance-pictures-")  # noqa: SIM115 (unlinked already: gone when unmapped)
    try:
        if hasattr(os, "posix_fallocate"):  # a full disk is known now, not by a crash in the middle
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise UserError(
            f"{tempfile.gettempdir()} cannot hold {size:,} bytes of decoded pictures ({error.strerror}): free some space, "
            "name another folder in TMPDIR, or keep them smaller with --stored-size"
        ) from error
    return np.memmap(file, np.uint8, "r+", shape=shape)


def forget(store: np.ndarray) -> None:
    """Takes a mapped store's pages out of the program's memory; they stay in the file, and in the system's cache."""
    if isinstance(store.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        store.base.madvise(mmap.MADV_DONTNEED)
