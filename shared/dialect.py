"""How a delimited file is written, told from its beginning: encoding, separator, quoting, and whether it has a header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import IO, Any, TextIO

from shared.errors import UserError
from shared.numerals import OF_COMMAS, OF_POINTS, decimal_mark

SPACES, TWO, ONE = r"\s+", "::", "\x1f"
"""Separators. pandas' fast parser takes one character: TWO give way to ONE, ASCII's own separator of units."""

WITH_COMMA = re.compile(r"[-+]?\d+,\d+")

LOOKED_AT, LONG = 1 << 21, 1 << 12
"""Lines, and bytes of each, in which letters beyond ASCII are looked for."""

TOLD = re.compile(r'\s*"?sep=([,;|\t])"?\s*', re.IGNORECASE)
"""A first line that tells a spreadsheet program what separates the cells below."""

SAMPLE = 1 << 18
"""Bytes of a file's beginning that tell."""

GUESSES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "gb18030": "GB18030 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
}
"""Encodings that are taken where nothing says so for certain: a letter's bytes are another alphabet's too."""

OTHERS = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a spreadsheet or a zip",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of old Excel",
    b"PAR1": "a parquet table: name it so, .parquet",
    b"\x1f\x8b": "compressed by gzip: name it so, .gz",
    b"\xfd7zXZ": "compressed by xz: name it so, .xz",
    b"BZh": "compressed by bzip2: name it so, .bz2",
    b"SQLite": "a database of SQLite",
    b"7z\xbc\xaf": "an archive of 7-Zip: unpack it",
    b"Rar!": "a RAR archive: unpack it",
}
"""Files that are taken for tables at times, by their first bytes."""

csv.field_size_limit(max(csv.field_size_limit(), SAMPLE))  # a cell may be longer than all that is looked at


@dataclass(frozen=True)
class Layout:
    """How a delimited file is written."""

    encoding: str
    separator: str | None  # None: one column
    quoted: bool
    errors: str = "strict"
    decimal: str = "."
    skipped: int = 0  # lines before the table


def layout_of(sample: bytes, encoding: str, errors: str, tabs: bool) -> Layout:
    """From a file's first SAMPLE bytes, and its encoding; `tabs`: its name says that tabs separate."""
    every = sample.decode(encoding, "ignore").splitlines()
    every = every[:-1] if len(sample) == SAMPLE and len(every) > 1 else every
    told = TOLD.fullmatch(every[0]) if every else None
    every = every[1:] if told else every
    lines = every[:200]
    separator = told[1] if told else "\t" if tabs else _find_separator(lines)
    quoted = separator != TWO and (separator != "\t" or _well_quoted(every))
    return Layout(encoding, separator, quoted, errors, _find_decimal(lines, separator), 1 if told else 0)


