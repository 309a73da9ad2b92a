"""Which column holds the texts and which the labels, and the rows of a table as examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.columns import MOST_CLASSES, find_named
from shared.errors import UserError, some
from shared.folders import VALID_MARK
from shared.protocol import Examples
from shared.sampling import evenly
from shared.tables import refuse_nested

if TYPE_CHECKING:
    import pandas as pd

TEXT_NAMES: tuple[str, ...] = (
    *("text", "sentence", "review", "content", "comment", "tweet", "question", "utterance", "document"),
    *("message", "body", "description", "abstract", "query", "title", "文本", "内容", "评论"),
)
LABEL_NAMES = ("label", "target", "class", "category", "sentiment", "intent", "polarity", "stars", "y", "标签", "类别")
PARTS = re.compile(r"[,;|\t]")
SAMPLE = 2000


def find_columns(frame: pd.DataFrame, text: str | None, target: str | None, path: Path) -> tuple[str, str, list[str]]:
    """(text column, label column, what to say of it). Raises UserError where one is missing or cannot be told, or holds
    lists."""
    names = [name for name in frame.columns if name != VALID_MARK]
    text, target = (asked if asked is None else find_named(names, asked, path) for asked in (text, target))
    if text is not None and text == target:
        raise UserError(f"{path}: {text!r} is named as both text and target; name two columns")
    if len(names) < 2:
        only = names[0] if names else VALID_MARK
        raise UserError(f"{path} has one column ({only!r}): give a table with a text column and a label column")
    said = []
    if text is None or target is None:
        sample = spread(frame)
        text = text or _guess_text(sample, [n for n in names if n != target])
        target = target or _guess_target(sample, [n for n in names if n != text], path)
        said = [f"text: column {text!r}, label: column {target!r}; --text and --target name others"]
    refuse_nested(frame, (text, target), path)
    return text, target, said


def find_text(names: Sequence[str], asked: str | None, where: object) -> str:
    """The text column of a table to answer, which need not have labels: the one of training, else one of a known name, else
    the only one. Raises UserError where there is none of these: it is not guessed, for nobody would see."""
    return names[0] if len(names) == 1 else _known(names, asked, TEXT_NAMES, where)


def find_target(names: Sequence[str], asked: str | None, where: object) -> str:
    """The label column of a table to measure on: the one of training, else one of a known name. Raises UserError where
    there is neither."""
    return _known(names, asked, LABEL_NAMES, where)


def _known(names: Sequence[str], asked: str | None, known: Sequence[str], where: object) -> str:
    for wanted in (*([asked.lower()] if asked else []), *known):
        for name in names:
            if name.lower() == wanted:
                return name
    rows = ", as the training rows have" if asked else ""
    raise UserError(
        f"{where} has no column {asked or known[0]!r}{rows}: rename one of its columns ({some(list(names), 20)})"
    )


def spread(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows from all over a table."""
    return frame.iloc[evenly(len(frame), SAMPLE)]


def _guess_text(sample: pd.DataFrame, names: list[str]) -> str:
    """By name, if such a column holds the longest strings or nearly so; else the longest strings. A column whose name is one
    of labels is not the texts', however long its cells."""
    names = [name for name in names if name.lower() not in LABEL_NAMES] or names
    lengths = {name: float(np.mean([len(cell) for cell in cells_of(sample[name])])) for name in names}
    longest = max(lengths.values())
    known = [n for wanted in TEXT_NAMES for n in names if n.lower() == wanted and lengths[n] * 3 >= longest]
    return known[0] if known else max(names, key=lambda name: lengths[name])


def _guess_target(sample: pd.DataFrame, names: list[str], path: Path) -> str:
    """By name; else the column with the fewest different values, two at least."""
    values = {name: len({cell for cell in cells_of(sample[name]) if cell.strip()}) for name in names}
    known = [n for wanted in LABEL_NAMES for n in names if n.lower() == wanted and values[n]]
    if known:
        return known[0]
    few = [n for n in names if 2 <= values[n] <= max(MOST_CLASSES * len(sample), 2)]
    if few:
        return min(few, key=lambda name: values[name])
    if len(names) == 1:
        return names[0]
    raise UserError(f"{path}: cannot tell which column holds the labels; name it with --target: {some(names, 20)}")


def cells_of(column: pd.Series) -> list[str]:
    """Cells as strings; a missing one is empty, a whole number loses its `.0`."""
    if column.dtype.kind == "f":
        whole = all(value.is_integer() for value in column.dropna())
        return ["" if value != value else str(int(value)) if whole else str(value) for value in column.tolist()]
    missing = column.isna().tolist()
    cells = (int(c) if isinstance(c, float) and c.is_integer() else c for c in column.tolist())
    return ["" if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)]


def examples_of(frame: pd.DataFrame, text: str, target: str, path: Path, separator: str) -> tuple[Examples, list[str]]:
    """The rows that have a label, and what to say of the others. Raises UserError where none has.

    With a `separator` but "none" a text may have several labels, or none: all rows are kept."""
    texts = np.array(cells_of(frame[text]), object)
    labels = np.array([label.strip() for label in cells_of(frame[target])], object)
    _refuse_swallowed(texts, set(labels.tolist()), frame.columns.get_loc(target) == frame.shape[1] - 1, path)
    keep = labels != ""
    if not keep.any():
        raise UserError(f"{path}: the label column {target!r} is empty in every row; name another with --target")
    if separator != "none":
        none = f"{int((~keep).sum()):,} rows of {path.name} have none of the labels"
        return Examples(texts, labels), [] if keep.all() else [none]
    said = []
    if not keep.all():
        first = int(np.flatnonzero(~keep)[0]) + 1
        said.append(f"{int((~keep).sum()):,} rows of {path.name} have no label (the first is row {first}): left out")
    return Examples(texts[keep], labels[keep]), said


def _refuse_swallowed(texts: np.ndarray, labels: set[str], last: bool, path: Path) -> None:
    """Raises UserError where a text holds two rows or more, told by their labels, which stand `last` in them or first: a quotation
    mark that is opened and not closed takes the rows below into its cell, up to the next mark, and nobody would see."""
    for row, text in enumerate(texts, 1):
        if "\n" not in text:
            continue
        lines = text.splitlines()
        cells = [PARTS.split(line) for line in (lines[:-1] if last else lines[1:])]
        if len(cells) > 1 and all(len(parts) > 1 and parts[-1 if last else 0].strip() in labels for parts in cells):
            raise UserError(
                f"{path}: a quotation mark opened in row {row} takes other rows into its cell "
                f"({text[:40]!r}); close it or double it"
            )
