"""Dates as people write them: which way a column has, and its dates as seconds."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timezone

import numpy as np

from apps.tabular.columns import mapped, to_words

ISO = "iso"

FORMATS = (
    *(ISO, "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"),
    *("%d %B %Y", "%B %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M"),
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
    *("%d.%m.%Y %H:%M:%S", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    *("%d-%b-%y", "%Y-%m-%d", "%Y.%m.%d", "%Y-%m"),
)
"""Ways of writing a date, tried in this order; ISO is ISO 8601, also with UTC behind."""

MONTH = re.compile(r"(19|20)\d\d-\d\d")
"""A month by itself; 4711-01 and 2001-1 are numbers of orders or parts."""

LOOKED_AT = 200
"""Of more distinct words so many are tried, evenly out of all: the first days of a log fit two ways."""

ENOUGH = 21
"""Where the first so many of those fit no way at all, too few can."""


def to_seconds(column: np.ndarray, form: str) -> np.ndarray:
    """Dates as float64 seconds since 1970 (UTC where no zone is given): those in `form`, and those in ISO 8601, as which
    the dates of a DataFrame come; NaN where neither fits."""
    words = to_words(column)
    found = {word: parse_date(word, form) for word in set(words.tolist())}
    return mapped(words, {word: parse_date(word, ISO) if date != date else date for word, date in found.items()})


def parse_date(word: str | None, form: str) -> float:
    """Seconds since 1970 of a date written in one of FORMATS; NaN when it is not."""
    if word is None or (form == "%Y-%m" and not MONTH.fullmatch(word)):
        return math.nan
    try:
        found = _from_iso(word) if form == ISO else datetime.strptime(word, form)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def _from_iso(word: str) -> datetime:
    """Raises ValueError where it is none. Python 3.10 knows no Z, and no Python knows UTC by name."""
    return datetime.fromisoformat(word.removesuffix("Z").removesuffix(" UTC"))


def find_format(words: Sequence[str], share: float = 0.95) -> str | None:
    """The way of FORMATS in which at least `share` of these distinct words are dates; None when there is none."""
    if not words:
        return None
    tried = words[:: -(-len(words) // LOOKED_AT)]
    if not any(_fitting(tried[:ENOUGH], form) for form in FORMATS):
        return None
    best = _best(tried, FORMATS)
    if _fitting(tried, best) < share * len(tried):
        return None
    return best if is_certain(tried, best) else _best(words, (best, swapped(best)))


def _best(words: Sequence[str], forms: Sequence[str]) -> str:
    """The first of those that fit most words."""
    return max(forms, key=lambda form: _fitting(words, form))


def _fitting(words: Sequence[str], form: str) -> int:
    return sum(math.isfinite(parse_date(word, form)) for word in words)


def swapped(form: str) -> str:
    """The same way with day and month changed about."""
    return form.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")


def is_certain(words: Collection[str], form: str) -> bool:
    """Whether some word tells which is the day and which the month."""
    return not is_open(form) or any(math.isnan(parse_date(word, swapped(form))) for word in words)


def is_open(form: str) -> bool:
    """Whether people write dates with day and month changed about, too."""
    return swapped(form) != form and swapped(form) in FORMATS