def find_encoding(sample: bytes) -> tuple[str, str]:
    """(encoding, how to treat broken bytes): by its mark, then UTF-8, UTF-16, then a guess by the letters."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "strict"
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", "replace"
    broken = sample.decode("utf-8", "replace").rstrip("�").count("�")
    beyond_ascii = sum(byte > 127 for byte in sample)
    utf8 = broken * 20 <= beyond_ascii
    zeros = (sample[0::2].count(0), sample[1::2].count(0))  # UTF-16's commas and line ends: all on one side
    if min(zeros) * 10 < max(zeros) and (max(zeros) > len(sample) / 8 or not utf8):
        low, high = (sample[0::2], sample[1::2]) if zeros[1] > zeros[0] else (sample[1::2], sample[0::2])
        if max(zeros) > len(sample) / 8 or any(a == 10 and b == 0 for a, b in zip(low, high, strict=False)):
            return ("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"), "strict"
    if utf8:
        return "utf-8", "replace"
    return _guess(sample, beyond_ascii), "replace"


def late_letters(file: IO[bytes]) -> bytes:
    """The first 1,000 lines with letters beyond ASCII, of as many lines as are looked at."""
    lines = islice(iter(partial(file.readline, LONG), b""), LOOKED_AT)
    return b"".join(islice((line for line in lines if not line.isascii()), 1000))


def text_of(stream: TextIO, newline: str | None = None) -> TextIO:
    """Standard input in the encoding that its beginning tells, as a file's; a stream that holds no bytes as it is.
    Raises UserError where it was read already."""
    held = getattr(stream, "buffer", None)
    if held is None:
        return stream
    if held.closed:
        raise UserError("- is given twice, but stdin can be read once: name files")
    waiting = io.BufferedReader(
        getattr(held, "raw", held), SAMPLE
    )  # the raw one gives what is there, and does not wait
    return io.TextIOWrapper(waiting, find_encoding(waiting.peek(SAMPLE))[0], "replace", newline=newline)


def other_than_text(sample: bytes) -> str | None:
    """What a file is that begins like one of OTHERS, or None."""
    return next((what for mark, what in OTHERS.items() if sample.startswith(mark)), None)


def _guess(sample: bytes, beyond_ascii: int) -> str:
    """One of GUESSES. Japanese is full of kana, which no other text has when it is read so; letters of Western Europe stand
    among those of ASCII, mostly alone; Cyrillic words are of no others."""
    kana = sum("ぁ" <= letter <= "ヿ" for letter in sample.decode("cp932", "replace"))
    if kana * 2 * 4 > beyond_ascii:
        return "cp932"
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample))
    if alone * 2 >= beyond_ascii:
        return "cp1252"
    decoded = sample.decode("gb18030", "replace")
    chinese = sum("一" <= letter <= "鿿" for letter in decoded)
    if decoded.rstrip("�").count("�") * 20 <= chinese and chinese * 2 * 2 > beyond_ascii:
        return "gb18030"
    words = re.findall(r"\b[Ё-ґ]+\b", sample.decode("cp1251", "replace"))
    return "cp1251" if sum(map(len, words)) * 5 > beyond_ascii * 4 else "cp1252"


def guess_told(encoding: str, what: str) -> list[str]:
    """What to say of `what`, read in this encoding, where that is a guess."""
    name = GUESSES.get(encoding)
    return [f"{what}: not UTF-8, taken for {name}; if letters come out wrong, save as UTF-8"] if name else []


def _find_separator(lines: list[str]) -> str | None:
    lines = [line for line in lines if line.strip()]
    if not lines:
        return None
    best, most = None, (False, 1)
    for separator in (TWO, "\t", ",", ";", "|"):
        if separator == TWO:
            widths = [len(line.split(TWO)) for line in lines]
        else:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        common = max(set(widths), key=widths.count)
        steady = widths.count(common) >= 0.8 * len(widths)
        found = common == widths[0], common  # as the header has it: texts may hold as many commas a line
        better = found > most or (separator == ";" and best == "," and _only_decimal_commas(lines))
        if steady and common > 1 and better:
            best, most = separator, found
    return best or (SPACES if _are_spaced(lines) else None)


def _only_decimal_commas(lines: list[str]) -> bool:
    """Whether, between semicolons, commas stand in numbers alone, such as 3,5, of which rows may have as many."""
    forms = (WITH_COMMA, OF_COMMAS, OF_POINTS)
    cells = [cell.strip() for row in csv.reader(lines, delimiter=";") for cell in row if "," in cell]
    return len(lines[0].split(";")) > 1 and all(any(form.fullmatch(cell) for form in forms) for cell in cells)


def _find_decimal(lines: list[str], separator: str | None) -> str:
    if separator in (None, ",", TWO, SPACES):
        return "."
    assert separator is not None
    return decimal_of([cell.strip().strip('"') for line in lines for cell in line.split(separator)], separator)


def decimal_of(cells: list[str], separator: str) -> str:
    """The mark before the fraction in cells that it does not part. Where none tells, 1,234 has a fraction between
    semicolons, for which commas gave way, and is a thousand and more elsewhere."""
    given_way = separator == ";" and any(WITH_COMMA.fullmatch(cell) for cell in cells)
    return decimal_mark(cells) or ("," if given_way else ".")


def _are_spaced(lines: list[str]) -> bool:
    """Whether blanks separate cells: two or more in every line, as many in all, and numbers in the last column."""
    cells = [line.split() for line in lines]
    steady = len(cells) > 1 and len(cells[0]) > 1 and len({len(row) for row in cells}) == 1
    return steady and all(is_plain_number(row[-1]) for row in cells[1:])


def _well_quoted(lines: list[str]) -> bool:
    """Whether a tab-separated file quotes its cells; many (GLUE's) hold bare quotation marks as text. Where marks hold line
    breaks or tabs in cells, rows are of one width only when they are read so."""
    cells = [cell for line in lines for cell in line.split("\t") if '"' in cell]
    if not cells or all(len(c) > 1 and c.startswith('"') and c.endswith('"') for c in cells):
        return bool(cells)
    plain = {line.count("\t") for line in lines if line}
    rows = list(csv.reader((f"{line}\n" for line in lines), delimiter="\t"))[:-1]  # the last may be cut
    return len(plain) > 1 and len({len(row) for row in rows if row}) == 1


def first_rows(sample: bytes, layout: Layout, rows: int = 100) -> list[list[str]]:
    """The cells of the first lines that are not empty; none where there is no text."""
    lines = sample.decode(layout.encoding, "ignore").splitlines()[layout.skipped :]
    lines = [line for line in lines if line.strip()][:rows]
    if layout.separator is None:
        return [[line] for line in lines]
    if layout.separator == SPACES:
        return [line.split() for line in lines]
    if layout.separator == TWO or not layout.quoted:
        return [line.split(layout.separator) for line in lines]
    return list(csv.reader(lines, delimiter=layout.separator))


def looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row names columns: no cell of it is a number, empty, long, or a value seen below,
    or it stands out as words above a column of numbers. It does so too where it names two alike, which reading refuses."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if not first[0] and first[1:] and _are_row_numbers([row[0] for row in rest]):  # pandas writes its index so
        first, rest = first[1:], [row[1:] for row in rest]
    if any(is_plain_number(cell) for cell in first) or not any(first):
        return False
    if not rest:
        return all(first) and len(set(first)) == len(first)
    columns = [[row[i].strip() for row in rest if i < len(row)] for i in range(len(first))]
    named = [column for name, column in zip(first, columns, strict=True) if name]
    if any(all(is_plain_number(cell) for cell in column if cell) and any(column) for column in named):
        return True
    seen_below = any(name in column for name, column in zip(first, columns, strict=True))
    return all(first) and not seen_below and all(len(name) <= 40 for name in first)


def _are_row_numbers(cells: list[str]) -> bool:
    return bool(cells) and all(cell.isdecimal() for cell in cells) and len(set(cells)) == len(cells)


def is_plain_number(cell: str) -> bool:
    """Whether the cell is one as 3.5 or 3,5 is, without marks of currency or of thousands."""
    try:
        float(cell.replace(",", ".") if WITH_COMMA.fullmatch(cell) else cell)
    except ValueError:
        return False
    return cell.strip().lower() not in {"nan", "inf", "infinity", "-inf"}


def pandas_options(layout: Layout, text: bool, header: bool) -> dict[str, Any]:
    """What pandas.read_csv is told. `text`: every cell stays a string as written and only an empty one is missing."""
    told: dict[str, Any] = {
        "sep": ONE if layout.separator == TWO else layout.separator or "\0",
        "header": 0 if header else None,
        "quoting": csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
        "skipinitialspace": True,
        "index_col": False,
        "skiprows": layout.skipped,
    }
    if text:
        return told | {"dtype": str, "keep_default_na": False, "na_values": [""]}
    return told | {"na_values": ["?"], "low_memory": False, "decimal": layout.decimal}


def for_pandas(file: IO[str], layout: Layout) -> Any:
    """The file as pandas reads it by these options."""
    return OneCharacter(file) if layout.separator == TWO else file


class OneCharacter:
    """A text file in which ONE stands for TWO; a single colon stays what it is."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def read(self, size: int = -1) -> str:
        text = self.file.read(size)
        while text.endswith(TWO[0]) and (more := self.file.read(1)):  # a separator may be cut in two
            text += more
        return text.replace(TWO, ONE)

    def __iter__(self) -> Iterator[str]:
        return (line.replace(TWO, ONE) for line in self.file)
