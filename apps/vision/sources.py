"""Which pictures a source names, with their labels and parts: class folders or a csv of path,label."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import UserError, some
from shared.folders import PARTS
from shared.tables import is_delimited, kind_of, read_table, refuse_nested, told_encoding

if TYPE_CHECKING:
    import pandas as pd

PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico"),
    # Pillow needs a plugin for these: without it each is told as one that cannot be decoded
    *(".heic", ".heif", ".jxl"),
)
TABLES = (".csv", ".tsv", ".parquet", ".pq", ".jsonl")
"""Kinds of files beside pictures that may hold their labels; a .txt is a README or a licence as often as not."""

PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "picture", "name")
LABELS = ("label", "labels", "class", "category", "target", "tag", "y")


Rows = dict[str, list[str | None]]
"""The cells of a table by column, without the blanks around them; None where one is empty."""


@dataclass(frozen=True)
class Listing:
    """Pictures by path, not opened yet; `names` are the paths relative to the source."""

    paths: list[Path]
    names: list[str]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.paths)


def is_picture(path: Path) -> bool:
    """Whether the name claims to be one of a picture."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def list_source(source: Path) -> tuple[dict[str, Listing], list[str]]:
    """(listings by part, notes); the part of a source without parts is "all". Raises UserError."""
    if source.is_dir():
        folder = _unwrapped(source)
        said = _beside(source, folder)
        parts, notes = _list_folder(folder)
        return parts, [*said, *notes]
    if is_picture(source):
        raise UserError(f"{source} is a single picture: give the folder that holds a folder of pictures per class")
    listing, notes = list_table(source)
    return {"all": listing}, notes


def folders(path: Path) -> list[Path]:
    """The visible folders inside, by name."""
    hidden = (".", "__MACOSX")
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(hidden))


def _unwrapped(folder: Path) -> Path:
    """Looks through folders that hold nothing but one folder of folders, as archives often do."""
    inside = folders(folder)
    while len(inside) == 1 and inside[0].name.lower() not in PARTS and folders(inside[0]):
        folder, inside = inside[0], folders(inside[0])
    return folder


def _list_folder(folder: Path) -> tuple[dict[str, Listing], list[str]]:
    inside, notes = _parts(folder)
    found: dict[str, Listing] = {}
    for part, place in inside.items():
        found[part], said = _list_classes(place, folder)
        notes += said
    unlabelled = [part for part, listing in found.items() if not len(listing)]
    for part in unlabelled:
        if part in ("train", "all"):
            raise UserError(_nothing(inside[part]))
        notes.append(f"{inside[part].name}/ holds no class folders of pictures: left out")
        del found[part]
    if not found:
        raise UserError(_nothing(folder))
    return found, notes


