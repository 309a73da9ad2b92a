"""Neighbours answer what near training rows had, never what a row itself had."""

from __future__ import annotations

import pytest
import torch

from apps.tabular.neighbours import SIZES, Neighbours, unseen_features


def scattered(rows: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(rows, 3, generator=draws), torch.randn(rows, generator=draws)


def test_neighbours_answer_what_the_nearest_rows_had() -> None:
    numbers, targets = scattered(300)
    neighbours = Neighbours()
    assert neighbours(numbers).shape == (300, 0)
    neighbours.place([0, 2], numbers, targets)
    found = neighbours(numbers[:9])
    assert found.shape == (9, 3 * len(SIZES))
    far = (numbers[0, [0, 2]] - numbers[:, [0, 2]]).norm(dim=1)
    expected = targets[far.argsort()[: SIZES[1]]].mean()
    assert float(found[0, 3]) == pytest.approx(float(expected), abs=1e-5)
    assert torch.allclose(found, neighbours.of_many(numbers[:9]), atol=1e-4)
    again = Neighbours()
    again.load_state_dict(neighbours.state_dict())
    assert torch.equal(again(numbers[:9]), found)


def test_a_row_does_not_see_its_own_target() -> None:
    numbers, targets = scattered(200)
    parts = list(torch.arange(200).split(40))
    before = unseen_features([0, 1], numbers, targets, parts)
    targets[7] += 1000
    after = unseen_features([0, 1], numbers, targets, parts)
    assert torch.equal(before[parts[0]], after[parts[0]]) and not torch.equal(before, after)


def test_neighbours_that_do_not_fit_are_refused() -> None:
    neighbours = Neighbours()
    neighbours.place([0, 2], *scattered(100))
    state = neighbours.state_dict()
    state["targets"] = state["targets"][:5]
    with pytest.raises(RuntimeError, match="do not fit"):
        Neighbours().load_state_dict(state)
