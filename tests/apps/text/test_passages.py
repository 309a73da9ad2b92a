"""Telling passages: which tokens tell is learnt, and the runs that hold them are kept in order."""

from __future__ import annotations

import numpy as np
import torch

from apps.text.passages import SPAN, fit_telling, passages
from apps.text.ragged import Ragged


def test_tokens_of_one_class_tell_and_those_of_both_do_not() -> None:
    rows = [[0, 1, 1], [0, 2]] * 20  # token 0 in every text, 1 in the first class, 2 in the second, 3 in none
    values = np.array([token for row in rows for token in row], np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    inside = torch.eye(2)[torch.tensor([0, 1] * 20)]
    telling = fit_telling(Ragged(values, offsets), inside, 4)
    assert telling[1] > 3 and telling[2] > 3 and telling[0] == telling[3] == 0


def test_rare_tokens_tell_nothing() -> None:
    telling = fit_telling(Ragged(np.array([0, 1], np.int32), np.array([0, 1, 2])), torch.eye(2), 2)
    assert not telling.any()


def test_the_most_telling_runs_are_kept_in_order() -> None:
    telling = np.zeros(300, np.float32)
    telling[[50, 200]] = 1.0, 2.0
    kept = passages(list(range(300)), 2 * SPAN, telling)
    assert len(kept) == 2 * SPAN and kept == sorted(kept) and {50, 200} <= set(kept)
    assert passages(list(range(300)), 2 * SPAN, np.zeros(300, np.float32)) == list(range(2 * SPAN))
    assert len(passages(list(range(300)), 4, telling)) == 4
