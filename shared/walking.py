"""The files and folders of a folder of data, without what programs hide there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from shared.errors import UserError

LEFT_BY_SYSTEMS = ("Thumbs.db", "desktop.ini", "__MACOSX")


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is a program's own, as of Jupyter's checkpoints."""
    return name.startswith(".") or name in LEFT_BY_SYSTEMS


def folders_in(folder: Path) -> list[Path]:
    """The folders right inside, by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))


def files_below(folder: Path) -> Iterator[Path]:
    """The files at any depth, in linked folders too. Raises UserError at a folder that cannot be read."""
    seen: set[str] = set()  # a link to a folder above would go round for ever
    for where, inside, files in os.walk(folder, onerror=_refuse, followlinks=True):
        if (real := os.path.realpath(where)) in seen:
            inside.clear()
            continue
        seen.add(real)
        inside[:] = [name for name in inside if not is_hidden(name)]
        yield from (Path(where, name) for name in files if not is_hidden(name))


def _refuse(error: OSError) -> None:
    """Else what is there would be left out silently."""
    raise UserError(f"{error.filename} cannot be read ({error.strerror}): change its permissions") from error
