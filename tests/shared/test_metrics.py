"""Metrics against the textbooks and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.labels import Labels
from shared.metrics import Classification, Regression, classification_metrics, regression_metrics


def test_metrics_are_the_textbooks() -> None:
    found = classification_metrics(np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75 and found["auc"] == 1.0
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert regression_metrics(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == {"rmse": pytest.approx(2**0.5), "mae": 1.0}


def test_regression_clamps_to_the_span() -> None:
    objective = Regression(10.0, 2.0, (5.0, 12.0))
    assert objective.values(torch.tensor([0.0, 9.0, -9.0])).tolist() == [10.0, 12.0, 5.0]


def test_class_weights_take_the_networks_bfloat16() -> None:
    objective = Classification(Labels(("a", "b"), (3, 1)), class_weights="auto")
    outputs, targets = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([0, 1])
    assert objective.loss(outputs.bfloat16(), targets) == objective.loss(outputs, targets)


def test_a_weighed_row_is_still_answered_best_by_its_own_smoothed_class() -> None:
    objective = Classification(Labels(("a", "b"), (30, 1)), 0.2, "auto")
    outputs = torch.tensor([[0.9, 0.1]]).log().requires_grad_()
    objective.loss(outputs, torch.tensor([0])).backward()
    assert outputs.grad is not None and outputs.grad.abs().max() < 1e-6
    both, classes = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([0, 1])
    assert objective.loss(both, classes) == pytest.approx(float(objective.loss(both, torch.eye(2))))


def test_weights_chosen_are_those_best_at_classes_that_count_alike() -> None:
    labels = Labels(("a", "b"), (90, 10))
    unlearnt = {"accuracy": 0.9, "balanced_accuracy": 0.5, "log_loss": 0.3}
    learnt = {"accuracy": 0.8, "balanced_accuracy": 0.8, "log_loss": 0.5}
    plain, alike = Classification(labels), Classification(labels, class_weights="auto")
    assert plain.score(unlearnt) > plain.score(learnt) and alike.score(learnt) > alike.score(unlearnt)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 10**6), st.booleans())
def test_class_metrics_are_those_of_scikit_learn(classes: int, seed: int, ties: bool) -> None:
    from sklearn import metrics as sk

    draws = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), draws.integers(0, classes, 17)])
    scores = draws.random((len(targets), classes)) ** 3
    scores = scores.round(1) + 0.1 if ties else scores
    probabilities = scores / scores.sum(1, keepdims=True)
    found, predicted = classification_metrics(probabilities, targets), probabilities.argmax(1)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(targets, predicted, average="macro", zero_division=0))
    areas = [sk.roc_auc_score(targets == k, probabilities[:, k]) for k in range(classes)]
    assert found["auc"] == pytest.approx(areas[1] if classes == 2 else np.mean(areas))


def test_log_loss_of_a_sure_answer_is_no_minus_zero() -> None:
    assert str(classification_metrics(np.eye(2), np.arange(2))["log_loss"]) == "0.0"
