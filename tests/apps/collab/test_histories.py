"""Many cells are put in order by counting, few by sorting: the same order, the first of equals first."""

from __future__ import annotations

import pytest
import torch

from apps.collab import histories
from apps.collab.histories import Histories, blocks, grouped


@pytest.fixture(params=["sorted", "counted"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "MANY", 1 << 20 if request.param == "sorted" else 0)


@pytest.mark.usefixtures("way")
def test_equal_keys_stay_in_turn() -> None:
    keys = torch.randint(3, 40, (500,), generator=torch.Generator().manual_seed(0)).int()
    starts, order = grouped(keys, 50)
    assert len(starts) == 51 and torch.equal(starts.diff(), torch.bincount(keys, minlength=50))
    assert torch.equal(order.long(), keys.long().argsort(stable=True))


@pytest.mark.usefixtures("way")
def test_histories_keep_the_order_of_their_cells_and_turn_over() -> None:
    rows, items = torch.tensor([2, 0, 2, 2, 0, 1]), torch.tensor([5, 3, 1, 0, 2, 3])
    had = Histories.of_pairs(rows, items, 4, 6)
    assert [had.of(row).tolist() for row in range(4)] == [[3, 2], [3], [5, 1], []]
    turned = had.transposed()
    assert [turned.of(item).tolist() for item in range(6)] == [[], [2], [0], [0, 1], [], [2]]
    assert turned.items.dtype == had.items.dtype == torch.int and turned.width == 4
    assert not len(Histories.empty(3, 4).transposed().items)


def test_blocks_hold_every_cell_once() -> None:
    counts = torch.tensor([0, 3, 1, 100, 0, 2, 90])
    starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
    found = []
    for owners, cells, real in blocks(starts):
        assert real.sum(1).tolist() == counts[owners].tolist()
        found += cells[real].tolist()
    assert sorted(found) == list(range(int(counts.sum())))
    assert not list(blocks(torch.zeros(4, dtype=torch.long)))
