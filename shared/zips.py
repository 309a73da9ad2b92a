"""Compressed tables, opened without unpacking them first; the one table in a zip is found by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from shared.errors import UserError

COMPRESSED = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


def open_unpacked(path: Path, suffixes: Sequence[str]) -> IO[bytes]:
    """Opens a file for reading, unpacking it on the way when it is compressed; `suffixes` are those of tables in a zip."""
    opener = COMPRESSED.get(path.suffix.lower())
    if opener is not None:
        return opener(path, "rb")  # type: ignore[operator]
    if path.suffix.lower() == ".zip":
        return open_table(path, suffixes)
    return path.open("rb")


def tables_in(path: Path, suffixes: Sequence[str]) -> list[str]:
    """The tables of a zip by their `suffixes`, else its only file where that has no suffix at all, as pandas writes it.

    None of what macOS puts beside each file; none of a zip that cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (OSError, zipfile.BadZipFile):
        return []
    names = [name for name in names if not name.startswith("__MACOSX/") and not Path(name).name.startswith(".")]
    found = [name for name in names if Path(name).suffix.lower() in suffixes]
    return found or (names if len(names) == 1 and not Path(names[0]).suffix else [])


def open_table(path: Path, suffixes: Sequence[str]) -> IO[bytes]:
    """Opens the one table. Raises UserError where there is none, or no telling which, or no opening it."""
    with zipfile.ZipFile(path) as archive:  # what it opened stays open by itself
        tables = tables_in(path, suffixes)
        if len(tables) != 1:
            raise UserError(f"{path} holds {len(tables)} tables: unpack it and name one")
        try:
            return archive.open(tables[0])
        except RuntimeError as error:  # a password, or a way of packing that Python lacks
            raise UserError(f"{path}: {error}; unpack it and name the table in it") from None
