"""Documentation strings as texts, the library they document as label: which library is this from?

Names of the libraries, and marks of a house style, are taken out, so that what is left is what is said.
"""

from __future__ import annotations

import ast
import csv
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from data.embedded.libraries import DOCUMENTED, digest, shuffled
from data.errors import DataError

TEXTS_PER_LIBRARY = 110
"""So many that the text app fine-tunes an encoder on them within a minute on two cores."""
_LONGEST_SOURCE = 80_000  # bytes: a few huge generated modules would take most of the time
_CHARACTERS = range(40, 601)
_LEAST_WORDS = 6

_HEADER = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+\w", re.M)
_LITERAL = re.compile(r':[ \t]*\n[ \t]+[rR]?"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.S)

_ROLE = re.compile(r":[\w:+-]+:`[~!.]*([^`<]*?)(?:\s*<[^`]*>)?`")
_NAMES = re.compile(
    r"(?<![a-z])(?:scikit[-_ ]?learn|sklearn|matplotlib|mpl|pyplot|plt|networkx|nx|numpy|np|pandas|pd|scipy"
    r"|sympy|pytorch|torch|aten|caffe2)(?:\.(?=\w)|(?![a-z]))",
    re.I,
)


def make_docstrings(folder: Path) -> None:
    """Writes docstrings.csv with the header text,label. Raises DataError with fewer than two libraries."""
    labels: dict[str, str | None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's backslashes
        for library in DOCUMENTED:
            for text in _texts(library):
                # one text under two labels can teach nothing: it is marked, and left out below
                labels[text] = library if labels.get(text, library) == library else None
    rows = sorted(((text, label) for text, label in labels.items() if label), key=lambda row: digest(row[0]))
    if len({label for _, label in rows}) < 2:
        raise DataError(f"docstrings needs at least two of {', '.join(DOCUMENTED)}: pip install them")
    with (folder / "docstrings.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])


def _texts(library: str) -> list[str]:
    """The first `TEXTS_PER_LIBRARY` different texts, module after module in shuffled order."""
    found: dict[str, None] = {}
    for module in shuffled(library):
        if module.path.stat().st_size <= _LONGEST_SOURCE:
            found.update(dict.fromkeys(text for raw in _docstrings(module.source()) if (text := _tidy(raw))))
        if len(found) >= TEXTS_PER_LIBRARY:
            break
    return list(found)[:TEXTS_PER_LIBRARY]


def _docstrings(source: str) -> Iterator[str]:
    """The documentation of functions and classes. Parsing whole modules would take five times as long.

    So only the piece from a `def` or `class` to the end of the string that follows is parsed.
    """
    headers = [match.start() for match in _HEADER.finditer(source)]
    i = 0
    for literal in _LITERAL.finditer(source):
        while i < len(headers) and headers[i] < literal.start():
            i += 1
        if i and (text := _docstring(source[headers[i - 1] : literal.end()])):
            yield text


def _docstring(piece: str) -> str | None:
    """What `ast` says the documentation of this piece's function or class is; None where it is not one."""
    indented = piece[0] in " \t"
    try:
        tree = ast.parse(f"if 1:\n{piece}" if indented else piece)
    except (SyntaxError, ValueError):
        return None
    node = tree.body[0]
    node = node.body[0] if isinstance(node, ast.If) else node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return None
    return ast.get_docstring(node, clean=False)


def _tidy(docstring: str) -> str | None:
    """The first paragraph as plain prose without names of libraries; None where it is too short or long."""
    paragraph = re.split(r"\n\s*\n", docstring.strip(), maxsplit=1)[0]
    plain = re.sub(r"[`*]+", "", _ROLE.sub(r"\1", paragraph))
    text = " ".join(_NAMES.sub("", plain).split())
    prose = len(text.split()) >= _LEAST_WORDS and len(text) in _CHARACTERS and ">>>" not in text
    return text if prose else None
