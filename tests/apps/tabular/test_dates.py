"""Dates as people write them: read one way, in training and afterwards."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apps.tabular.columns import column_of
from apps.tabular.dates import find_format, parse_date, to_seconds
from apps.tabular.features import date_parts
from apps.tabular.kinds import describe, find_kinds


def test_date_parts_are_those_of_the_calendar() -> None:
    parts = date_parts(to_seconds(column_of(["2024-02-29T18:30:00", "1969-12-31", None]), "iso"))
    first = {name: part[0] for name, part in parts.items()}
    assert first == pytest.approx(
        {
            "elapsed days": 19782.7708333,
            "year": 2024,
            "month": 2,
            "day": 29,
            "day of year": 60,
            "weekday": 3,
            "hour": 18.5,
        }
    )
    assert parts["weekday"][1] == 2 and parts["elapsed days"][1] == -1
    assert all(math.isnan(part[2]) for part in parts.values())


@pytest.mark.parametrize(
    ("words", "day"),
    [
        (["24/12/2020", "01/02/2021"], "2020-12-24"),
        (["12/24/2020", "01/02/2021"], "2020-12-24"),
        (["24.12.2020"], "2020-12-24"),
        (["Dec 24, 2020"], "2020-12-24"),
        (["24.12.2020 18:30:05"], "2020-12-24T18:30:05"),
        (["24-12-2020 18:30", "01-02-2021 00:00"], "2020-12-24T18:30"),
        (["12/24/2020 6:30 PM", "1/2/2021 12:00 AM"], "2020-12-24T18:30"),
        (["12-24-2020", "01-02-2021"], "2020-12-24"),
        (["24-DEC-20"], "2020-12-24"),
        (["2020-12"], "2020-12-01"),
        (["2020-12-24", "2021-1-2"], "2020-12-24"),
        (["2020.12.24", "2021.1.2"], "2020-12-24"),
        (["2020-12-24 18:30:05 UTC", "2021-01-02 00:00:00 UTC"], "2020-12-24T18:30:05"),
    ],
)
def test_dates_are_read_as_people_write_them(words: list[str], day: str) -> None:
    form = find_format(words)
    assert form is not None and parse_date(words[0], form) == parse_date(day, "iso")


@pytest.mark.parametrize("words", [["4711-01", "4711-02"], ["2001-1", "2002-2"], ["1001-12", "2020-12"]])
def test_numbers_of_parts_are_no_months(words: list[str]) -> None:
    assert find_format(words) is None


def test_a_log_in_american_order_is_read_as_such() -> None:
    hours = np.datetime64("2011-01-01T00") + np.arange(3000).astype("timedelta64[h]")
    words = [hour.item().strftime("%m/%d/%Y %H:%M") for hour in hours]  # the first 200 fit both ways
    form = find_format(words)
    assert form is not None
    assert to_seconds(column_of(words), form).tolist() == hours.astype("datetime64[s]").astype(float).tolist()


def test_one_day_past_the_twelfth_among_many_tells_the_order() -> None:
    words = [f"{1 + i % 12:02}/{1 + i % 11:02}/{1700 + i}" for i in range(300)]
    words[150] = "03/31/1850"
    assert find_format(words) == "%m/%d/%Y"


def test_dates_that_fit_two_ways_are_told() -> None:
    columns = {"month": column_of([f"{1 + i % 12:02}/01/{2001 + i // 12}" for i in range(60)])}
    said = " ".join(describe(find_kinds(columns), columns))
    assert "day/month or month/day are taken for day/month: month" in said
    columns = {"month": column_of([f"{1 + i % 12:02}-01-{2001 + i // 12}" for i in range(60)])}
    assert "taken for day/month: month" in " ".join(describe(find_kinds(columns), columns))
    for certain in ("2001-{:02}-01", "01.{:02}.2001", "{:02}/31/2001"):
        columns = {"day": column_of([certain.format(month) for month in (1, 3, 5, 7, 8, 10, 12)] * 9)}
        assert "month/day" not in " ".join(describe(find_kinds(columns), columns))


def test_iso_dates_are_read_beside_any_other_way() -> None:
    same = to_seconds(column_of(["24.12.2020", "2020-12-24", "2020-12-24T00:00:00", "soon"]), "%d.%m.%Y")
    assert same[0] == same[1] == same[2] == parse_date("2020-12-24", "iso") and math.isnan(same[3])
