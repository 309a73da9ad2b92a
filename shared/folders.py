"""What a folder of data holds: its parts, by the names that people give them, and the tables that are data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shared.errors import UserError
from shared.tables import is_table, kind_of

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("valid", "val", "validation", "dev"), "valid")
"""train, valid or test by the names of files and folders, in small letters."""

ASIDE = ("readme", "license", "licence", "copying", "source", "categories")
"""First words of the names of files, in small letters, that tell of the data beside them."""


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
