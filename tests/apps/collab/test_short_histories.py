"""Short histories: whatever training users have, what is answered is a score of every item."""

from __future__ import annotations

import pytest
import torch

from apps.collab.histories import Histories
from apps.collab.short_histories import ShortHistoryScorer

ITEMS = 60


def histories(users: int, each: int) -> Histories:
    """Users who have `each` items, most of them those of the neighbours too."""
    rows = torch.arange(users).repeat_interleave(each)
    items = (torch.arange(each).repeat(users) + rows) % ITEMS + 1
    return Histories.of_pairs(rows, items, users, ITEMS + 1)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("each", [1, 2, 20, 40])
def test_histories_longer_than_any_of_training_are_scored(each: int, ordered: bool) -> None:
    known = ShortHistoryScorer(histories(30, each), ordered)
    for size in (1, 5, 25, 45):
        scores = known.score(histories(3, size))
        assert scores.isfinite().all() and (scores[:, 1:].amax(1) > scores[:, 1:].amin(1)).all()


def test_where_nobody_has_two_items_the_popular_ones_are_answered() -> None:
    popular = Histories.of_pairs(torch.arange(3), torch.tensor([4, 4, 9]), 3, ITEMS + 1)
    assert ShortHistoryScorer(popular).score(histories(1, 2))[0].topk(2).indices.tolist() == [4, 9]
