"""What numbers as they are written tell."""

from __future__ import annotations

import pytest

from shared.numerals import decimal_mark


@pytest.mark.parametrize(
    ("cells", "mark"),
    [(["3,5", "1.234"], ","), (["1,234", "0,125"], ","), (["1.234.567"], ","), ([",5"], ","), (["1234,567"], ",")]
    + [(["3.5", "1,234"], "."), (["1,234,567"], "."), (["1,234.5"], "."), (["3,5", "3.5"], ".")]
    + [(["1,234", "1.234", "7", "x,5", ""], ""), ([], "")],
)
def test_the_mark_before_the_fraction_is_told_by_cells_that_can_be_written_one_way_only(
    cells: list[str], mark: str
) -> None:
    assert decimal_mark(cells) == mark
