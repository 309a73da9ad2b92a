"""The temperature undoes what is too sure or not sure enough, within its span."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from shared.calibration import HIGHEST, best_temperature


def drawn() -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(0)
    scores = torch.randn(5000, 3, generator=draws) * 2
    return scores, torch.multinomial(scores.softmax(1), 1, generator=draws).squeeze(1)


@pytest.mark.parametrize("boast", [0.8, 1.3, 4.0])
def test_boasting_and_shyness_are_undone(boast: float) -> None:
    scores, targets = drawn()
    assert best_temperature((scores * boast).log_softmax(1), targets, 0.5) == pytest.approx(boast, rel=0.1)
    assert best_temperature(scores * boast, targets, 0.05, imagined=1) == pytest.approx(boast, rel=0.1)


def test_the_temperature_stays_within_its_span() -> None:
    scores, targets = drawn()
    assert best_temperature(scores * 0.1, targets, 0.7) == pytest.approx(0.7)
    assert best_temperature(scores * 100, targets, 0.7) == pytest.approx(HIGHEST)


def test_rows_that_are_all_right_do_not_make_certain() -> None:
    scores, targets = 4 * torch.eye(2).repeat(90, 1), torch.arange(2).repeat(90)
    likeliest = (scores / best_temperature(scores, targets, 0.05, imagined=1)).softmax(1).amax()
    assert 0.98 < float(likeliest) < 0.999
