"""Pictures by path: which files claim to be one, and those below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.walking import files_below, is_hidden

PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico"),
    # Pillow needs a plugin for these: without it each is told as one that cannot be decoded
    *(".heic", ".heif", ".jxl"),
)


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
    return path.suffix.lower() in PICTURES and not is_hidden(path.name)


def pictures_below(folder: Path) -> Iterator[Path]:
    """The pictures at any depth. Raises UserError at a folder that cannot be read."""
    return filter(is_picture, files_below(folder))
