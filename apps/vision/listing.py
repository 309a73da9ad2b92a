"""Pictures by path: which files claim to be one, and those below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico"),
    # Pillow needs a plugin for these: without it each is told as one that cannot be decoded
    *(".heic", ".heif", ".jxl"),
)

LEFT_BY_SYSTEMS = ("Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Listing:
    """Pictures by path, not opened yet; `names` are the paths relative to the source."""

    paths: list[Path]
    names: list[str]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: Sequence[int]) -> Listing:
        return Listing([self.paths[i] for i in rows], [self.names[i] for i in rows], [self.labels[i] for i in rows])


def is_picture(path: Path) -> bool:
    """Whether the name claims to be one of a picture."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def pictures_below(folder: Path) -> Iterator[Path]:
    """The pictures at any depth, linked folders too, hidden ones left out. Raises OSError at a folder that cannot be read."""
    return filter(is_picture, files_below(folder))


def files_below(folder: Path) -> Iterator[Path]:
    """The same of files of every kind, without those that systems leave in folders."""
    seen: set[str] = set()  # a link to a folder above would go round for ever
    for where, inside, files in os.walk(folder, onerror=_refuse, followlinks=True):
        if (real := os.path.realpath(where)) in seen:
            inside.clear()
            continue
        seen.add(real)
        inside[:] = [name for name in inside if not name.startswith(".")]
        yield from (Path(where, name) for name in files if not name.startswith(".") and name not in LEFT_BY_SYSTEMS)


def _refuse(error: OSError) -> None:
    raise error  # else the pictures there would be left out silently
