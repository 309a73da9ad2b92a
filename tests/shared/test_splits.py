"""Splits: stratified, repeatable, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UserError
from shared.protocol import Examples
from shared.splits import complete, random_rows, split_off, stratified


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=200), st.floats(0, 0.9), st.integers(0, 9))
def test_stratified_split_keeps_every_row_and_one_of_each_label(labels: list[str], share: float, seed: int) -> None:
    array = np.array(labels, dtype=object)
    kept, held = stratified(array, share, seed)
    assert sorted([*kept, *held]) == list(range(len(labels)))
    assert set(array[kept]) == set(labels)
    again = stratified(array, share, seed)
    assert (again[0] == kept).all() and (again[1] == held).all()


def test_shares_of_the_labels_are_kept() -> None:
    labels = np.array(["rare"] * 20 + ["common"] * 180)
    _, held = stratified(labels, 0.2, 0)
    assert len(held) == 40 and (labels[held] == "rare").sum() == 4


def test_another_seed_gives_another_split() -> None:
    labels = np.array(["a", "b"] * 100)
    assert (stratified(labels, 0.2, 0)[1] != stratified(labels, 0.2, 1)[1]).any()


def test_many_rare_labels_still_give_the_share() -> None:
    labels = np.repeat(np.arange(150), 4).astype(str)
    assert len(stratified(labels, 0.1, 0)[1]) == 60


def test_rows_of_rare_labels_are_held_out_by_the_same_chance_whatever_their_order_and_number() -> None:
    sizes = np.repeat([2, 3, 9, 2, 3, 9], 300)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    held = np.zeros(len(labels))
    held[stratified(labels, 0.1, 0)[1]] = 1
    for half in (labels < 900, labels >= 900):
        for size in (2, 3, 9):
            assert held[half & (sizes[labels] == size)].mean() == pytest.approx(0.1, abs=0.03)


def test_random_rows_are_all_there() -> None:
    kept, held = random_rows(10, 0.3, 0)
    assert len(held) == 3 and sorted([*kept, *held]) == list(range(10))


def rows(number: int) -> Examples:
    return Examples({"x": np.arange(number)}, np.array(["a", "b"] * (number // 2)))


def test_nothing_given_makes_valid_and_test_of_the_whole() -> None:
    train, valid, test = complete(rows(100), None, None, (0.1, 0.2), 0)
    assert (len(train), len(valid), len(test)) == (70, 10, 20)
    assert sorted(np.concatenate([p.inputs["x"] for p in (train, valid, test)])) == list(range(100))


def test_a_given_test_leaves_the_rest_for_train_and_valid() -> None:
    train, valid, test = complete(rows(100), None, rows(6), (0.1, 0.2), 0)
    assert (len(train), len(valid), len(test)) == (90, 10, 6)


def test_a_given_valid_makes_no_test() -> None:
    train, valid, test = complete(rows(100), rows(6), None, (0.1, 0.2), 0)
    assert (len(train), len(valid), len(test)) == (100, 6, 0)


def test_rows_of_several_labels_are_held_out_whether_others_have_the_same_or_not() -> None:
    """Of cells that stand once none had been held out; a label of one row stays with those that are learnt from."""
    pairs = [f"{a};{b}" for a in "abcdefghij" for b in "klmnopqrst"] + ["a"] * 99 + ["a;single"]
    cells = np.array(pairs, dtype=object)
    for seed in range(9):
        parts = complete(Examples(np.arange(200), cells), None, None, (0.1, 0.2), seed, ";")
        train, valid, test = (part.targets for part in parts)
        assert (len(train), len(valid), len(test)) in ((140, 20, 40), (141, 19, 40), (141, 20, 39))
        assert 6 <= sum("a;k" != cell != "a" for cell in valid) <= 16 and "a;single" in train
        assert sorted(np.concatenate([part.inputs for part in parts])) == list(range(200))


def test_labels_that_given_rows_alone_have_stay_there() -> None:
    given = Examples(np.arange(2), np.array(["a", "new"], dtype=object))
    _, valid, test = complete(
        Examples(np.arange(4), np.array(["a;b"] * 4, dtype=object)), None, given, (0.5, 0), 0, ";"
    )
    assert list(test.targets) == ["a", "new"] and len(valid) == 2


def test_share_of_everything_is_refused() -> None:
    with pytest.raises(UserError):
        split_off(rows(10), 1.0, 0)
    for valid, test in ((0.5, 0.5), (0.95, 0.1), (5.0, 0.0)):
        with pytest.raises(UserError, match="nothing to learn from"):
            complete(rows(100), None, None, (valid, test), 0)
    assert len(complete(rows(100), None, None, (0.94, 0.0), 0)[1]) == 94
