"""What a folder of data holds: its parts, by the names that people give them, and the tables that are data."""

from __future__ import annotations

import re
from pathlib import Path

from shared.tables import is_table, kind_of

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("valid", "val", "validation", "dev"), "valid")
PARTS |= {f"{name}{end}": part for name, part in PARTS.items() for end in ("set", "_set", "-set")}
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
    found: dict[str, Path] = {}
    for path in data_tables(folder):
        if part := PARTS.get(path.name.split(".")[0].lower()):
            found.setdefault(part, path)
    return found if "train" in found else {}
