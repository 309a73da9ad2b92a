"""Memory for loops: blocks that one batch frees stay with the process for the next batch, which asks for the same ones."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TRIM, MAP = -1, -3  # glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD (mallopt(3))
KEPT, LARGEST = 1 << 29, 1 << 28
"""Bytes: of freed memory that is kept at the most, and of the largest block that is kept."""


OTHERS = (AttributeError, OSError, TypeError)
"""What other C libraries answer: they lack the function, or cannot be asked (TypeError: Windows)."""


def keep_freed_blocks() -> bool:
    """Tells glibc not to hand large blocks back to the system; True where it obeys.

    Activations are tens of megabytes and would be mapped, zeroed and unmapped again at every step: 10 to 25 % of a step's time
    on two cores, for 3 to 5 % more memory (docs/experiments/vision.md). Other systems' allocators are left as they are.
    """
    with suppress(*OTHERS):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(MAP, LARGEST) and mallopt(TRIM, KEPT))
    return False


@contextmanager
def freed_blocks_kept() -> Iterator[None]:
    """For the time of a loop; what is free at its end goes back to the system."""
    keep_freed_blocks()
    try:
        yield
    finally:
        give_freed_blocks_back()


def give_freed_blocks_back() -> bool:
    """Tells glibc, and pyarrow where tables were read by it, to return what is free; True where glibc obeys.

    Blocks of many sizes leave holes, which grow over thousands of steps; pyarrow has an allocator of its own, which keeps
    what a table took.
    """
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    with suppress(*OTHERS):
        ctypes.CDLL(None).malloc_trim(0)
        return True
    return False
