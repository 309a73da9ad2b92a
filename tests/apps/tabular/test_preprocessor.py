"""Any value that a table can hold goes in; nothing raises; the fitted state survives JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.tabular.codes import kinds_of
from apps.tabular.columns import column_of, from_rows, parse_number, to_numbers
from apps.tabular.features import find_edges
from apps.tabular.kinds import CATEGORY, CONSTANT, DATE, IDENTIFIER, NUMBER, TEXT, find_kinds
from apps.tabular.preprocessor import TabularPreprocessor, fit, restore
from apps.tabular.recipe import TabularRecipe
from apps.tabular.texts import TextProjection
from shared.errors import UserError
from shared.protocol import Examples

CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["?", "NA", "1e999", "-inf", "2020-02-30", "2020-02-29", "0001-01-01", "12%", "1,000", "\x00", "😀"]
    ),
)


TABLE = st.lists(st.fixed_dictionaries({"a": CELL, "b": CELL, "c": CELL}), min_size=2, max_size=30)


def fitted(rows: list[dict[str, Any]]) -> TabularPreprocessor:
    targets = np.array(["x", "y"] * len(rows), object)[: len(rows)]
    return fit(Examples(from_rows(rows), targets), TabularRecipe(task="classification", bins=8))


def tensors_of(preprocessor: TabularPreprocessor, rows: list[dict[str, Any]]) -> tuple[torch.Tensor, ...]:
    return preprocessor.encode(from_rows(rows)).batch(torch.arange(len(rows)))


@settings(max_examples=150, deadline=None)
@given(train=TABLE, asked=TABLE)
def test_any_cell_is_encoded_and_the_state_survives_json(
    train: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    try:
        preprocessor = fitted(train)
    except UserError as error:
        assert "no column is left" in str(error)
        return
    numbers, flags, codes = tensors_of(preprocessor, asked)
    assert torch.isfinite(numbers).all() and codes.min() >= 0 if codes.numel() else True
    state = json.loads(json.dumps(preprocessor.state(), allow_nan=False))
    again = restore(state, preprocessor.tensors())
    assert again.state() == preprocessor.state()
    for before, after in zip((numbers, flags, codes), tensors_of(again, asked), strict=True):
        assert torch.equal(before, after)


def table(rows: int = 100) -> list[dict[str, Any]]:
    return [
        {
            "amount": math.nan if i % 7 == 0 else i * 1.5 % 11,
            "word": "abc"[i % 3],
            "day": f"2020-01-{i % 28 + 1:02}",
            "number in words": str(i % 9),
            "same": 1,
            "row": i,
            "code": f"k{i}",
            "story": f"a long tale number {i}",
        }
        for i in range(rows)
    ]


def test_kinds_are_found() -> None:
    found = {kind.name: kind.kind for kind in find_kinds(from_rows(table()))}
    assert found == {
        "amount": NUMBER,
        "word": CATEGORY,
        "day": DATE,
        "number in words": NUMBER,
        "same": CONSTANT,
        "row": IDENTIFIER,
        "code": IDENTIFIER,
        "story": TEXT,
    }


def test_an_index_without_a_name_is_no_feature_in_any_order() -> None:
    shuffled = np.random.default_rng(0).permutation(200)[:100].astype(float)
    columns = {"Unnamed: 0": shuffled, "id": shuffled, "Unnamed: 2": shuffled / 2, "": shuffled // 2}
    found = [kind.kind for kind in find_kinds(columns)]
    assert found == [IDENTIFIER, NUMBER, NUMBER, NUMBER]


def test_odd_values_at_prediction_are_answered() -> None:
    preprocessor = fitted(table())
    odd = [{"amount": "twelve", "word": 7, "day": "yesterday"}, {}, {"amount": math.inf, "word": None, "stranger": 1}]
    numbers, flags, codes = tensors_of(preprocessor, odd)
    assert torch.isfinite(numbers).all()
    assert flags[:, 0].tolist() == [1, 1, 0]  # a word among numbers and an absent column are missing
    assert codes[:, 0].tolist() == [0, 0, 0]  # the unknown bucket


def test_infinity_stands_at_the_end_of_the_training_span() -> None:
    preprocessor = fitted([{"a": float(i)} for i in (3, 1, 4, 1, 5, 9)])
    most = tensors_of(preprocessor, [{"a": 9}])[0]
    assert torch.equal(tensors_of(preprocessor, [{"a": math.inf}])[0], most)
    assert torch.equal(tensors_of(preprocessor, [{"a": 1e300}])[0], most)


def test_numbers_and_their_words_are_one_category() -> None:
    rows = [{"size": "XL" if i % 2 else "44"} for i in range(10)]
    preprocessor = fitted(rows)
    assert (
        tensors_of(preprocessor, [{"size": 44}])[2].tolist() == tensors_of(preprocessor, [{"size": "44"}])[2].tolist()
    )


def test_seldom_numbers_have_pieces_of_their_own() -> None:
    values = np.concatenate([np.zeros(1000), np.arange(1, 61)]).astype(np.float32)  # as capital gains are
    edges = find_edges(values, 32)
    assert len(edges) == 33 and (np.diff(edges) > 0).all() and (edges > 0).sum() >= 30
    assert (find_edges(values[-20:], 32) == values[-20:]).all()


@pytest.mark.parametrize(
    ("word", "number"),
    [("1,234.5", 1234.5), ("1,234", 1234), ("12,345,678", 12345678), ("3,5", 3.5), ("1.234,56", 1234.56)]
    + [
        ("0,125", 0.125),
        ("-7,25", -7.25),
        ("$1,200", 1200),
        ("-$1,200.50", -1200.5),
        ("$-3", -3),
        ("\u22125 €", -5),
        ("12%", 12),
        ("1.5", 1.5),
        ("1234,567", 1234.567),
        (",5", 0.5),
        ("1.234.567", 1234567),
        ("12,34,567", 1234567),
        ("1 234\u202f567,5 €", 1234567.5),
        ("1'234.50", 1234.5),
        ("₹1,234", 1234),
        ("($1,234.50)", -1234.5),
        ("1,2,3", None),
        ("12 34", None),
        ("2-", None),
    ],
)
def test_numbers_are_read_as_people_write_them(word: str, number: float | None) -> None:
    found = parse_number(word)
    assert math.isnan(found) if number is None else found == number


def test_a_column_tells_what_its_commas_part() -> None:
    def numbers(*words: str) -> list[float]:
        return to_numbers(np.array(words, object)).tolist()

    assert numbers("1,234", "0,205", "1.234") == [1.234, 0.205, 1234] and numbers("1,234", "950") == [1234, 950]
    assert numbers("3.184.808", "204.868", "826") == [3184808, 204868, 826]
    assert numbers("1,234", "0.5", "3,5") == [1234, 0.5, 3.5]
    words = np.array([f"{i % 9},{i:03}" for i in range(100)], object)
    fitted = fit(Examples({"x": words}, np.arange(100) % 7.0), TabularRecipe.make({"task": "regression"}))
    alone, number = (fitted.encode(from_rows([{"x": cell}])).tensors[0] for cell in ("5,123", 5.123))
    assert alone == number
    english = fitted.encode(from_rows([{"x": "5.123"}, {"x": "1.5"}])).tensors[0]
    assert english[0] == number


def test_whole_numbers_that_are_names_are_both() -> None:
    draws = np.random.default_rng(0)
    shop, size = draws.integers(1000, 1400, 20_000), draws.integers(0, 400, 20_000)
    worth = draws.normal(size=2000)
    targets = worth[shop] + np.sin(size / 60) + draws.normal(size=20_000)
    shops = np.where(draws.random(20_000) < 0.1, np.nan, shop)
    train = Examples({"shop": shops, "size": size.astype(float)}, targets)
    assert [kind.kind for kind in kinds_of(train, TabularRecipe(task="regression"))] == ["code", "number"]
    found = fit(train, TabularRecipe(task="regression", target_transform="none"))
    assert [c.column for c in found.categories] == ["shop"]
    assert [n.column for n in found.numbers] == ["shop", "size"]
    codes = found.encode({"shop": np.array([float(shop[0]), 5000.0]), "size": np.zeros(2)}).tensors[2]
    assert codes[0] > 0 and codes[1] == 0


def test_texts_of_one_matter_stand_together() -> None:
    draws = np.random.default_rng(0)
    words = (["rain", "cloud", "storm", "wind"], ["goal", "match", "team", "score"])
    texts = column_of([" ".join(draws.choice(words[i % 2], 5)) for i in range(200)] + [None])
    numbers = np.stack(list(TextProjection.fit(texts).encode(texts).values()), 1)
    assert np.isnan(numbers[-1]).all()
    rain, goal = numbers[0:200:2].mean(0), numbers[1:200:2].mean(0)
    nearer = np.linalg.norm(numbers[:200] - rain, axis=1) < np.linalg.norm(numbers[:200] - goal, axis=1)
    assert (nearer == (np.arange(200) % 2 == 0)).mean() > 0.95
