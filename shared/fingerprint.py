"""What tells the rows of one run from those of another, so that a checkpoint goes on with its own alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from shared.protocol import Data

MOST = 1 << 28
"""Bytes of a split's inputs that are read; of more, rows evenly spread. Less than a second."""

BLOCK = 256
"""Rows at a time: pictures are large."""


def fingerprint(part: Data) -> str:
    """The sha256 of a split as the network gets it: targets, weights and inputs."""
    found = hashlib.sha256()
    for tensor in _tensors(part):
        found.update(tensor.cpu().contiguous().numpy().data)
    return found.hexdigest()


def _tensors(part: Data) -> Iterator[Tensor]:
    yield part.targets
    if part.weights is not None:
        yield part.weights
    if len(part):
        for rows in _rows(part).split(BLOCK):
            yield from part.inputs.batch(rows)


def _rows(part: Data) -> Tensor:
    few = part.inputs.batch(torch.arange(min(BLOCK, len(part))))
    size = sum(tensor.nbytes for tensor in few) * len(part) // min(BLOCK, len(part))
    return torch.arange(0, len(part), 1 + size // MOST)
