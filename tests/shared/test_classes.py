"""One label a row or several: the same words for both, and what an earlier model knows of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.artifact import Artifact
from shared.classes import answers_of, classes_from, fit_classes, objective_of, take_over
from shared.head import LinearHead


@pytest.mark.parametrize(("separator", "given"), [("none", "a;b"), ("auto", "a;b"), (";", ["a", "b"])])
def test_a_mark_between_labels_makes_them_several(separator: str, given: object) -> None:
    classes = fit_classes(np.array(["a;b", "b", "a;b"], object), separator)
    assert classes_from(classes.state()) == classes
    assert answers_of(classes, torch.tensor([[3.0, 2.0]]))[0]["prediction"] == given
    assert objective_of(classes, 0.0, "none").headline == ("f1_macro" if separator == ";" else "accuracy")


def test_classes_of_an_earlier_model_are_known_by_name() -> None:
    """One is written with its accent apart (macOS); a head of another width knows none."""
    state = {"labels": {"names": ["cafe\u0301", "other"]}}
    network = {
        "head.linear.weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "head.linear.bias": torch.tensor([5.0, 6.0]),
    }
    earlier = Artifact("text", {}, state, {}, network, {})
    classes, head = fit_classes(np.array(["bar", "caf\u00e9"], object), "none"), LinearHead(2, 2)
    assert take_over(head, classes, earlier) == 1
    assert head.linear.weight.tolist() == [[0, 0], [1, 2]] and head.linear.bias.tolist() == [0, 5]
    assert take_over(LinearHead(3, 2), classes, earlier) == 0
