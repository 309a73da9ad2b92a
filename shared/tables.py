"""Tables from files: csv, tsv, `::`-separated, json lines and parquet, also compressed, in the encodings people have.

Returns pandas frames; every fault of a file is a UserError that names the file, the line and the mend.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.chunks import CATEGORY, ROWS, joined
from shared.damage import damage_named
from shared.dialect import (
    SAMPLE,
    Layout,
    find_encoding,
    first_rows,
    for_pandas,
    guess_told,
    late_letters,
    layout_of,
    looks_like_header,
    other_than_text,
    pandas_options,
)
from shared.errors import UserError, first_line, readable
from shared.numerals import EXACT
from shared.zips import COMPRESSED, open_unpacked, tables_in

if TYPE_CHECKING:
    import pandas as pd

DELIMITED = (".csv", ".tsv", ".txt", ".data", ".test", ".base", ".dat", ".tab")
JSON_LINES, PARQUET = (".jsonl", ".ndjson"), (".parquet", ".pq")
SUFFIXES = (*DELIMITED, *JSON_LINES, ".json", *PARQUET)
open_bytes = partial(open_unpacked, suffixes=SUFFIXES)
UNREAD = "S1"
"""What pandas makes of the cells of a column that nobody asked for: their first byte."""


def kind_of(path: Path) -> str:
    """The suffix that tells the format, compression aside: `a.csv.xz` is ".csv"."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in (*COMPRESSED, ".zip"):
        suffixes = suffixes[:-1]
    return suffixes[-1] if suffixes else ""


def format_of(path: Path) -> str:
    """The same; of a zip that of the one table in it, whatever the zip is named."""
    if path.suffix.lower() == ".zip" and len(inside := tables_in(path, SUFFIXES)) == 1:
        return kind_of(Path(inside[0])) or ".csv"
    return kind_of(path)


def is_table(path: Path) -> bool:
    """Whether the name is one of a table."""
    return kind_of(path) in SUFFIXES


def read_table(
    path: Path,
    text: bool = False,
    header: bool | None = None,
    rows: int | None = None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Reads a table. `text`: every cell stays a string as written and only an empty one is missing; else
    pandas infers types. `header`: whether line one names the columns; None infers it. `rows`: so many at most.
    `columns`: these only, and, of a delimited file, as these pandas types ("category" keeps equal strings once).

    A file without a header has columns column_1, column_2, ...
    """
    with _faults_named(path):
        if columns is None or not is_delimited(path):
            frame = _tidy(path, next(_frames(path, text, header, rows)))
            frame = frame if rows is None else frame.head(rows)
            return frame if columns is None else frame[list(columns)]
        return _tidy(path, joined(_read_delimited(path, text, header, rows or ROWS, columns), columns))


def read_chunks(path: Path, rows: int, text: bool = True, header: bool | None = None) -> Iterator[pd.DataFrame]:
    """`read_table`, at most `rows` at a time, so that memory is bounded whatever the file's size. Without `text` pandas
    infers the types of each chunk by itself.

    Parquet, and json that is one list, come whole. Raises what `read_table` does.
    """
    with _faults_named(path):
        for frame in _frames(path, text, header, rows):
            yield _tidy(path, frame)


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise UserError(f"{path} is a folder: name a file in it" if path.is_dir() else f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: give a file with rows")
    with readable(path, "change its permissions", PermissionError), damage_named(path):
        yield


def _tidy(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    frame.columns = [str(name).strip() for name in frame.columns]
    refuse_twins(path, list(frame.columns))
    if not len(frame):
        raise UserError(f"{path} has no rows below its header: give a file with rows")
    return frame


def refuse_twins(place: object, names: list[str]) -> None:
    """Before pandas, which would quietly rename the second."""
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        raise UserError(
            f"{place}: two columns are named {twice!r}; rename one, or write a line of names above where that is a row"
        )


def _refuse_wide(path: Path, first: list[list[str]]) -> None:
    """Rows with more cells than the header names: pandas would quietly leave out the last ones where most rows have
    them, or the first, by whose cells it counts the others'."""
    wide = [i for i, row in enumerate(first[1:], 1) if any(cell.strip() for cell in row[len(first[0]) :])]
    if wide and (2 * len(wide) > len(first) - 1 or len(first[1]) > len(first[0])):
        raise UserError(
            f"{path}, row {wide[0]}: {len(first[wide[0]])} cells below a header of {len(first[0])}; "
            "quote cells that hold the separator, or name every column"
        )


def is_delimited(path: Path) -> bool:
    """Whether the file is of lines whose cells a separator parts: anything but json and parquet."""
    return format_of(path) not in (*JSON_LINES, ".json", *PARQUET)


def _frames(path: Path, text: bool, header: bool | None, rows: int | None) -> Iterator[pd.DataFrame]:
    """The whole table as one frame; with `rows`, frames of at most that many where the format allows."""
    if is_delimited(path):
        return _read_delimited(path, text, header, rows)
    if format_of(path) in PARQUET:
        return iter([_read_parquet(path)])
    return _read_json(path, format_of(path) != ".json", rows)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        with open_bytes(path) as raw:
            whole = path if path.suffix.lower() in PARQUET else io.BytesIO(raw.read())
            return _exact(pd.read_parquet(whole), whole)
    except ImportError:
        raise UserError(f'{path}: parquet needs an extra: pip install "glance[parquet]"') from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a readable parquet file ({first_line(error)})") from None


def _exact(frame: pd.DataFrame, source: Path | io.BytesIO) -> pd.DataFrame:
    """Whole numbers beside a gap, of which pandas makes floats, as they are where floats would round them."""
    import pandas as pd

    floats = [name for name in frame.columns if frame[name].dtype == float]
    rounded = [name for name in floats if frame[name].abs().max() >= EXACT]
    if not rounded:
        return frame
    exact = pd.read_parquet(source, columns=rounded, dtype_backend="numpy_nullable")
    return frame.assign(**{name: exact[name] for name in rounded if exact[name].dtype.kind in "iu"})


def _read_json(path: Path, lines: bool, rows: int | None) -> Iterator[pd.DataFrame]:
    import pandas as pd

    encoding, errors = _encoding(path, _sample(path))
    options: dict[str, Any] = {"lines": lines, "chunksize": rows if lines else None}
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors) as file:
            found = pd.read_json(file, dtype=False, convert_dates=False, **options)
            yield from [found] if isinstance(found, pd.DataFrame) else found
    except UserError:
        raise
    except (ValueError, TypeError, UnicodeError) as error:  # TypeError: pandas' at a line that is no object
        line = _broken_line(path, encoding, errors) if lines else None
        if line is not None:
            raise UserError(f"{path}, line {line}: not one json object; mend or delete the line") from None
        form = "json lines (one object a line)" if lines else "a json list of objects"
        raise UserError(f"{path} is not {form}: {error}") from None


