"""The network's parts give what their papers' formulas give."""

from __future__ import annotations

import pytest
import torch

from apps.tabular.embeddings import PiecewiseLinear, smooth_clip
from apps.tabular.model import Members
from apps.tabular.recipe import TabularRecipe


def test_looking_pieces_up_is_adding_them_up() -> None:
    draws = torch.Generator().manual_seed(0)
    edges = torch.randn(3, 9, generator=draws).sort(1).values
    edges[1, 5:] = edges[1, 5]  # a number of few pieces, padded
    layer = PiecewiseLinear(edges, 4)
    layer.weight.data.normal_(generator=draws)
    numbers = torch.cat([torch.randn(50, 3, generator=draws) * 2, edges.T])
    places = ((numbers.unsqueeze(2) - layer.starts) * layer.steepness).clamp(0, 1)
    pieces = torch.einsum("rnb,nbw->rnw", places, layer.weight)
    plain = torch.relu(pieces + smooth_clip(numbers).unsqueeze(2) * layer.linear + layer.bias).flatten(1)
    torch.testing.assert_close(layer(numbers), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("members", [1, 3])
def test_signs_on_inputs_or_on_weights_are_the_same(members: int) -> None:
    network = Members(5, 2, TabularRecipe(members=members, width=16, dropout=0.0))
    rows = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    few = torch.cat([network(part) for part in rows.split(10)])
    torch.testing.assert_close(network(rows), few, atol=1e-5, rtol=1e-5)
