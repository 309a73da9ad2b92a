"""Cells of a table as arrays: float64 for numbers, object (str or None) for the rest. Needs no pandas."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.errors import UserError
from shared.numerals import ADDRESS, EXACT, OF_COMMAS, decimal_mark
from shared.protocol import Columns
from shared.tables import refuse_twins

if TYPE_CHECKING:
    import pandas as pd

EITHER = re.compile(r"[-+]?[1-9]\d{0,2}([.,])\d{3}")
"""Thousands, or a fraction of three digits: by itself a comma parts thousands, and a point the fraction."""

GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")
"""Thousands parted by commas, also as in India: 12,34,567."""

WITH_COMMA = re.compile(r"[-+]?(\d*|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?")
"""Any number of those who write 1.234,5."""

SPACED = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f'\u2019]\d{3})+(?![\d ])")
"""Thousands parted by blanks or apostrophes."""

TELEPHONE = re.compile(r"(\+\d{1,3} )?\d{3} \d{3} \d{3}")
"""A telephone number, as in Poland and Spain, that could be thousands."""

MISSING_WORDS = frozenset({"", "?", "na", "n/a", "nan", "none", "null", "nat", "<na>", "#n/a", "#n/a n/a", "#na"})

MARKS = "$€£¥₹₽₩₺₫₴₦฿% \u00a0\u202f"

TRUTHS = {"true": "True", "false": "False"}
"""pandas makes True of "true" where a file's column holds nothing else, so the word means the same everywhere."""

A_NUMBER = "(a number)"


def from_frame(frame: pd.DataFrame) -> Columns:
    """The columns of a pandas frame. Raises UserError where two are of one name."""
    refuse_twins("the DataFrame", [str(name) for name in frame.columns])
    return {str(name): from_series(frame[name]) for name in frame.columns}


def from_series(series: pd.Series, known: dict[str, str] | None = None, most: int = 0) -> np.ndarray:
    """A column of a pandas frame. `known` keeps words, `most` of them, so that equal ones of several blocks are one."""
    import pandas as pd

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype | pd.StringDtype):
        return _looked_up(series, {} if known is None else known, most)
    if pd.api.types.is_bool_dtype(kind):
        return _words(series.astype(object).to_list())
    if pd.api.types.is_integer_dtype(kind) and (series.abs() > EXACT).any():
        return _words(series.astype(object).to_list())
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return column_of(series.astype(object).to_list())


def _looked_up(series: pd.Series, known: dict[str, str], most: int) -> np.ndarray:
    """Words of a column whose distinct cells are looked at once."""
    codes, cells = series.factorize()
    words = np.empty(len(cells) + 1, object)  # the last, None, is that of code -1, a missing cell
    for i, cell in enumerate(cells.astype(object)):
        word = word_of(cell)
        words[i] = word if word is None or (len(known) >= most and word not in known) else known.setdefault(word, word)
    return words[codes]


def from_rows(rows: Sequence[Mapping[Any, Any]]) -> Columns:
    """The columns of rows given as mappings; a cell that a row lacks is missing. At least one row."""
    names = dict.fromkeys(str(name) for row in rows for name in row)
    texts = [{str(name): value for name, value in row.items()} for row in rows]
    columns = {name: column_of([row.get(name) for row in texts]) for name in names}
    return columns or {"": np.full(len(rows), None, object)}


def column_of(cells: Sequence[Any]) -> np.ndarray:
    """One column of any values: numbers when every cell is a number or missing, else words."""
    if all(cell is None or _is_amount(cell) for cell in cells):
        return np.array([math.nan if cell is None else _as_float(cell) for cell in cells], np.float64)
    return _words(cells)


def _is_amount(cell: Any) -> bool:
    """A number that float64 holds, or that is as good as infinite."""
    if isinstance(cell, int | np.integer):
        return not _is_flag(cell) and not EXACT < abs(int(cell)) < 10**300
    return isinstance(cell, float | np.number)


