"""Tables from files: csv, tsv, `::`-separated, json lines and parquet, also compressed, in the encodings people have.

Returns pandas frames; every fault of a file is a UserError that names the file, the line and the mend.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from shared.chunks import read_typed
from shared.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

COMPRESSED = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
DELIMITED = (".csv", ".tsv", ".txt", ".data", ".test", ".base", ".dat", ".tab")
SUFFIXES = (*DELIMITED, ".jsonl", ".ndjson", ".json", ".parquet", ".pq")
SPACES = r"\s+"
SAMPLE = 1 << 18


@dataclass(frozen=True)
class Layout:
    """How a delimited file is written."""

    encoding: str
    separator: str | None  # None: one column
    quoted: bool
    errors: str = "strict"


def kind_of(path: Path) -> str:
    """The suffix that tells the format, compression aside: `a.csv.xz` is ".csv"."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in (*COMPRESSED, ".zip"):
        suffixes = suffixes[:-1]
    return suffixes[-1] if suffixes else ""


def is_table(path: Path) -> bool:
    """Whether the name is one of a table."""
    return kind_of(path) in SUFFIXES


def find_parts(folder: Path) -> dict[str, Path]:
    """The tables of a folder by part: train, valid and test, by their file names' stems."""
    parts = {"train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid"}
    parts |= {"dev": "valid", "test": "test"}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        stem = path.name.split(".")[0].lower()
        if path.is_file() and is_table(path) and stem in parts:
            found.setdefault(parts[stem], path)
    return found if "train" in found else {}


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
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: give a file with rows")
    try:
        frame = _read(path, text, header, rows, columns)
    except (lzma.LZMAError, gzip.BadGzipFile, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: the compressed file is damaged ({error}); fetch it again") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    _refuse_twins(path, list(frame.columns))
    if not len(frame):
        raise UserError(f"{path} has no rows below its header: give a file with rows")
    return frame


def _refuse_twins(path: Path, names: list[str]) -> None:
    """Before pandas, which would quietly rename the second."""
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        raise UserError(f"{path}: two columns are named {twice!r}; rename one")


def _read(
    path: Path, text: bool, header: bool | None, rows: int | None, columns: Mapping[str, str] | None
) -> pd.DataFrame:
    kind = kind_of(path)
    if kind in (".parquet", ".pq", ".jsonl", ".ndjson", ".json"):
        frame = _read_parquet(path) if kind in (".parquet", ".pq") else _read_json(path, lines=kind != ".json")
        frame = frame if columns is None else frame[list(columns)]
        return frame if rows is None else frame.head(rows)
    return _read_delimited(path, text, header, {"nrows": rows}, columns)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError:
        raise UserError(f'{path}: parquet needs an extra: pip install "glance[parquet]"') from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a readable parquet file ({error})") from None


def _read_json(path: Path, lines: bool) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_json(path, lines=lines, dtype=False, convert_dates=False)
    except (ValueError, UnicodeError) as error:
        form = "json lines (one object a line)" if lines else "a json list of objects"
        raise UserError(f"{path} is not {form}: {error}") from None


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for reading, unpacking it on the way when it is compressed."""
    opener = COMPRESSED.get(path.suffix.lower())
    if opener is not None:
        return opener(path, "rb")  # type: ignore[operator]
    if path.suffix.lower() == ".zip":
        archive = zipfile.ZipFile(path)
        tables = [name for name in archive.namelist() if is_table(Path(name))]
        if len(tables) != 1:
            raise UserError(f"{path} holds {len(tables)} tables: unpack it and name one")
        return archive.open(tables[0])
    return path.open("rb")


def _read_delimited(
    path: Path, text: bool, header: bool | None, limits: dict[str, Any], columns: Mapping[str, str] | None
) -> pd.DataFrame:
    import pandas as pd

    layout = find_layout(path)
    first = _first_rows(path, layout)
    if header is None:
        header = looks_like_header(first)
    if header:
        _refuse_twins(path, [name.strip() for name in first[0]])
    options: dict[str, Any] = {
        "header": 0 if header else None,
        "quoting": csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
        "skipinitialspace": True,
        "index_col": False,
        **limits,
    }
    if text:
        options |= {"dtype": str, "keep_default_na": False, "na_values": [""]}
    else:
        options |= {"na_values": ["?"], "low_memory": False}
    separator = layout.separator or "\0"
    if separator == "::":  # pandas' fast parser takes one character: every second column is empty
        options |= {"usecols": range(0, 2 * len(first[0]) - 1, 2)}
        separator = ":"
    if columns is not None:
        names = [name.strip() for name in first[0]] if header else _numbered(len(first[0]))
        places = {names.index(name): name for name in columns}
        width = 2 if layout.separator == "::" else 1
        options |= {"names": [places[i] for i in sorted(places)], "usecols": [width * i for i in sorted(places)]}
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, layout.encoding, layout.errors, newline="") as file:
            options["sep"] = separator
            frame = pd.read_csv(file, **options) if columns is None else read_typed(file, options, columns)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise UserError(f"{path}: {_reason(error)}") from None
    return frame if header or columns is not None else frame.set_axis(_numbered(len(frame.columns)), axis=1)


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
    """Encoding, separator and quoting, from the file's beginning."""
    with open_bytes(path) as raw:
        sample = raw.read(SAMPLE)
    encoding, errors = find_encoding(sample)
    lines = sample.decode(encoding, "ignore").splitlines()[:200]
    lines = lines[:-1] if len(sample) == SAMPLE and len(lines) > 1 else lines
    separator = "\t" if kind_of(path) in (".tsv", ".tab") else _find_separator(lines)
    return Layout(encoding, separator, separator != "\t" or _well_quoted(lines), errors)


def find_encoding(sample: bytes) -> tuple[str, str]:
    """(encoding, how to treat broken bytes): by its mark, then UTF-8, UTF-16, GB18030, Windows-1252."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "strict"
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", "replace"
    broken = sample.decode("utf-8", "replace").rstrip("�").count("�")
    beyond_ascii = sum(byte > 127 for byte in sample)
    utf8 = broken * 20 <= beyond_ascii
    zeros = (sample[0::2].count(0), sample[1::2].count(0))  # UTF-16's commas and line ends: all on one side
    if min(zeros) * 10 < max(zeros) and (max(zeros) > len(sample) / 8 or not utf8):
        return ("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"), "strict"
    if utf8:
        return "utf-8", "replace"
    decoded = sample.decode("gb18030", "replace")
    chinese = sum("一" <= letter <= "鿿" for letter in decoded)
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample))  # European letters stand alone
    mostly_chinese = chinese * 2 * 2 > beyond_ascii and alone * 2 < beyond_ascii
    if decoded.rstrip("�").count("�") * 20 <= chinese and mostly_chinese:
        return "gb18030", "replace"
    return "cp1252", "replace"


def _find_separator(lines: list[str]) -> str | None:
    lines = [line for line in lines if line.strip()]
    best, most = None, 1
    for separator in ("::", "\t", ",", ";", "|"):
        if separator == "::":
            widths = [len(line.split("::")) for line in lines]
        else:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        common = max(set(widths), key=widths.count) if widths else 1
        steady = widths.count(common) >= 0.8 * len(widths)
        if steady and common > most:
            best, most = separator, common
    return best or (SPACES if _are_spaced(lines) else None)


def _are_spaced(lines: list[str]) -> bool:
    """Whether blanks separate cells: two or more in every line, as many in all, and numbers in the last column."""
    cells = [line.split() for line in lines]
    steady = len(cells) > 1 and len(cells[0]) > 1 and len({len(row) for row in cells}) == 1
    return steady and all(_is_number(row[-1]) for row in cells[1:])


def _well_quoted(lines: list[str]) -> bool:
    """Whether a tab-separated file quotes its cells; many (GLUE's) hold bare quotation marks as text."""
    cells = [cell for line in lines for cell in line.split("\t") if '"' in cell]
    return bool(cells) and all(len(c) > 1 and c.startswith('"') and c.endswith('"') for c in cells)


def _first_rows(path: Path, layout: Layout, rows: int = 100) -> list[list[str]]:
    with open_bytes(path) as raw:
        sample = raw.read(SAMPLE).decode(layout.encoding, "ignore")
    lines = [line for line in sample.splitlines() if line.strip()][:rows]
    if not lines:
        raise UserError(f"{path} holds no text: give a file with rows")
    if layout.separator is None:
        return [[line] for line in lines]
    if layout.separator == SPACES:
        return [line.split() for line in lines]
    if layout.separator == "::" or not layout.quoted:
        return [line.split(layout.separator) for line in lines]
    return list(csv.reader(lines, delimiter=layout.separator))


def looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row names columns: no cell of it is a number, empty, long, or a value seen below,
    or it stands out as words above a column of numbers."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if len(set(first)) < len(first) or any(_is_number(cell) for cell in first) or not all(first):
        return False
    if not rest:
        return True
    columns = [[row[i].strip() for row in rest if i < len(row)] for i in range(len(first))]
    if any(column and all(_is_number(cell) for cell in column if cell) and any(column) for column in columns):
        return True
    repeated = any(name in column for name, column in zip(first, columns, strict=True))
    return not repeated and all(len(name) <= 40 for name in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in {"nan", "inf", "infinity", "-inf"}
