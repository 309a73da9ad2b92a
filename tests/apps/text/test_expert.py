"""The n-gram expert: rare classes can be made to count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from apps.text.expert import NAIVE, RARE, STRENGTHS, GramExpert, Problem, Rows, _matrix
from apps.text.ragged import Ragged


@pytest.mark.parametrize("several", [False, True])
def test_balanced_classes_count_alike(several: bool) -> None:
    targets = torch.tensor([0] * 18 + [1] * 2)
    grams = Ragged(np.zeros(20, np.int32), np.arange(21))  # every text holds the same one n-gram: it tells nothing
    given = torch.nn.functional.one_hot(targets, 2).float() if several else targets

    def rare(balanced: bool) -> float:
        expert = GramExpert(1, 2)
        expert.fit(grams, given, balanced)
        logits = expert(torch.tensor([0]), torch.tensor([0]))
        return (logits.sigmoid() if several else logits.softmax(1))[0, 1].item()

    assert rare(False) == pytest.approx(0.1, abs=0.02) and rare(True) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("wish", "chosen"), [(1, (STRENGTHS[1], NAIVE)), (-1, (STRENGTHS[0], 0.0)), (0, (STRENGTHS[0], NAIVE))]
)
def test_validation_chooses_the_strength_and_the_share_of_naive_bayes(wish: int, chosen: tuple[float, float]) -> None:
    """Of weights that are wished long, short, or not judged: these stay as they were fitted."""
    targets = torch.tensor([0, 1] * 30)
    grams = Ragged(np.tile(np.array([0, 1], np.int32), 30), np.arange(61))
    expert = GramExpert(2, 2)
    expert.fit(grams, targets)
    before = expert.weight.detach().clone()
    expert.tune(grams, targets, False, lambda: -wish * expert.weight.detach().abs().sum().item())
    assert (expert.strength, expert.naive) == chosen
    assert torch.equal(expert.weight, before) == (wish == 0)


def test_two_classes_are_fitted_as_of_many() -> None:
    draws = np.random.default_rng(0)
    rows = [np.sort(draws.choice(20, 5, replace=False)) for _ in range(100)]
    grams = Ragged(np.concatenate(rows).astype(np.int32), np.arange(0, 501, 5))
    targets = torch.tensor([int(7 in row or 3 in row) for row in rows])
    one, both = (Problem(_matrix(grams, 20), targets, 2, None) for _ in range(2))
    both.opposite, both.ratios, both.bayes = False, one.ratios.repeat(1, 2), torch.cat([-one.bayes, one.bayes], 1)
    for a, b in zip(one.solve(0.01, NAIVE), both.solve(0.01, NAIVE), strict=True):
        assert torch.allclose(a, b, atol=0.02)


def test_a_strong_penalty_leaves_naive_bayes() -> None:
    from sklearn.naive_bayes import MultinomialNB

    targets = torch.tensor([0, 0, 1, 1, 1, 0])
    matrix = _matrix(Ragged(np.array([0, 1, 0, 2, 1, 2, 2, 3, 2, 0, 1], np.int32), np.array([0, 2, 3, 5, 7, 9, 11])), 4)
    bayes = MultinomialNB(alpha=RARE).fit(matrix, targets.numpy()).feature_log_prob_
    weight, _ = Problem(matrix, targets, 2, None).solve(1e6, NAIVE)
    assert torch.allclose(weight[:, 1], NAIVE * torch.from_numpy(bayes[1] - bayes[0]).float(), atol=1e-4)
    assert torch.allclose(weight[:, 0], -weight[:, 1])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_share_the_rows_of_a_product(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a matrix whose first and last rows are empty, as the sums of a single thread to the last bit."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr("apps.text.expert.MANY", 0)
    grams = Ragged.of_lists([[], [0, 2], [1], [], [0, 1, 2], []])
    columns = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    for matrix, factor in ((_matrix(grams, 3), columns), (_matrix(grams, 3).T.tocsr(), columns.repeat(2, 0))):
        assert np.array_equal(Rows(matrix) @ factor, matrix @ factor)
