"""Tables that name pictures: a csv of path,label, or of paths alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from apps.vision.listing import Listing, is_picture
from shared.errors import UserError, some
from shared.folders import parting
from shared.tables import is_delimited, read_table, refuse_nested, told_encoding

if TYPE_CHECKING:
    import pandas as pd

PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "picture", "name")
LABELS = ("label", "labels", "class", "category", "target", "tag", "y")

Rows = dict[str, list[str | None]]
"""The cells of a table by column, without the blanks around them; None where one is empty."""


def list_table(table: Path) -> tuple[Listing, list[str]]:
    """The labelled rows of a csv of path,label; paths are relative to the csv. Raises UserError.

    Rows without a path are left out and counted; so are rows whose file is missing, unless it is most. The label is "" where
    a row has none: `labelled` says what becomes of it.
    """
    frame = _read(table)
    rows = _rows(frame)
    path_column = _find_path_column(table, rows)
    label_column = _find_label_column(table, list(rows), path_column)
    refuse_nested(frame, [label_column], table)
    listing, left_out, missing = Listing([], [], []), 0, []
    for name, label in zip(rows[path_column], rows[label_column], strict=True):
        if name is None:
            left_out += 1
        elif not os.path.isfile(path := _place(table, name)):
            missing.append(name)
        else:
            listing.paths.append(path)
            listing.names.append(name)
            listing.labels.append(normalize("NFC", label or ""))
    if len(missing) > len(listing):
        raise UserError(
            f"{table}: {len(missing)} of {len(missing) + len(listing)} files of its column {path_column!r} do not exist, "
            f"{missing[0]!r} for one; write paths relative to {table.parent}"
        )
    if not any(listing.labels):
        raise UserError(
            f"{table}: no row has both a path and a label; fill in the columns {path_column} and {label_column}"
        )
    notes = told_encoding(table)
    notes += [f"pictures are named by column {path_column!r}, labels by {label_column!r}"]
    unused = [name for name in rows if name not in (path_column, label_column)]
    notes += [f"columns not used: {some(unused)}"] if unused else []
    notes += [note for name in unused for note in parting(name, filter(None, rows[name]))]
    notes += [f"{left_out} rows without a path: left out"] if left_out else []
    notes += [f"{len(missing)} rows whose file is missing: left out: {some(missing)}"] if missing else []
    return listing, notes


def labelled(listing: Listing, separator: str) -> tuple[Listing, list[str]]:
    """(listing, notes): pictures without a label have none of several (`separator` is a mark), and are no examples of one."""
    if not (missing := listing.labels.count("")):
        return listing, []
    if separator != "none":
        return listing, [f"{missing} pictures have none of the labels (take out rows that nobody has labelled yet)"]
    kept = [row for row, label in enumerate(listing.labels) if label]
    return listing.take(kept), [f"{missing} rows without a label: left out"]


def _place(table: Path, name: str) -> Path:
    """Of a picture, beside the table; a table written on Windows parts folders by backslashes."""
    path = table.parent / name
    return path if "\\" not in name or os.path.isfile(path) else table.parent / name.replace("\\", "/")


def list_paths(table: Path) -> Listing:
    """Every row of a csv with a column of paths, in order, whether its file exists or not: each gets an answer.

    Raises UserError where none exists.
    """
    rows = _rows(_read(table))
    column = _find_path_column(table, rows)
    names = [name or "" for name in rows[column]]  # "" is the csv's folder, which is no file
    paths = [_place(table, name) for name in names]
    if not any(map(os.path.isfile, paths)):
        raise UserError(
            f"{table}: none of the {len(names)} files of its column {column!r} exists, {next(filter(None, names))!r} for one; "
            f"write paths relative to {table.parent}"
        )
    return Listing(paths, names, [])


def _read(table: Path) -> pd.DataFrame:
    """Its cells as written. A first line that names a picture is a row, however much it looks like a heading."""
    first = read_table(table, text=True, header=False, rows=1).iloc[0].tolist() if is_delimited(table) else []
    return read_table(table, text=True, header=False if any(is_picture(Path(str(cell))) for cell in first) else None)


def _rows(frame: pd.DataFrame) -> Rows:
    return {str(name): _cells(frame[name]) for name in frame.columns}


def _cells(column: pd.Series) -> list[str | None]:
    missing = column.isna().tolist()
    return [None if gone else str(cell).strip() or None for cell, gone in zip(column, missing, strict=True)]


def _find_path_column(table: Path, rows: Rows) -> str:
    """The column that names pictures: by its cells, the commoner heading first."""
    ordered = sorted(rows, key=lambda name: PATHS.index(name.lower()) if name.lower() in PATHS else len(PATHS))
    for name in ordered:
        cells = [cell for cell in rows[name][:100] if cell]
        if cells and sum(is_picture(Path(cell)) for cell in cells) > len(cells) / 2:
            return name
    first = next((repr(cell[:60]) for cell in rows[ordered[0]] if cell), "an empty cell")
    raise UserError(
        f"{table}: none of its columns ({some(list(rows))}) names picture files, as {first} is none by its ending; give a csv "
        "with a column path, of names such as photo.jpg, and a column label"
    )


def _find_label_column(table: Path, columns: list[str], path_column: str) -> str:
    others = [name for name in columns if name != path_column]
    named = sorted((name for name in others if name.lower() in LABELS), key=lambda name: LABELS.index(name.lower()))
    if named or len(others) == 1:
        return (named or others)[0]
    raise UserError(f"{table}: its columns ({some(columns)}) name no label; call the one that holds it label")
