"""Freed blocks stay with the process where the C library is glibc, and nothing breaks elsewhere."""

from __future__ import annotations

import ctypes
import platform
import resource

import pytest
import torch

from shared.allocation import keep_freed_blocks


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's mallopt")
def test_steps_of_the_same_blocks_are_not_mapped_again() -> None:
    assert keep_freed_blocks()
    for _ in range(8):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [torch.ones(2_500_000 * (1 + k % 3)) for k in range(8)]  # 150 MB, 36,600 pages
        del blocks
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 5_000


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_blocks()
