"""Rows of unlike length, and their different keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.text.ragged import distinct


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_distinct_keys_are_each_once_and_in_order(keys: list[int]) -> None:
    assert distinct(np.array(keys, np.uint64)).tolist() == sorted(set(keys))
