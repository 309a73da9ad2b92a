"""Damage as disks and downloads do it, for tests of everything that reads packed files."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

KINDS = {"tar": "tar", "gztar": "tar.gz", "bztar": "tar.bz2", "xztar": "tar.xz", "zip": "zip"}
"""shutil's kinds of archives, and their suffixes."""


def damaged(content: bytes, copies: int) -> Iterator[bytes]:
    """The content with one byte flipped, at places spread over all of it; then cut there."""
    for place in range(0, len(content), max(len(content) // copies, 1)):
        yield content[:place] + bytes([255 - content[place]]) + content[place + 1 :]
        yield content[:place]


def write_members(folder: Path) -> dict[str, bytes]:
    """Files of noise with names and sizes of every kind, by their paths in the folder."""
    draw = random.Random(0)
    names = [f"{'one' if i % 2 else 'another'}/{i:03}.png" for i in range(28)] + ["one/" + "x" * 150, "one/ünö.png"]
    made = {name: draw.randbytes(draw.choice((0, 10, 512, 700))) for name in names}
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return made


def archives(folder: Path, kind: str, copies: int) -> Iterator[tuple[Path, dict[str, bytes]]]:
    """(a damaged archive, what it held before), one at a time."""
    held = write_members(folder / "whole")
    path = Path(shutil.make_archive(str(folder / "a"), kind, folder / "whole"))
    for content in damaged(path.read_bytes(), copies):
        path.write_bytes(content)
        yield path, held


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