def _is_flag(cell: Any) -> bool:
    return isinstance(cell, bool | np.bool_)


def _as_float(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, TypeError, ValueError):  # an integer beyond float64, a complex number
        return math.inf if isinstance(cell, int) and cell > 0 else math.nan


def _words(cells: Sequence[Any]) -> np.ndarray:
    words = np.empty(len(cells), object)
    words[:] = [word_of(cell) for cell in cells]
    return words


def word_of(cell: Any) -> str | None:
    """A cell as a word, None when missing: 3.0 is "3", a date is ISO 8601, "TRUE" is "True"."""
    if isinstance(cell, str):
        word = cell.strip()
        return None if word.lower() in MISSING_WORDS else spelled(word)
    if cell is None or (isinstance(cell, float | np.floating) and math.isnan(cell)):
        return None
    if isinstance(cell, int | np.integer) and not _is_amount(cell) and not _is_flag(cell):
        return str(cell)
    if isinstance(cell, int | float | np.number) and not _is_flag(cell):
        return number_word(_as_float(cell))
    if isinstance(cell, datetime | date):
        return None if str(cell) == "NaT" else cell.isoformat()
    return word_of(cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))


def spelled(word: str) -> str:
    """The word; a truth in the one way that it is spelled, as models of version 0.1 do not."""
    return TRUTHS.get(word.lower(), word)


def number_word(number: float) -> str | None:
    """A number as a word: whole ones without a point."""
    if math.isnan(number):
        return None
    return str(int(number)) if math.isfinite(number) and number == int(number) else repr(float(number))


def to_words(column: np.ndarray) -> np.ndarray:
    """The column as words and None, whatever it was; distinct values are looked at once."""
    if column.dtype == object:
        return column
    return respelled(column, {value: number_word(value) for value in set(column.tolist())})


def to_numbers(column: np.ndarray, commas: bool = False) -> np.ndarray:
    """The column as float64; a word that is no number is NaN. `commas`: whether these part the fraction where the column
    itself does not tell."""
    if column.dtype != object:
        return column.astype(np.float64, copy=False)
    words = set(column.tolist())
    commas = has_decimal_commas(words, commas)
    return mapped(column, {word: parse_number(word, commas) for word in words})


def has_decimal_commas(words: Collection[str | None], otherwise: bool = False) -> bool:
    """Whether more of a column's words write numbers as 1.234,5 than as 1,234.5; `otherwise` where none tells."""
    parted = (_bare(word) for word in words if word is not None and ("," in word or word.count(".") > 1))
    if not otherwise and not any(map(OF_COMMAS.fullmatch, parted)):
        return False
    told = [decimal_mark([_bare(word)]) for word in words if word and ("," in word or "." in word)]
    return told.count(",") > told.count(".") or (otherwise and not any(told))


def from_commas(column: np.ndarray) -> np.ndarray:
    """A column of a file whose numbers have decimal commas: as numbers where it holds nothing else."""
    words = {word for word in column.tolist() if word is not None} if column.dtype == object else set()
    marked = any("," in word or "." in word for word in words)
    numeric = marked and all(map(WITH_COMMA.fullmatch, words)) and not all(map(ADDRESS.fullmatch, words))
    return to_numbers(column, commas=True) if numeric else column


def mapped(column: np.ndarray, values: Mapping[Any, float]) -> np.ndarray:
    """Each cell's value, float64: a loop in C over the dictionary's own lookup."""
    return np.fromiter(map(values.__getitem__, column.tolist()), np.float64, len(column))


def respelled(column: np.ndarray, words: Mapping[Any, str | None]) -> np.ndarray:
    """Each cell's word; None for a cell that has none, as NaN, which is not even itself."""
    found = np.empty(len(column), object)
    found[:] = [words.get(cell) for cell in column.tolist()]
    return found


