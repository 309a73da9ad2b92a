"""Means of categories are those of the rows that had them, never of a row itself."""

from __future__ import annotations

import pytest
import torch

from apps.tabular.means import PRIOR_ROWS, CategoryMeans, unseen_means


def test_means_are_those_of_categories_and_of_pairs() -> None:
    codes, targets = torch.tensor([[1, 1], [1, 2], [2, 2]] * 40), torch.tensor([1.0, 0.0, 0.0] * 40)
    means = CategoryMeans()
    assert means(codes).shape == (120, 0)
    means.place([3, 4], codes, targets)
    prior = PRIOR_ROWS / 3
    expected = [(40 + prior) / (80 + PRIOR_ROWS), (40 + prior) / (40 + PRIOR_ROWS), (40 + prior) / (40 + PRIOR_ROWS)]
    assert means(codes[:1])[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert means(torch.tensor([[0, 3]]))[0].tolist() == pytest.approx([1 / 3] * 3, abs=1e-6)  # never seen
    again = CategoryMeans()
    again.load_state_dict(means.state_dict())
    assert torch.equal(again(codes), means(codes))
    parts = list(torch.arange(120).split(30))
    before = unseen_means([3, 4], codes, targets, parts)
    targets[0] = 99
    assert torch.equal(before[parts[0]], unseen_means([3, 4], codes, targets, parts)[parts[0]])
