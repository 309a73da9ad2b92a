"""What a column holds: words that only look like numbers, and numbers among which one is written otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.tabular.blocks import read_columns
from apps.tabular.columns import column_of, to_numbers
from apps.tabular.kinds import NUMBER, find_kinds


@pytest.mark.parametrize("head", ["a;v\n", "a;v;w\n"])
@pytest.mark.parametrize("word", ["{0} {1} {2}", "+48 {0} {1} {2}", "{0}.{1}.{2}.{0}", "10.0.{0}.{1}"])
def test_telephone_numbers_and_addresses_are_no_amounts(tmp_path: Path, word: str, head: str) -> None:
    rows = [word.format(101 + i % 90, 111 + 7 * i % 139, 200 + i % 53) + f";{i},5;x\n" for i in range(60)]
    (tmp_path / "t.csv").write_text(head + "".join(row.replace(";x", ";x" if "w" in head else "") for row in rows))
    assert find_kinds(read_columns(tmp_path / "t.csv"))[0].kind != NUMBER


@pytest.mark.parametrize("form", ["{:,}", "{:_}"])
def test_amounts_of_many_millions_are_numbers(form: str) -> None:
    amounts = [99_111_222 * i for i in range(1, 40)]
    column = column_of([form.format(amount).replace(",", ".").replace("_", " ") for amount in amounts])
    assert find_kinds({"a": column})[0].kind == NUMBER and to_numbers(column).tolist() == amounts


def test_one_cell_with_a_point_does_not_make_thousands_of_fractions_with_commas() -> None:
    column = column_of(["1,405", "2,5", "7,25", "0.5"])
    assert to_numbers(column).tolist() == to_numbers(column, commas=True).tolist() == [1.405, 2.5, 7.25, 0.5]
    column = column_of(["1,405", "2.5", "7.25", "0,5"])
    assert to_numbers(column).tolist() == to_numbers(column, commas=True).tolist() == [1405, 2.5, 7.25, 0.5]