def parse_number(word: str | None, commas: bool = False) -> float:
    """The number that a word writes, NaN when it writes none: "1,234.5", "1.234,5", "3,5", "12%", "1 234", "$5" and "($5)"
    count. `commas`: what could be thousands or a fraction, 1,234 and 1.234, is read as those do who write 3,5."""
    if word is None:
        return math.nan
    try:
        if not (commas and EITHER.fullmatch(word)):
            return float(word) if "_" not in word else math.nan
    except ValueError:
        pass
    plain = _bare(word)
    if not plain[-1:].isdigit() or "_" in plain:
        return math.nan
    if OF_COMMAS.fullmatch(plain) or (commas and EITHER.fullmatch(plain)):
        plain = plain.replace(".", "").replace(",", ".")
    elif "," in plain and GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return math.nan


def _bare(word: str) -> str:
    """A number without marks of currency and without what parts its thousands but points and commas."""
    plain = word.replace("\u2212", "-").strip(MARKS)
    if plain[:1] == "(" and plain[-1:] == ")":
        plain = "-" + plain[1:-1]
    if plain[:1] in ("-", "+"):
        plain = plain[0] + plain[1:].strip(MARKS)
    number = plain[-1:].isdigit() and plain[0] in "+-0123456789"
    parted = number and (" " in plain or "'" in plain or not plain.isascii())
    return SPACED.sub(lambda found: re.sub(r"\D", "", found[0]), plain) if parted else plain


def is_number(word: str) -> bool:
    """Whether `parse_number` finds one in it."""
    number = parse_number(word)
    return number == number


def numbers_among(words: Collection[str]) -> list[str]:
    """Those of a column's distinct words that write numbers; none where all of these are telephone numbers, or addresses."""
    numbers = [word for word in words if is_number(word)]
    names = all(map(TELEPHONE.fullmatch, numbers)) or all(map(ADDRESS.fullmatch, numbers))
    return [] if names else numbers


def words_only(column: np.ndarray) -> np.ndarray:
    """A column of words in which each cell that writes a number is one and the same word."""
    words = to_words(column)
    return respelled(words, {w: A_NUMBER if w is not None and is_number(w) else w for w in set(words.tolist())})


def plain_words(column: np.ndarray) -> np.ndarray:
    """A column as words in which a number is written in one way only: "007" and "7.0" are "7"."""
    words = to_words(column)
    return respelled(words, {word: number_word(parse_number(word)) or word for word in set(words.tolist())})


def _is_listed(cells: Any) -> bool:
    """Whether these are a column's cells: a list, a tuple, an array or a Series."""
    return isinstance(cells, list | tuple) or getattr(cells, "ndim", 0) == 1


def from_value(value: Any) -> tuple[Columns, bool]:
    """Python values as columns, and whether there was a single row: a dict, a list of dicts, a DataFrame.

    A dict of equally long lists, arrays or Series is a table too. Raises UserError at anything else.
    """
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        return from_frame(value), False
    if isinstance(value, Mapping):
        listed = {name: list(cells) for name, cells in value.items() if _is_listed(cells)}
        if listed and len(listed) == len(value) and len({len(cells) for cells in listed.values()}) == 1:
            return {str(name): column_of(cells) for name, cells in listed.items()}, False
        if listed:
            raise UserError(
                f"{next(iter(listed))!r} holds a list: give one value for every column, or lists that are equally long"
            )
        return from_rows([value]), True
    if hasattr(value, "to_dict") and hasattr(value, "index"):  # a row of a DataFrame
        return from_rows([value.to_dict()]), True
    if isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value):
        return from_rows(value), False
    if isinstance(value, list | tuple) and not value:
        return {"": np.empty(0, object)}, False
    raise UserError(
        f"a {type(value).__name__} is no row of a table: give a dict of column names and values, "
        "a list of such dicts, or a DataFrame"
    )
