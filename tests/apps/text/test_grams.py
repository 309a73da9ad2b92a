"""Hashed n-grams do not depend on what stands beside a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.text import grams as module
from apps.text.grams import BITS, LONGEST, grams

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT, max_size=6), st.booleans())
def test_a_text_has_the_same_grams_alone_and_among_others(texts: list[str], letters: bool) -> None:
    together = grams(texts, letters)
    assert len(together) == len(texts)
    for i, text in enumerate(texts):
        row = together.values[together.offsets[i] : together.offsets[i + 1]]
        assert np.array_equal(row, grams([text], letters).values)
        assert (np.diff(row) > 0).all() and (row >= 0).all() and (row < 1 << BITS).all()


def test_words_pairs_and_triples_are_counted() -> None:
    assert len(grams(["one two three"], False).values) == 3 + 2 + 1
    assert len(grams(["One, two!"], False).values) == 4 + 3 + 2  # marks are words


def test_scripts_without_spaces_are_cut_by_character() -> None:
    assert len(grams(["房间很大"], False).values) == 4 + 3 + 2
    shared = set(grams(["房间很大"], False).values) & set(grams(["这个房间"], False).values)
    assert len(shared) == 3


def test_letters_find_what_spelling_hides() -> None:
    def shared(letters: bool) -> int:
        return len(set(grams(["disappointing"], letters).values) & set(grams(["disapointing"], letters).values))

    assert shared(True) > 5 > shared(False)


def test_case_and_spacing_do_not_matter() -> None:
    assert np.array_equal(grams(["A  Fine\tDay"], True).values, grams(["a fine day"], True).values)


def test_a_text_of_a_megabyte_is_seen_at_both_ends() -> None:
    text = "begin " + "x " * 600_000 + "end"
    assert len(text) > LONGEST
    found = set(grams([text], False).values)
    assert set(grams(["begin"], False).values) <= found and set(grams(["end"], False).values) <= found


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text number {i} of many" for i in range(50)]
    whole = grams(texts, True)
    monkeypatch.setattr(module, "_CHUNK", 100)
    cut = grams(texts, True)
    assert np.array_equal(whole.values, cut.values) and np.array_equal(whole.offsets, cut.offsets)
