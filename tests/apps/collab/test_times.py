"""Times: every form that they are stored in gives the same seconds since 1970."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from apps.collab.times import seconds
from shared.errors import UserError

WHEN = [0, 978_300_760, 1_600_000_000]
DATES = pd.to_datetime(WHEN, unit="s")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(WHEN),
        *(pd.Series(WHEN) * 1000**power for power in (1, 2, 3)),
        *(pd.Series(DATES.as_unit(unit)) for unit in ("s", "ms", "us", "ns")),
        pd.Series(DATES.tz_localize("UTC").tz_convert("Europe/Berlin")),
        pd.Series(DATES.astype(str)),
        pd.Series(DATES.to_pydatetime(), dtype=object),
    ],
)
def test_forms_are_read_alike(column: pd.Series) -> None:
    assert seconds(column, Path("a.csv")).tolist() == WHEN


def test_a_missing_date_is_as_early_as_the_earliest() -> None:
    column = pd.Series([DATES[1], pd.NaT, DATES[2]])
    assert seconds(column, Path("a.csv")).tolist() == [WHEN[1], WHEN[1], WHEN[2]]


def test_what_is_no_time_is_named() -> None:
    with pytest.raises(UserError, match="row 2 of when: 'inf' is no time"):
        seconds(pd.Series(["1600000000", "inf"], name="when"), Path("a.csv"))


def test_dates_written_as_one_number() -> None:
    days = pd.Series(["20200913", None, "20200914.0"])
    assert seconds(days, Path("a.csv")).tolist() == [1599955200.0, 1599955200.0, 1600041600.0]
    assert seconds(pd.Series([20200913, 20201399]), Path("a.csv")).tolist() == [20200913, 20201399]
