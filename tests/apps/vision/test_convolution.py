"""The convolution for small maps against torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from apps.vision import convolution
from apps.vision.convolution import Convolution

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 8), st.integers(1, 8))


def slopes(made: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    """Of a sum in which every output counts differently."""
    weights = torch.linspace(-1, 1, made.numel()).view(made.shape)
    return torch.autograd.grad((made.float() * weights).sum(), of)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(1, 9))
def test_gathered_gradients_are_those_of_torch(shape: tuple[int, int, int, int], outside: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.bfloat16).to(memory_format=torch.channels_last).requires_grad_()
    layer = Convolution(shape[1], outside)
    exact = F.conv2d(x.float(), layer.weight, padding=1)
    for found, right in zip(slopes(layer(x), x, layer.weight), slopes(exact, x, layer.weight), strict=True):
        assert found.shape == right.shape
        torch.testing.assert_close(found.float(), right.float(), rtol=0.02, atol=0.02 * float(right.abs().max()) + 1e-3)


def test_only_small_maps_in_bfloat16_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, called = Convolution(4, 4), []
    original = convolution._Gathered.apply
    monkeypatch.setattr(convolution._Gathered, "apply", lambda *given: called.append(1) or original(*given))
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.ones(1, 4, 9, 8, dtype=torch.bfloat16))
        layer(torch.ones(1, 4, 8, 8))
        with torch.no_grad():
            layer(torch.ones(1, 4, 8, 8, dtype=torch.bfloat16))
        assert not called
        assert torch.equal(layer(torch.ones(1, 4, 8, 8, dtype=torch.bfloat16)), torch.ones(1, 4, 8, 8))
    assert called


def test_begins_as_the_identity() -> None:
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(Convolution(3, 5)(x)[:, :3], x)
