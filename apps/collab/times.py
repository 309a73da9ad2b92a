"""Times in the forms people store them: seconds, or thousandths to billionths of one, since 1970; dates, also 20261123."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

BEYOND = 1e11
"""Since-1970 numbers beyond this are thousandths of a second: as seconds they would lie past the year 5000. Those beyond a
thousand times this are millionths, and so on."""

DAYS = (19_000_000, 21_010_000)
"""Between these lie dates written as one number, year, month and day."""

MONTHS = 12

UNITS = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}
"""Steps in a second of the integers that pandas stores dates as."""


def seconds(column: pd.Series, path: Path) -> np.ndarray:
    """Seconds since 1970 as float64; a missing time is as early as the earliest.

    Raises UserError naming the first row that is neither a number nor a date.
    """
    import pandas as pd

    if column.dtype.kind == "M":  # `to_numeric` gives the integers that are stored, in a unit that the file chose
        stored = pd.to_datetime(column, utc=True)
        numbers = np.where(stored.notna(), _since_1970(stored), np.nan)
    else:
        numbers = _days(pd.to_numeric(column, errors="coerce").to_numpy(float, copy=True))
    written = column.notna().to_numpy() & ~np.isfinite(numbers)
    if written.any():
        texts = column[written].astype(str).str.strip()
        dates = pd.to_datetime(texts, errors="coerce", format="mixed", dayfirst=_day_first(texts), utc=True)
        if dates.isna().any():
            row = int(np.flatnonzero(written)[int(np.flatnonzero(dates.isna())[0])])
            raise UserError(
                f"{path}: row {row + 1} of {column.name}: {str(column.iloc[row])[:40]!r} is no time; "
                "write 2026-11-23 or seconds since 1970"
            )
        numbers[written] = _since_1970(dates)
    plain = np.isfinite(numbers) & ~written
    while (finer := plain & (np.abs(numbers) > BEYOND)).any():
        numbers[finer] /= 1000
    known = np.isfinite(numbers)
    numbers[~known] = numbers.min(where=known, initial=np.inf) if known.any() else 0.0
    return numbers


def _days(numbers: np.ndarray) -> np.ndarray:
    """In seconds where all are dates such as 20261123: as seconds they would be of August 1970, a month in one sitting."""
    import pandas as pd

    known = np.isfinite(numbers)
    if not known.any() or not ((numbers[known] > DAYS[0]) & (numbers[known] < DAYS[1])).all():
        return numbers
    texts = pd.Series(numbers[known]).astype(int).astype(str)
    dates = pd.to_datetime(texts, format="%Y%m%d", errors="coerce", utc=True)
    if not dates.isna().any():
        numbers[known] = _since_1970(dates)
    return numbers


def _day_first(texts: pd.Series) -> bool:
    """Whether 5.11.2026 is in November: with points between, or where a first number is beyond 12."""
    found = texts.str.extract(r"^(\d{1,2})([./-])\d{1,2}[./-]\d{2,4}\b").dropna()
    return bool(len(found)) and bool((found[1] == ".").all() or (found[0].astype(int) > MONTHS).any())


def _since_1970(dates: pd.Series) -> np.ndarray:
    """Seconds; of a missing date some number."""
    return dates.astype("int64").to_numpy() / UNITS[getattr(dates.dtype, "unit", "ns")]