def _parts(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """(folders by part, notes): a folder without train/ is one part, unless it holds nothing but parts of class folders."""
    all_inside = folders(folder)
    named: dict[str, list[Path]] = {}
    for path in all_inside:
        if part := PARTS.get(path.name.lower()):
            named.setdefault(part, []).append(path)
    parts = [path for its in named.values() for path in its]
    if "train" not in named and not (parts and len(parts) == len(all_inside) and all(map(folders, parts))):
        return {"all": folder}, []
    for part, its in named.items():
        if len(its) > 1:
            raise UserError(
                f"{folder} holds {its[0].name}/ and {its[1].name}/, which are both its {part} part: join them"
            )
    rest = [f"{path.name}/" for path in all_inside if path not in parts]
    notes = [f"no parts (train, valid, test), left out: {some(rest)}"] if rest else []
    return {part: its[0] for part, its in named.items()}, notes


def _beside(source: Path, folder: Path) -> list[str]:
    """What to say of tables beside the folders. Raises UserError where there is but one class folder: the labels are in the table."""
    places = {source, folder}
    tables = sorted(
        path.name for place in places for path in place.iterdir() if path.is_file() and kind_of(path) in TABLES
    )
    if tables and len(inside := folders(folder)) == 1 and inside[0].name.lower() not in PARTS:
        raise UserError(
            f"{source} holds one folder, {inside[0].name}/, and {some(tables)}: give the table in the folder's place, if it "
            "names pictures and their labels; else a second folder, for another class"
        )
    return [f"labels are the names of folders; tables beside them are not read: {some(tables)}"] if tables else []


def _nothing(folder: Path) -> str:
    loose = sum(is_picture(path) for path in folder.iterdir() if path.is_file())
    seen = f"{loose} pictures but no class folders" if loose else "no pictures in class folders"
    return f"{folder} holds {seen}: put the pictures of each class in a folder of the class's name, or give a csv of path,label"


def _list_classes(part: Path, root: Path) -> tuple[Listing, list[str]]:
    """The pictures of every class folder of one part, at any depth below it."""
    listing, notes = Listing([], [], []), []
    for folder in folders(part):
        paths = sorted(pictures_below(folder))
        if not paths:
            notes.append(f"{folder.relative_to(root)}/ holds no pictures: left out")
        listing.paths.extend(paths)
        listing.names.extend(path.relative_to(root).as_posix() for path in paths)
        listing.labels.extend([folder.name] * len(paths))
    loose = sum(is_picture(path) for path in part.iterdir() if path.is_file())
    if loose and len(listing):
        notes.append(f"{loose} pictures of {part.name}/ lie in no class folder: left out")
    return listing, notes


def pictures_below(folder: Path) -> Iterator[Path]:
    """The pictures at any depth, linked folders too, hidden ones left out. Raises OSError at a folder that cannot be read."""
    seen: set[str] = set()  # a link to a folder above would go round for ever
    for where, inside, files in os.walk(folder, onerror=_refuse, followlinks=True):
        if (real := os.path.realpath(where)) in seen:
            inside.clear()
            continue
        seen.add(real)
        inside[:] = [name for name in inside if not name.startswith(".")]
        yield from (path for name in files if is_picture(path := Path(where, name)))


def _refuse(error: OSError) -> None:
    raise error  # else the pictures there would be left out silently


def list_table(table: Path) -> tuple[Listing, list[str]]:
    """The labelled rows of a csv of path,label; paths are relative to the csv. Raises UserError.

    Rows without a path or label are left out and counted; so are rows whose file is missing, unless it is most.
    """
    frame = _read(table)
    rows = _rows(frame)
    path_column = _find_path_column(table, rows)
    label_column = _find_label_column(table, list(rows), path_column)
    refuse_nested(frame, [label_column], table)
    listing, left_out, missing = Listing([], [], []), 0, []
    for name, label in zip(rows[path_column], rows[label_column], strict=True):
        if name is None or label is None:
            left_out += 1
        elif not os.path.isfile(path := table.parent / name):
            missing.append(name)
        else:
            listing.paths.append(path)
            listing.names.append(name)
            listing.labels.append(label)
    if len(missing) > len(listing):
        raise UserError(
            f"{table}: {len(missing)} of {len(missing) + len(listing)} files of its column {path_column!r} do not exist, "
            f"{missing[0]!r} for one; write paths relative to {table.parent}"
        )
    if not len(listing):
        raise UserError(
            f"{table}: no row has both a path and a label; fill in the columns {path_column} and {label_column}"
        )
    notes = told_encoding(table)
    notes += [f"pictures are named by column {path_column!r}, labels by {label_column!r}"]
    unused = [name for name in rows if name not in (path_column, label_column)]
    notes += [f"columns not used: {some(unused)}"] if unused else []
    notes += [f"{left_out} rows without a path or label: left out"] if left_out else []
    notes += [f"{len(missing)} rows whose file is missing: left out: {some(missing)}"] if missing else []
    return listing, notes


def list_paths(table: Path) -> Listing:
    """Every row of a csv with a column of paths, in order, whether its file exists or not: each gets an answer.

    Raises UserError where none exists.
    """
    rows = _rows(_read(table))
    column = _find_path_column(table, rows)
    names = [name or "" for name in rows[column]]  # "" is the csv's folder, which is no file
    paths = [table.parent / name for name in names]
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
    raise UserError(
        f"{table}: none of its columns ({some(list(rows))}) names picture files; give a csv with a column path and a column label"
    )


def _find_label_column(table: Path, columns: list[str], path_column: str) -> str:
    others = [name for name in columns if name != path_column]
    named = [name for name in others if name.lower() in LABELS]
    if named or len(others) == 1:
        return (named or others)[0]
    raise UserError(f"{table}: its columns ({some(columns)}) name no label; call the one that holds it label")
