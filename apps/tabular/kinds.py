"""What each column of a table holds: number, category, both, date, text, or nothing to learn from. Inferred, and said."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from apps.tabular.columns import has_decimal_commas, is_number, numbers_among, to_numbers, to_words
from apps.tabular.dates import find_format, is_certain, is_open
from shared.errors import some
from shared.protocol import Columns

NUMBER, CATEGORY, DATE, TEXT = "number", "category", "date", "text"
MIXED, CODE = "number or word", "code"
"""Both a number and a category: a column that holds either; whole numbers that are names."""
CONSTANT, IDENTIFIER, GROUP = "constant", "identifier", "group"
OF_NUMBERS, OF_WORDS = (NUMBER, MIXED, CODE, DATE, TEXT), (CATEGORY, MIXED, CODE)
"""What gives the network numbers, and what gives it codes of words."""
USED = (NUMBER, CATEGORY, MIXED, CODE, DATE, TEXT)

MOSTLY = 0.95
"""Share of the filled cells that must be numbers, or dates, for the column to count as such."""

SELDOM, AMOUNTS = 0.05, 20
"""A column of words among which more than this share write numbers, more than so many distinct ones, is both."""

ENOUGH = 50
"""With fewer filled cells than this nothing is taken for an identifier."""

UNNAMED = re.compile(r"(Unnamed: \d+(\.\d+)?)?")
"""The name of an index that pandas or R wrote, in any order: what its numbers tell of the target was the order once."""

COMMAS = ","
"""How numbers are written as 1.234,5; else as they write them by themselves."""

YES_NO = {"true", "false", "yes", "no", "t", "f", "y", "n"}


@dataclass(frozen=True)
class Kind:
    """A column's name, what it holds, and the way it is written: a date's, or COMMAS of numbers."""

    name: str
    kind: str
    detail: str = ""


def find_kinds(columns: Columns, group: str | None = None) -> list[Kind]:
    """The kind of every column by its cells alone; `group` is the one that rows are kept together by."""
    return [Kind(name, GROUP) if name == group else _kind_of(name, column) for name, column in columns.items()]


def _kind_of(name: str, column: np.ndarray) -> Kind:
    return _of_words(name, column) if column.dtype == object else _of_numbers(name, column)


def _of_numbers(name: str, column: np.ndarray) -> Kind:
    filled = column[~np.isnan(column)]
    if not len(filled) or (len(filled) == len(column) and (filled == filled[0]).all()):
        return Kind(name, CONSTANT)
    numbered = _is_row_number(filled) or (UNNAMED.fullmatch(name) and _are_distinct_and_whole(filled))
    return Kind(name, IDENTIFIER if numbered and len(filled) == len(column) else NUMBER)


def _are_distinct_and_whole(numbers: np.ndarray) -> bool:
    return len(np.unique(numbers)) == len(numbers) and bool((numbers == np.floor(numbers)).all())


def _is_row_number(numbers: np.ndarray) -> bool:
    """Whole, rising from row to row with few gaps: says where a row stood, not what it is."""
    if len(numbers) < ENOUGH or not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    return bool((steps >= 1).all() and steps.mean() < 2 and (numbers == np.floor(numbers)).all())


def _of_words(name: str, column: np.ndarray) -> Kind:
    counts = Counter(column.tolist())
    missing = counts.pop(None, 0)
    filled = len(column) - missing
    if not filled or (len(counts) == 1 and not missing):
        return Kind(name, CONSTANT)
    words = list(counts)
    numbers = numbers_among(words)
    share, way = sum(counts[word] for word in numbers) / filled, COMMAS if has_decimal_commas(numbers) else ""
    if share >= MOSTLY:
        return replace(_of_numbers(name, to_numbers(column)), detail=way)
    if form := find_format(words):
        return Kind(name, DATE, form)
    if share > SELDOM and len(numbers) > AMOUNTS:
        return Kind(name, MIXED, way)
    spaces = float(np.mean([word.count(" ") for word in words[:1000]]))
    if filled >= ENOUGH and len(words) > 0.3 * filled and spaces >= 3:
        return Kind(name, TEXT)
    return Kind(name, IDENTIFIER if filled >= ENOUGH and len(words) > 0.9 * filled else CATEGORY)


def describe(kinds: list[Kind], columns: Columns) -> list[str]:
    """Sentences that say what was inferred, and what is left out and why."""
    by_kind = {kind: [k.name for k in kinds if k.kind == kind] for kind in (*USED, CONSTANT, IDENTIFIER, GROUP)}
    flags = sum(_is_flag(columns[name]) for name in (*by_kind[NUMBER], *by_kind[CATEGORY]))
    counted = [f"{len(by_kind[kind])} {kind}" for kind in USED if by_kind[kind]]
    said = [f"columns: {', '.join(counted)}" + (f" ({flags} of them yes or no)" if flags else "")]
    said += _guessed([kind for kind in kinds if kind.kind == DATE and is_open(kind.detail)], columns)
    for name in by_kind[NUMBER]:
        said += _words_among_numbers(name, columns[name])
    if by_kind[MIXED]:
        said.append(f"hold numbers in some rows and words in others, and are taken as both: {some(by_kind[MIXED], 10)}")
    if by_kind[CODE]:
        said.append(f"whole numbers taken as names too, by what each tells of the target: {some(by_kind[CODE], 10)}")
    reasons = {
        CONSTANT: "hold one value or none",
        IDENTIFIER: "differ in nearly every row, as identifiers or row numbers do",
        GROUP: "only say which rows belong together",
    }
    for kind, reason in reasons.items():
        if by_kind[kind]:
            said.append(f"left out, since they {reason}: {some(by_kind[kind], 10)}")
    return said


def _guessed(dates: list[Kind], columns: Columns) -> list[str]:
    """What to say of columns whose dates all fit two ways."""
    ways: dict[str, list[str]] = {}
    for kind in dates:
        words = {word for word in to_words(columns[kind.name]).tolist() if word is not None}
        if not is_certain(words, kind.detail):
            way = "day/month" if kind.detail.index("%d") < kind.detail.index("%m") else "month/day"
            ways.setdefault(way, []).append(kind.name)
    return [
        f"dates that may be day/month or month/day are taken for {way}: {some(names, 10)}; written as 2020-12-31 they "
        "would be certain"
        for way, names in ways.items()
    ]


def _words_among_numbers(name: str, column: np.ndarray) -> list[str]:
    if column.dtype != object:
        return []
    words = [word for word in column.tolist() if word is not None and not is_number(word)]
    kinds = some([repr(word) for word in dict.fromkeys(words)], 3)
    return [f"{name}: {len(words):,} cells that are no numbers are taken as missing ({kinds})"] if words else []


def _is_flag(column: np.ndarray) -> bool:
    if column.dtype != object:
        return bool(np.isin(column, (0, 1)).all())
    return {word.lower() for word in set(column.tolist()) if word is not None} <= YES_NO
