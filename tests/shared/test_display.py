"""What a person sees: lines, tables and numbers."""

from __future__ import annotations

import io

import pytest

from shared.display import Display, Forecast, metric_rows, number


def test_display_writes_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    display = Display(stream=stream)
    display.progress("epoch", 1, 2)
    display.say("done")
    display.table(metric_rows({"a": 0.5, "b": 12345.6}, {"a": 0.1, "other:b": 7}, "a"))
    assert "\r" not in stream.getvalue() and "\033" not in stream.getvalue()
    assert stream.getvalue().startswith("done\n") and "12,346" in stream.getvalue()


def test_quiet_display_still_warns() -> None:
    stream = io.StringIO()
    display = Display(quiet=True, stream=stream)
    display.say("nothing")
    display.warn("something")
    assert stream.getvalue() == "warning: something\n"


def test_numbers_read_well() -> None:
    assert [number(v) for v in (0.12345, 12.3456, 123456.7)] == ["0.1235", "12.35", "123,457"]
    assert [number(v) for v in (1e-5, -3.2e-7, 3.3e-10)] == ["1e-05", "-3e-07", "3e-10"]
    assert [number(v) for v in (-0.0, -1e-9, -0.00006)] == ["0.0000", "0.0000", "-0.0001"]


def test_time_is_foretold_once_and_only_when_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for a_step, said in ((0.5, "train: about 8 min more at most\n"), (0.001, "")):
        moments = iter(i * a_step for i in range(100))
        monkeypatch.setattr("shared.display.time.monotonic", lambda moments=moments: next(moments))
        shown = io.StringIO()
        forecast = Forecast(Display(stream=shown), "train")
        for left in range(1000, 960, -1):
            forecast.step(left)
        assert shown.getvalue() == said
