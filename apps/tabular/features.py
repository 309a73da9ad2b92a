"""Columns <-> features: numbers made comparable, dates taken apart, categories looked up. Each is fitted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from apps.tabular.columns import parse_number, plain_words, spelled, to_numbers, to_words, words_only
from apps.tabular.dates import to_seconds
from apps.tabular.kinds import CODE, COMMAS, DATE, MIXED, TEXT, Kind
from apps.tabular.texts import TextProjection

UNKNOWN = 0
"""The code of a category that training never saw, or saw too seldom to learn."""

MOST_WORDS = 20_000
DAY = 86_400.0
FAR = 1e6
"""Scaled numbers stay within this: float32 keeps them apart, and their squares finite."""


def date_parts(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """The days since 1970 and the parts of a calendar date and time; NaN stays NaN in each."""
    missing = ~np.isfinite(seconds)
    whole = np.where(missing, 0, seconds)
    days = np.floor(whole / DAY)
    stamps = days.astype("int64").astype("datetime64[D]")
    months = stamps.astype("datetime64[M]").astype("int64")
    years = stamps.astype("datetime64[Y]")
    parts = {
        "elapsed days": whole / DAY,
        "year": years.astype("int64") + 1970.0,
        "month": months % 12 + 1.0,
        "day": (stamps - stamps.astype("datetime64[M]")).astype("int64") + 1.0,
        "day of year": (stamps - years).astype("int64") + 1.0,
        "weekday": (days + 3) % 7,  # 1970 began on a Thursday; Monday is 0
        "hour": (whole - days * DAY) / 3600,
    }
    return {name: np.where(missing, np.nan, part) for name, part in parts.items()}


def raw_numbers(kind: Kind, column: np.ndarray, text: TextProjection | None = None) -> dict[str, np.ndarray]:
    """The numbers that a column gives: its own under "", a date's and a text's by part."""
    if kind.kind == TEXT:
        return {} if text is None else text.encode(to_words(column))
    if kind.kind == DATE:
        return date_parts(to_seconds(column, kind.detail))
    return {"": to_numbers(column, kind.detail == COMMAS)}


def raw_words(kind: Kind, column: np.ndarray) -> np.ndarray:
    """The cells of a column that `Category` takes for words."""
    if kind.kind == CODE:
        return plain_words(column)
    return words_only(column) if kind.kind == MIXED else column


@dataclass(frozen=True)
class Number:
    """(value - centre) / scale within the training span; a missing one stands at the median, and is flagged
    where training had some. Robust scaling: Holzmuller et al. 2024, arXiv:2407.04491, appendix."""

    column: str
    part: str
    centre: float
    scale: float
    low: float
    high: float
    flagged: bool

    @classmethod
    def fit(cls, column: str, part: str, values: np.ndarray) -> Number | None:
        """None where the finite values are all alike and nothing is missing: nothing to learn from."""
        finite = values[np.isfinite(values)]
        flagged = bool(np.isnan(values).any())
        if not len(finite) or (finite.min() == finite.max() and not flagged):
            return None
        low, quarter, centre, three, high = np.quantile(finite, (0, 0.25, 0.5, 0.75, 1), method="nearest")
        width = (three - quarter) / 1.349 or (high - low) / 2 or 1.0
        scale = width if np.isfinite(width) else 1e300
        return cls(column, part, float(centre), max(float(scale), 1e-300), float(low), float(high), flagged)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Float32 of the same length; infinities stand at the ends of the training span."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (np.clip(values, self.low, self.high) - self.centre) / self.scale
        return np.nan_to_num(np.clip(scaled, -FAR, FAR), nan=0.0).astype(np.float32)


@dataclass(frozen=True)
class Category:
    """Words to codes: UNKNOWN, then missing where training had it (None among `words`), then by frequency."""

    column: str
    words: tuple[str | None, ...]
    codes: dict[str | None, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", {word: i for i, word in enumerate(self.words, UNKNOWN + 1)})

    @classmethod
    def fit(cls, column: str, values: np.ndarray) -> Category:
        """A word seen once among many rows is left to the unknown bucket, which so learns something too."""
        counts = Counter(to_words(values).tolist())
        least = 2 if len(values) >= 200 else 1
        ranked = sorted((-number, word or "", word) for word, number in counts.items() if number >= least)
        return cls(column, tuple(word for _, _, word in ranked[:MOST_WORDS]))

    def __len__(self) -> int:
        """The number of codes."""
        return len(self.words) + 1

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Codes, int32: a loop in C over the dictionary's own lookup. A number in place of a word is the word that writes
        it: a few cells such as 007 are read as numbers where no other word stands among them."""
        words = to_words(values)
        codes = np.fromiter(map(self.codes.get, words.tolist(), repeat(UNKNOWN)), np.int32, len(values))
        if values.dtype != object and (unknown := (codes == UNKNOWN) & ~np.isnan(values)).any():
            by_number = {parse_number(word): code for word, code in reversed(self.codes.items())}
            codes[unknown] = [by_number.get(number, UNKNOWN) for number in values[unknown].tolist()]
        return codes

    def state(self) -> dict[str, Any]:
        return {"column": self.column, "words": list(self.words)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Category:
        words = (None if word is None else spelled(str(word)) for word in state["words"])
        return cls(str(state["column"]), tuple(words))


def find_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Edges of at most `bins` pieces, ascending and distinct, at least two; float32.

    Quantiles of the rows (Gorishniy et al. 2022, arXiv:2203.05556, section 3.1). Where most rows share a value
    many of these coincide: the places left over go to quantiles of the distinct values, so that a seldom number
    (a capital gain) has pieces too.
    """
    distinct = np.unique(values)
    if len(distinct) > bins + 1:
        edges = _quantiles(values, bins + 1)
        rest = np.setdiff1d(distinct, edges)
        spare = bins + 1 - len(edges)
        distinct = np.union1d(edges, _quantiles(rest, spare)) if spare else edges
    return distinct if len(distinct) > 1 else np.array([distinct[0] - 1, distinct[0] + 1], np.float32)


def _quantiles(values: np.ndarray, number: int) -> np.ndarray:
    return np.unique(np.quantile(values, np.linspace(0, 1, number), method="nearest"))


def pad_edges(edges: list[np.ndarray], bins: int) -> np.ndarray:
    """Edges of all numbers as one array, shape (numbers, bins + 1): the last edge is repeated."""
    padded = [np.concatenate([e, np.full(bins + 1 - len(e), e[-1], e.dtype)]) for e in edges]
    return np.stack(padded).astype(np.float32) if padded else np.zeros((0, bins + 1), np.float32)
