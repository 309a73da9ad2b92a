"""Where data sets stand: names that cannot climb out, the folder GLANCE_DATA, and the cache."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from data.errors import DataError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SUFFIXES = frozenset(
    [".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".zip"]
    + [".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".data", ".dat"]
)


def is_name(text: str) -> bool:
    """Whether `text` may name a data set: one plain word that no file system could read as a way out."""
    return bool(_SAFE.fullmatch(text)) and not text.endswith(".")


def existing(text: str) -> Path | None:
    """The path `text` where it exists; None where it does not or where it could not be a path at all."""
    if not text.strip():
        return None
    try:
        path = Path(os.path.expanduser(text))
        return path if path.exists() else None
    except (OSError, ValueError):  # too long, a NUL inside, no permission to look
        return None


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/glance`, or `~/.cache/glance`. A relative XDG_CACHE_HOME is ignored, as its rules say.

    Raises DataError where neither is set to anything usable.
    """
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):
        return Path(root) / "glance"
    try:
        return Path.home() / ".cache" / "glance"
    except RuntimeError:
        raise DataError("there is no home folder to keep data sets in: set XDG_CACHE_HOME to a folder") from None


def bare_name(file_name: str) -> str:
    """`imdb.csv.xz` -> `imdb`: the name without the suffixes of tables and archives, and no others."""
    while True:
        stem, suffix = os.path.splitext(file_name)
        if suffix.lower() not in _SUFFIXES:
            return file_name
        file_name = stem


def in_shelf(name: str) -> Path | None:
    """The data set `name` in the folder GLANCE_DATA: a folder of that name, else a file, else None.

    Raises DataError where GLANCE_DATA is set to something that is not a folder that can be read.
    """
    shelf = os.environ.get("GLANCE_DATA", "")
    if not shelf:
        return None
    folder = Path(os.path.expanduser(shelf))
    if not folder.is_dir():
        raise DataError(f"GLANCE_DATA is set to {shelf!r}, which is not a folder: set it to one, or unset it")
    if (folder / name).is_dir():
        return folder / name
    return next((path for path in _files(folder) if name in (path.name, bare_name(path.name))), None)


def shelf_names() -> list[str]:
    """The names of what stands in GLANCE_DATA, to suggest when a name is unknown; empty without one."""
    folder = Path(os.path.expanduser(os.environ.get("GLANCE_DATA", "") or os.devnull))
    if not folder.is_dir():
        return []
    folders = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted({*folders, *(bare_name(path.name) for path in _files(folder))})


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"GLANCE_DATA cannot be read: {error}; give read permission, or unset it") from error
    return (path for path in entries if path.is_file())
