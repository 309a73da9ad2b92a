"""Freed blocks stay with the process where the C library is glibc, and nothing breaks elsewhere."""

from __future__ import annotations

import ctypes
import mmap
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.allocation import give_freed_blocks_back, keep_freed_blocks

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = """
import resource, torch
from shared.loaders import Tensors
from shared.predict import Predictor

class Wide(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x.repeat(10_000_000, 1)).sum(0, keepdim=True)

predictor, rows = Predictor(Wide(1, 1), batch_size=1), Tensors(torch.ones(10, 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
predictor.outputs(rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Page faults of ten batches that take 80 MB each, 19,531 pages (all are mapped anew where freed blocks go back: 195,000); in a process of its own, where nothing else kept blocks."""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's mallopt")
def test_steps_of_the_same_blocks_are_not_mapped_again() -> None:
    import resource  # of Unix alone

    assert keep_freed_blocks()
    for _ in range(8):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [torch.ones(2_500_000 * (1 + k % 3)) for k in range(8)]  # 150 MB, 36,600 pages
        del blocks
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 5_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's mallopt")
def test_batches_of_answers_take_the_blocks_of_the_ones_before() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", ANSWERS], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    ).stdout
    assert int(shown) < 140_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc_trim")
def test_kept_memory_can_be_given_back() -> None:
    keep_freed_blocks()
    blocks = [torch.ones(2_500_000) for _ in range(24)]  # 240 MB
    last = torch.ones(100)
    del blocks
    kept = resident()
    assert give_freed_blocks_back()
    assert kept - resident() > 100e6 and last.sum() == 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what a process holds, as Linux tells it")
def test_pyarrow_gives_back_what_a_table_took() -> None:
    arrow = pytest.importorskip("pyarrow")
    before = resident()
    blocks = [arrow.allocate_buffer(1_000_000) for _ in range(200)]
    for block in blocks:
        np.frombuffer(block, np.uint8)[:] = 1
    del blocks, block
    kept = resident() - before
    give_freed_blocks_back()
    assert resident() - before < kept / 2


@pytest.mark.parametrize("error", [None, TypeError, OSError])  # no such functions; Windows; a C library linked in
def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None) -> None:
    def library(name: None) -> object:
        if error is not None:
            raise error
        return object()

    monkeypatch.setattr(ctypes, "CDLL", library)
    assert not keep_freed_blocks() and not give_freed_blocks_back()
