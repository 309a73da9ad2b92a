"""Masks that are cut out of whole words."""

from __future__ import annotations

import pytest
import torch

from shared.dropout import Dropout


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer, ones = Dropout(0.25), torch.ones(300, 7, 43)
    dropped = layer(ones)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(layer.eval()(ones), ones) and torch.equal(Dropout(0.0)(ones), ones)
    assert not torch.equal(dropped[0], dropped[1])
