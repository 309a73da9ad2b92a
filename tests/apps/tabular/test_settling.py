"""What is settled after training holds on rows that nothing was trained on: intervals, and the share of the trees."""

from __future__ import annotations

import torch

from apps.tabular.ensemble import _to_mean
from apps.tabular.intervals import Intervals
from apps.tabular.settling import best_share
from apps.tabular.targets import NumberTarget
from apps.tabular.transforms import mean_factor


def test_intervals_hold_their_share_of_new_rows() -> None:
    draws = torch.Generator().manual_seed(0)
    predicted = torch.rand(4000, generator=draws) * 10
    targets = predicted + torch.randn(4000, generator=draws) * (0.1 + predicted)  # wider where greater
    intervals = Intervals()
    intervals.fit(predicted[:2000], targets[:2000], 0.8)
    _, low, high = intervals(predicted[2000:]).T
    held = (targets[2000:] >= low) & (targets[2000:] <= high)
    assert 0.77 < float(held.float().mean()) < 0.83
    width, small = high - low, predicted[2000:] < 2
    assert float(width[small].mean()) < 0.5 * float(width[~small].mean())
    again = Intervals()
    again.load_state_dict(intervals.state_dict())
    assert torch.equal(again(predicted), intervals(predicted))


def test_too_few_rows_leave_no_interval() -> None:
    intervals = Intervals()
    intervals.fit(torch.arange(5.0), torch.arange(5.0), 0.9)
    assert intervals(torch.ones(3)).shape == (3,)


def test_the_better_gets_the_greater_share() -> None:
    targets = torch.randn(500, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(500, generator=torch.Generator().manual_seed(1))
    assert best_share(targets + noise, targets + 0.1 * noise, targets) > 0.9
    assert best_share(targets + 0.1 * noise, targets + noise, targets) < 0.1


def test_answers_reach_the_mean_also_beyond_their_intervals() -> None:
    target = NumberTarget(0.0, 1.0, 0.0, 100.0, 0.0, 100.0, 5.0, "log")
    targets = target.standard(torch.tensor([50.0] + [0.0] * 9).repeat(40))
    answers = target.standard(torch.full((400, 3), 0.5) * torch.tensor([1.0, 0.0, 1.5]))
    factor = mean_factor(target.values(answers[:, 0]), target.values(targets))
    value, low, high = target.values(_to_mean(answers, target, factor)).T
    assert torch.allclose(value, torch.tensor(5.0).double(), atol=1e-4) and bool(
        (low <= value).all() & (value <= high).all()
    )
    assert mean_factor(target.values(targets), target.values(targets)) == 1
