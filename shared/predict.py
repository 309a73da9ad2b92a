"""Inputs -> outputs -> answers: the only road that a prediction takes. No loader, no fastai."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from shared.allocation import freed_blocks_kept
from shared.loaders import batches
from shared.precision import autocast
from shared.protocol import Answer, Encoded, Inputs, Preprocessor, count, pick

BLOCK = 4096
"""Rows encoded at a time when answering: bounds memory whatever the number of inputs."""


@dataclass(frozen=True)
class Predictor:
    """A network and how to run it: `precision` is "fp32" or "bf16"."""

    network: nn.Module
    precision: str = "fp32"
    batch_size: int = 256

    @torch.inference_mode()
    def outputs(self, inputs: Encoded) -> Tensor:
        """The network's outputs for all rows, in order, fp32 in the processor's memory; shape (rows, ...)."""
        device, training = network_device(self.network), self.network.training
        self.network.eval()
        parts, order = [], batches(len(inputs), self.batch_size, inputs.lengths)
        try:
            with autocast(device, self.precision), freed_blocks_kept():
                for rows in order:
                    parts.append(self.network(*(x.to(device) for x in inputs.batch(rows))).float().cpu())
        finally:
            self.network.train(training)
        return _in_order(torch.cat(parts), order, inputs.lengths)


def _in_order(joined: Tensor, order: list[Tensor], lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return joined
    restored = torch.empty_like(joined)
    restored[torch.cat(order)] = joined
    return restored


def answers(predictor: Predictor, preprocessor: Preprocessor, inputs: Inputs) -> Iterator[Answer]:
    """One answer a row, in order, computed block by block."""
    for start in range(0, count(inputs), BLOCK):
        block = pick(inputs, np.arange(start, min(start + BLOCK, count(inputs))))
        yield from preprocessor.decode(predictor.outputs(preprocessor.encode(block)), block)


@dataclass(frozen=True)
class Given:
    """Outputs that are there already, in the form of a predictor: for measuring what fastai computed."""

    given: Tensor

    def outputs(self, inputs: Encoded) -> Tensor:
        return self.given


def network_device(network: nn.Module) -> torch.device:
    """Where the network's weights are."""
    return next(network.parameters()).device
