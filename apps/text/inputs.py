"""What a person hands in to be answered: texts, files, folders, tables and standard input, block by block."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.text.columns import TEXT_NAMES, cells_of, find_text
from apps.text.folders import read_text, text_files
from apps.text.recipe import TextRecipe
from shared.dialect import text_of
from shared.errors import UserError, not_empty
from shared.missing import is_missing
from shared.tables import SUFFIXES, format_of, is_delimited, is_table, read_chunks, read_table

BLOCK = 1024

WORD = re.compile(r"[^\W\d][\w.-]{0,29}")
"""What may be a column's name."""

Block = tuple[list[Any], np.ndarray]


def as_array(texts: Sequence[Any]) -> np.ndarray:
    """Any values as an array of strings; what is missing is an empty text."""
    found = np.empty(len(texts), object)
    for i, text in enumerate(texts):
        found[i] = _as_text(text)
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else "" if is_missing(value) else str(value)


def as_texts_given(value: Any, recipe: TextRecipe) -> tuple[np.ndarray, bool]:
    """Texts handed to `model.predict`, a DataFrame's in the column of training, and whether it was a single one."""
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, str | bytes | int | float) or (not hasattr(value, "__iter__") and is_missing(value)):
        return as_array([value]), True
    if hasattr(value, "columns"):
        value = value[find_text(list(value.columns), recipe.text, "the DataFrame")]
    values = [value] if isinstance(value, dict) or not hasattr(value, "__iter__") else list(value)
    for one in values:
        if one is value or (hasattr(one, "__len__") and not isinstance(one, str | bytes)):
            raise UserError(f"a text or a list of texts is needed, not a {type(one).__name__}")
    return as_array(values), False


def read_inputs(sources: Sequence[str], recipe: TextRecipe) -> Iterator[Block]:
    """Blocks of (what each text is called, texts). Literal texts are gathered, tables go row by row."""
    literal: list[str] = []
    for source in sources:
        path = _path(source)
        if path is None and source != "-":
            literal.append(source)
            continue
        if literal:
            yield [*literal], as_array(literal)
            literal = []
        yield from _blocks(_from_stdin() if path is None else _from_path(path, recipe))
    if literal:
        yield [*literal], as_array(literal)


def _path(source: str) -> Path | None:
    """The path that `source` names; None where it is a text."""
    if not source or len(source) > 4096 or "\0" in source or "\n" in source:
        return None
    try:
        path = Path(source)
        if path.exists():
            return path
    except OSError:
        return None
    leads = source.startswith(("./", "../")) or (source.startswith("/") and len(path.parts) > 2)
    table = is_table(path) and bool(path.stem)
    if table and leads or " " not in source and (table or leads):
        raise UserError(f"{source}: no such file; a text that looks like a file's name can be given on stdin (-)")
    return None


def _from_stdin() -> Iterator[tuple[str, str]]:
    """A text a line. Raises UserError where there are none."""
    for line in not_empty(text_of(sys.stdin), "stdin is empty: give a text a line"):
        yield line.rstrip("\r\n"), line.rstrip("\r\n")


def _from_path(path: Path, recipe: TextRecipe) -> Iterator[tuple[str, str]]:
    """(name, text) pairs of a folder of .txt files, one such file, or a table."""
    if path.is_dir():
        files = text_files(path)
        if not files:
            raise UserError(f"{path} holds no .txt files: name a table or a folder of texts")
        yield from ((str(file), read_text(file)) for file in files)
    elif format_of(path) == ".txt" or format_of(path) not in SUFFIXES:
        yield str(path), read_text(path)
    else:
        column, before = None, 0
        header = None if _names_its_column(path, recipe) else False
        for frame in read_chunks(path, 16 * BLOCK, header=header):
            column = column or find_text(list(frame.columns), recipe.text, path)
            yield from ((f"{path.name}:{before + i}", text) for i, text in enumerate(cells_of(frame[column]), 1))
            before += len(frame)


def _names_its_column(path: Path, recipe: TextRecipe) -> bool:
    """Whether the first line of a table of one column names it: else it is a text like the others. Raises UserError at a
    word alone, which may be either: nobody would see that a text was taken for the name."""
    if not is_delimited(path):
        return True
    first = [str(cell).strip() for cell in read_table(path, text=True, header=False, rows=1).iloc[0]]
    name = first[0].lower()
    if len(first) > 1 or name == (recipe.text or "").lower() or name.removesuffix("s") in TEXT_NAMES:
        return True
    if WORD.fullmatch(name):
        if "_" in name:  # reviews_2026
            return True
        raise UserError(
            f"{path}: its first line {first[0]!r} may be a text or the column's name: write {TEXT_NAMES[0]!r} as a line "
            "above it, or in its place where it is the name"
        )
    return False


def _blocks(found: Iterator[tuple[str, str]]) -> Iterator[Block]:
    names: list[str] = []
    texts: list[str] = []
    for name, text in found:
        names.append(name)
        texts.append(text)
        if len(texts) == BLOCK:
            yield names, as_array(texts)
            names, texts = [], []
    if texts:
        yield names, as_array(texts)
