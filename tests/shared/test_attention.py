"""The two roads of attention give the same answers and the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from shared.attention import attend, plain_pays


def _drawn(rows: int, tokens: int) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(rows, 3, tokens, 8).bfloat16().float().requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("masked", [False, True])
def test_plain_and_fused_attention_agree(masked: bool) -> None:
    mask = (torch.arange(7) < torch.tensor([7, 1, 4])[:, None])[:, None, None] if masked else None
    found = []
    for kind in (torch.float32, torch.bfloat16):
        parts = _drawn(3, 7)
        answers = attend(*(part.to(kind) for part in parts), mask=mask)
        answers.float().square().sum().backward()
        found.append([answers.float(), *(part.grad for part in parts)])
    for fused, plain in zip(*found, strict=True):
        assert fused is not None and plain is not None
        torch.testing.assert_close(plain, fused, atol=0.05, rtol=0.05)


def test_plain_products_are_for_bfloat16_on_processors() -> None:
    x = torch.zeros(1)
    assert not plain_pays(x) and plain_pays(x.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        assert plain_pays(x)
