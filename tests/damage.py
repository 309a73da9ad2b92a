"""Damage as disks and downloads do it, for tests of everything that reads packed files."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
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


def check_none_in_part(unpack: Callable[[Path, Path], None], error: type[Exception], folder: Path, kind: str) -> None:
    """Each damaged archive is unpacked whole, or refused by `error` in one line that names it."""
    refused = 0
    for number, (archive, held) in enumerate(archives(folder, kind, 60)):
        out = folder / f"out{number}"
        try:
            unpack(archive, out)
        except error as said:
            refused += 1
            assert str(archive) in str(said) and "\n" not in str(said)
            continue
        found = files_of(out)
        assert set(found) == set(held) if kind == "tar" else found == held
    assert refused > 60


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
