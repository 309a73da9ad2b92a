"""The parts of data by the names that people give them, and the tables of a folder that are data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shared.errors import UserError, some
from shared.tables import is_table, kind_of

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("valid", "val", "validation", "dev"), "valid")
PARTS |= {f"{name}{end}": part for name, part in PARTS.items() for end in ("set", "_set", "-set", " set")}
"""train, valid or test by the names of files and folders, in small letters."""

VALID_MARK = "is_valid"
"""fastai's name of a column that marks the rows to validate on."""

ASIDE = ("readme", "license", "licence", "copying", "source", "categories")
"""First words of the names of files, in small letters, that tell of the data beside them."""


def parting(column: str, cells: Iterable[str]) -> list[str]:
    """What to say of a table's column where its cells name the part of each row: rows are not parted by it."""
    values = {cell.strip().lower() for cell in cells} - {""}
    if len(values) < 2 or not (values <= PARTS.keys() or column == VALID_MARK):
        return []
    held = some(sorted(values), 3)
    return [f"column {column!r} names parts ({held}) and is not followed: give them as files, by --valid and --test"]


def data_tables(folder: Path) -> list[Path]:
    """The tables of a folder by name, without those that tell of the data (README.txt, categories.json) and hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_file() and is_table(path) and not _stands_aside(path))


def _stands_aside(path: Path) -> bool:
    first = re.split(r"[-_ .]", path.name.lower())[0]
    return not first or (first in ASIDE and kind_of(path) in (".txt", ".json"))


def find_parts(folder: Path) -> dict[str, Path]:
    """The tables of a folder by part, train at least, by their file names' stems; else nothing."""
    return one_each((PARTS.get(path.name.split(".")[0].lower()), path) for path in data_tables(folder))


def one_each(named: Iterable[tuple[str | None, Path]]) -> dict[str, Path]:
    """Paths by the part that their name tells, train at least; else nothing. Raises UserError at two for one part, unless
    the second is the first, packed."""
    found: dict[str, Path] = {}
    twins = []
    for part, path in named:
        if part and found.setdefault(part, path) != path and not path.name.startswith(f"{found[part].name}."):
            twins.append((part, found[part], path))
    if twins and "train" in found:
        part, first, second = twins[0]
        raise UserError(
            f"{first} and {second.name} are both {part} rows by their names: name the files to use (SOURCE, --valid, --test), "
            "or take one away"
        )
    return found if "train" in found else {}
