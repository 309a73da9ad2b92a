"""The weights and biases of the blend: what validation says of logits is mended, and no more."""

from __future__ import annotations

import pytest
import torch

from apps.text.blend import weigh

CLASSES = 3


def drawn(rows: int, off: list[float], scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, targets): targets are drawn by the logits' own softmax; then the logits are scaled and put `off`."""
    draws = torch.Generator().manual_seed(0)
    truth = 2 * torch.randn(rows, CLASSES, generator=draws)
    targets = torch.multinomial(truth.softmax(1), 1, generator=draws)[:, 0]
    return truth / scale + torch.tensor(off), targets


@pytest.mark.parametrize("off", [[0.0, 0.0, 0.0], [0.5, -0.5, 0.0]])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_scale_and_biases_are_found(off: list[float], scale: float) -> None:
    logits, targets = drawn(20_000, off, scale)
    weights, bias = weigh(logits[None], targets, torch.ones(1))
    assert weights[0] == pytest.approx(scale, rel=0.05)
    assert torch.allclose(bias, -scale * torch.tensor(off), atol=0.08)


def test_few_rows_change_little() -> None:
    logits, targets = drawn(30, [0.5, -0.5, 0.0], 1.0)
    assert weigh(logits[None], targets, torch.ones(1))[1].abs().max() < 0.25


def test_classes_that_are_to_count_alike_still_do() -> None:
    targets = torch.tensor([0] * 90 + [1] * 10).repeat(10)
    even = torch.zeros(1, len(targets), 2)
    plain, balanced = (
        weigh(even, targets, torch.ones(1), weights)[1].softmax(0)[1] for weights in (None, torch.tensor([1.0, 9.0]))
    )
    assert plain < 0.15 and balanced == pytest.approx(0.5, abs=0.02)
