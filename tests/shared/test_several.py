"""Several labels a row: the mark between them is found, they are rows of zero and one, measured and weighed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.errors import UserError
from shared.several import LabelPresence, LabelSets, find_separator, presence_metrics, settle_separator


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["a;b", "b", "a", "a;b"], ";"),
        (["a|b", "b|c", "a|c", "a|b|c", "b"], "|"),
        (["cat, black", "dog, white"] * 5, None),  # every name is one class's own
        (["cats", "dogs"] * 5, None),
        (["a;b"] + ["c"] * 9, None),  # one such cell is a name
        ([], None),
    ],
)
def test_separator_is_found_where_parts_are_used_again(cells: list[str], mark: str | None) -> None:
    assert find_separator(cells) == mark


@pytest.mark.parametrize(
    ("asked", "cells", "mark", "said"),
    [
        (
            "auto",
            ["a;b", "b", "a", "a;b"],
            ";",
            "several labels a text, separated by ';' (--separator none if it is not so)",
        ),
        ("|", ["a|b", "a"], "|", "several labels a text, separated by '|'"),
        (
            "|",
            ["a;b", "a"],
            "|",
            "several labels a text, separated by '|', which none of the 2 cells holds: each is one label "
            "(--separator names another mark)",
        ),
    ],
)
def test_what_is_said_of_the_separator(asked: str, cells: list[str], mark: str, said: str) -> None:
    assert settle_separator(asked, cells, "text") == (mark, [said])


def test_marks_that_may_part_labels_and_are_not_followed_are_told() -> None:
    """Three labels in three different cells are as likely three classes."""
    cells = ["red", "red;warm", "blue;cold"] * 5
    told = "10 cells hold ';' and are taken for one label each (--separator ';' if it parts labels)"
    assert settle_separator("auto", cells, "text") == ("none", [told])
    assert settle_separator("none", cells, "text") == ("none", [])
    assert settle_separator("auto", ["cat, black", "dog, white"] * 5, "text") == ("none", [])


def test_label_sets_are_rows_of_zero_and_one() -> None:
    labels = LabelSets.fit(np.array(["b; a", "a", "a;;c"], dtype=object), ";")
    assert labels.names == ("a", "b", "c") and labels.counts == (3, 1, 1) and labels.rows == 3
    assert labels.encode(np.array(["c;a", "b"], dtype=object)).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert LabelSets.from_state(labels.state()) == labels
    with pytest.raises(UserError, match=r"'z' \(labelled row 1\)"):
        labels.encode(np.array(["a;z"], dtype=object))
    (answer,) = labels.answers(torch.tensor([[0.6, 0.1, 0.9]]))
    assert answer["prediction"] == ["c", "a"] and answer["probabilities"]["b"] == pytest.approx(0.1)


def test_metrics_of_presence() -> None:
    targets = np.array([[1, 0], [0, 1], [1, 1.0]])
    perfect = presence_metrics(targets, targets)
    assert perfect["f1_macro"] == perfect["subset_accuracy"] == perfect["auc"] == 1 and perfect["log_loss"] < 1e-9
    worse = presence_metrics(np.array([[0.9, 0.6], [0.1, 0.9], [0.9, 0.9]]), targets)
    assert worse["accuracy"] == pytest.approx(5 / 6) and worse["subset_accuracy"] == pytest.approx(2 / 3)


def test_rare_labels_weigh_more_when_asked() -> None:
    labels = LabelSets(("common", "rare"), (50, 10), 100, ";")
    outputs, targets = torch.zeros(1, 2), torch.ones(1, 2)
    plain, weighed = (LabelPresence(labels, 0.0, kind).loss(outputs, targets) for kind in ("none", "auto"))
    assert float(weighed / plain) == pytest.approx((1 + 9) / 2)


def test_a_rare_label_that_weighs_more_is_not_asked_of_rows_without_it() -> None:
    labels = LabelSets(("common", "rare"), (50, 2), 100, ";")
    outputs = torch.tensor([[0.9, 0.1]]).logit().requires_grad_()
    LabelPresence(labels, 0.2, "auto").loss(outputs, torch.tensor([[1.0, 0.0]])).backward()
    assert outputs.grad is not None and outputs.grad.abs().max() < 1e-6