def _broken_line(path: Path, encoding: str, errors: str) -> int | None:
    """The first line that is no json object."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors) as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    return number
            except ValueError:
                return number
    return None


def refuse_nested(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Raises UserError where a cell of these columns is a list or an object, as json and parquet can hold."""
    for name in columns:
        for row, cell in enumerate(frame[name].tolist() if frame[name].dtype == object else [], 1):
            if hasattr(cell, "__len__") and not isinstance(cell, str | bytes):
                raise UserError(
                    f"{path}, row {row}: {name!r} holds a list or an object; one value is needed: join several labels to "
                    'one text, as "a;b" (--separator)'
                )


def _read_delimited(
    path: Path, text: bool, header: bool | None, rows: int | None, columns: Mapping[str, str] | None = None
) -> Iterator[pd.DataFrame]:
    import pandas as pd

    layout = find_layout(path)
    first = first_rows(_sample(path), layout)
    if not first:
        raise UserError(f"{path} holds no text: give a file with rows")
    if header is None:
        header = looks_like_header(first)
    if header:
        _refuse_wide(path, first)
        refuse_twins(path, [name.strip() for name in first[0]])
    named = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(first[0])]  # as pandas names them
    names = named if header else _numbered(len(first[0]))
    options = pandas_options(layout, text, header)
    if columns is not None:  # all are read, for pandas' `usecols` takes rows of any width
        kinds = {name: "str" if kind == CATEGORY else kind for name, kind in columns.items()}
        options |= {"names": names, "dtype": dict.fromkeys(names, UNREAD) | kinds}
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, layout.encoding, layout.errors, newline="") as file:
            found = pd.read_csv(for_pandas(file, layout), chunksize=rows, **options)
            for frame in [found] if isinstance(found, pd.DataFrame) else found:
                if not header and columns is None:
                    frame.columns = _numbered(len(frame.columns))
                yield frame if columns is None else frame[list(columns)]
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise UserError(f"{path}: {_reason(error)}") from None


def _numbered(columns: int) -> list[str]:
    return [f"column_{i}" for i in range(1, columns + 1)]


def _reason(error: Exception) -> str:
    said = str(error).replace("Error tokenizing data. C error: ", "").strip()
    if "EOF inside string" in said:
        row = said.rsplit(" ", 1)[-1]
        return f"a quotation mark opened in row {row} is never closed; close it or double it"
    if "Expected" in said and "saw" in said:
        return f"{said}; quote cells that hold the separator"
    return f"{said}; save the file as UTF-8 csv"


def find_layout(path: Path) -> Layout:
    """Encoding, separator and quoting, from the file's beginning. Raises UserError where that is no text."""
    sample = _sample(path)
    if other := other_than_text(sample):
        raise UserError(f"{path} is no table of text but {other}; give csv, tsv, json or parquet")
    return layout_of(sample, *_encoding(path, sample), tabs=format_of(path) in (".tsv", ".tab"))


def told_encoding(path: Path) -> list[str]:
    """What to say of how a table's letters were read, where that is a guess."""
    return [] if format_of(path) in PARQUET else guess_told(_encoding(path, _sample(path))[0], path.name)


def _encoding(path: Path, sample: bytes) -> tuple[str, str]:
    """See `find_encoding`; of a file that begins with ASCII's letters alone by the first lines that have others."""
    if len(sample) < SAMPLE or not sample.isascii() or b"\0" in sample:
        return find_encoding(sample)
    file = path.stat()
    return find_encoding(_late_letters(path, file.st_mtime_ns, file.st_size) or sample)


@lru_cache(maxsize=16)
def _late_letters(path: Path, changed: int, size: int) -> bytes:
    """`late_letters` of a file as it is at this time: gone through once, though several ask."""
    with open_bytes(path) as raw:
        return late_letters(raw)


def _sample(path: Path) -> bytes:
    with open_bytes(path) as raw:
        return raw.read(SAMPLE)
