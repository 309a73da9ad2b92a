"""A column that a person names is found, or told with what is near it."""

from __future__ import annotations

import numpy as np
import pytest

from shared.columns import check_classes, find_named
from shared.errors import UserError


def test_a_column_is_found_whatever_its_capitals() -> None:
    assert find_named(["Label", "label"], "label", "a.csv") == "label"
    assert find_named(["Text", "Label"], " label", "a.csv") == "Label"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("lable", "a.csv has no column 'lable'; did you mean 'label'? Its columns: text, label"),
        ("stars", "a.csv has no column 'stars'; its columns: text, label"),
    ],
)
def test_a_column_that_is_not_there_is_told(asked: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        find_named(["text", "label"], asked, "a.csv")
    assert str(refused.value) == said


def test_as_many_labels_as_rows_are_no_classes() -> None:
    check_classes(np.array([str(i) for i in range(20)], object), "a.csv: the target 'y'")
    with pytest.raises(UserError, match="a.csv: the target 'y' has 21 different values in 21 rows"):
        check_classes(np.array([str(i) for i in range(21)], object), "a.csv: the target 'y'")
