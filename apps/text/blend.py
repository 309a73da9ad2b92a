"""The weights of the two experts, chosen on validation by log loss: that calibrates the answers too."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.text.model import ENCODER, GRAMS, Only, TextNetwork
from apps.text.several import loss_of
from shared.predict import Predictor
from shared.protocol import Data

NAMES = {ENCODER: "the encoder", GRAMS: "the n-grams"}
ENOUGH = 30
"""Rows below which the weights stay as they are."""
PRIOR = 5.0
"""Rows' worth of pull of the logarithm of each weight towards where it was."""


def choose(network: TextNetwork, valid: Data, precision: str) -> str:
    """Sets the network's blend; returns a sentence with each expert's own validation accuracy."""
    present = [e for e, there in ((ENCODER, network.has_encoder), (GRAMS, network.has_grams)) if there]
    logits = torch.stack([Predictor(Only(network, e), precision).outputs(valid.inputs) for e in present])
    if len(valid) >= ENOUGH:
        network.blend[present] = weigh(logits, valid.targets, network.blend[present].cpu()).to(network.blend)
    right = [accuracy(each, valid.targets) for each in logits]
    said = [
        f"{NAMES[e]} alone {share:.4f} (weight {network.blend[e]:.2f})" for e, share in zip(present, right, strict=True)
    ]
    return f"validation accuracy: {', '.join(said)}"


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """The share of right answers; of several labels a text, of all labels."""
    right = (logits > 0) == (targets > 0.5) if targets.is_floating_point() else logits.argmax(1) == targets
    return right.float().mean().item()


def weigh(logits: Tensor, targets: Tensor, start: Tensor) -> Tensor:
    """Positive weights, shape (experts,), of logits of shape (experts, rows, classes): least log loss."""
    logs = start.log().clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logs], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        mixed = (logs.exp()[:, None, None] * logits).sum(0)
        pull = PRIOR / len(targets) * (logs - start.log()).square().sum()
        loss = loss_of(mixed, targets) + pull
        loss.backward()
        return loss.item()

    with torch.enable_grad():
        optimizer.step(closure)
    return logs.detach().clamp(-6, 4).exp()
