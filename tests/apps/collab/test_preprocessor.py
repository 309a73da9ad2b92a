"""The preprocessor: any value goes in, nothing raises, and its state survives JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.collab.preprocessor import CollabPreprocessor
from shared.errors import UserError
from shared.protocol import Examples

VALUES = st.one_of(st.none(), st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.binary(max_size=4))


def column(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def fitted(task: str = "ratings") -> CollabPreprocessor:
    inputs = {"user": column(["u", "u", "v", "w"]), "item": column(["i", "j", "i", "i"])}
    targets = column([1.0, 5.0, 3.0, 3.0]) if task == "ratings" else np.stack([inputs["user"], inputs["item"]], 1)
    return CollabPreprocessor.fit(Examples(inputs, targets), task)


def again(preprocessor: CollabPreprocessor) -> CollabPreprocessor:
    state = json.loads(json.dumps(preprocessor.state(), allow_nan=False))
    return CollabPreprocessor.restore(state, preprocessor.tensors())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=8), st.sampled_from(["ratings", "ranking"]))
def test_anything_is_encoded_and_answered(pairs: list[tuple[Any, Any]], task: str) -> None:
    preprocessor = fitted(task)
    inputs = {"user": column([u for u, _ in pairs]), "item": column([i for _, i in pairs])}
    encoded = preprocessor.encode(inputs)
    assert len(encoded) == len(pairs)
    outputs = torch.zeros(len(pairs), 2) if task == "ratings" else torch.zeros(len(pairs), 3)
    answers = preprocessor.decode(outputs, inputs)
    assert len(answers) == len(pairs)
    json.dumps(answers, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8))
def test_anything_is_learnt_and_survives_json(pairs: list[tuple[Any, Any]]) -> None:
    inputs = {"user": column([u for u, _ in pairs] + ["a", "b"]), "item": column([i for _, i in pairs] + ["c", "d"])}
    targets = np.arange(len(pairs) + 2, dtype=float)
    preprocessor = CollabPreprocessor.fit(Examples(inputs, targets), "ratings")
    for before, after in zip(
        preprocessor.encode(inputs).tensors, again(preprocessor).encode(inputs).tensors, strict=True
    ):
        assert before.tolist() == after.tolist() and before.min() > 0


def test_seen_items_are_known_by_user() -> None:
    preprocessor = fitted()
    assert preprocessor.seen.of(1).tolist() == [1, 2] and preprocessor.seen.of(0).tolist() == []
    assert preprocessor.item_counts.tolist() == [0, 3, 1]
    rows, items = preprocessor.seen.cells(torch.tensor([3, 0, 1]))
    assert rows.tolist() == [0, 2, 2] and items.tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("user", "item", "basis"),
    [("u", "i", "personal"), ("u", "?", "user-only"), ("?", "i", "item-only"), (None, None, "mean")],
)
def test_rating_names_its_basis_and_stays_on_the_scale(user: Any, item: Any, basis: str) -> None:
    answer = fitted().decode(torch.tensor([[9.0, 0.5]]), {"user": column([user]), "item": column([item])})[0]
    assert answer["basis"] == basis and answer["prediction"] == answer["value"] == 5.0
    assert answer["support"] == {"user": 2 * (user == "u"), "item": 3 * (item == "i")}


def test_ranking_answer_names_rank_and_basis() -> None:
    inputs = {"user": column(["u", "?", "u"]), "item": column(["j", "i", "?"])}
    answers = fitted("ranking").decode(torch.tensor([[0.0, 0.2, 0.9]] * 3), inputs)
    assert [(a["basis"], a["rank"]) for a in answers] == [("personal", 1), ("popular", 2), ("user-only", 3)]


def test_targets_become_tensors() -> None:
    assert fitted().encode_targets(column([2.0, 4.5])).tolist() == [2.0, 4.5]
    pairs = np.array([["u", "j"], ["?", "i"], ["!", "i"], ["?", "j"]], dtype=object)
    (known, first, other, same) = fitted("ranking").encode_targets(pairs).tolist()
    assert known == [1, 2] and first[0] == same[0] < 0 > other[0] != first[0]
    assert fitted("ranking").encode_targets(pairs[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("items", "ratings", "said"), [("ii", [1.0, 2.0], "one item"), ("ij", [2.0, 2.0], "every rating is 2")]
)
def test_nothing_to_learn_is_said(items: str, ratings: list[float], said: str) -> None:
    examples = Examples({"user": column(["u", "v"]), "item": column(list(items))}, np.array(ratings))
    with pytest.raises(UserError, match=said):
        CollabPreprocessor.fit(examples, "ratings")
