"""Puts a data set into the cache in one step: built in a folder beside its place, then renamed into it.

Two processes do not collide: one builds under a lock, the other waits and finds it there.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from data import places
from data.errors import DataError, disk_errors
from data.registry import Card

Say = Callable[[str], None]

_PAUSE = 0.2  # seconds between two looks at a lock that another process holds


def is_here(card: Card) -> bool:
    """Whether `card` stands in the cache already."""
    return (_place(card) / card.entry).exists()


def installed(card: Card, progress: Say | None) -> Path:
    """The published data set `card` in the cache, downloaded on first use. Raises DataError."""
    return _obtained(card, progress, _download_into)


def made(card: Card, progress: Say | None) -> Path:
    """The embedded data set `card` in the cache, made on first use. Raises DataError."""
    return _obtained(card, progress, _make_into)


def _obtained(card: Card, progress: Say | None, build: Callable[[Card, Path, Say], None]) -> Path:
    say = progress or _silent
    place = _place(card)
    with disk_errors(f"keeping {card.name}", place.parent):
        if not place.exists():
            with _locked(place, say), building(place) as temporary:
                if temporary:
                    build(card, temporary, say)
    found = place / card.entry
    if not found.exists():  # what tidies a cache up may take files and leave folders
        raise DataError(f"{found} is missing: delete the folder {place} and run again")
    return found


def _silent(line: str) -> None:
    """Where nobody listens."""


def _place(card: Card) -> Path:
    if not card.embedded:
        return places.cache_folder() / "data" / card.name
    from data import embedded

    return places.cache_folder() / "embedded" / f"{card.name}-{embedded.fingerprint(card.name)}"


def _download_into(card: Card, folder: Path, say: Say) -> None:
    from data import prepare
    from data.download import fetch
    from data.unpack import BadArchive, unpack

    downloads = places.cache_folder() / "downloads" / card.name
    say(f"{card.title} ({card.licence})")
    archives = [fetch(archive, downloads, say) for archive in card.archives]
    raw = folder.with_name(folder.name + ".raw")
    try:
        for archive in archives:
            say(f"unpacking {archive.name}")
            unpack(archive, raw)
        prepare.run(card.prepare, raw, folder)
    except BadArchive:
        _forget(archives)  # so that running again fetches them anew
        raise
    finally:
        shutil.rmtree(raw, ignore_errors=True)
    if card.entry and not (folder / card.entry).is_file():
        raise DataError(f"{card.name} came without its file {card.entry}: its publisher changed the layout")
    _forget(archives)


def _forget(archives: list[Path]) -> None:
    """Removes what was downloaded; the record of each file's sha256 stays beside it."""
    for archive in archives:
        archive.unlink(missing_ok=True)


def _make_into(card: Card, folder: Path, say: Say) -> None:
    from data import embedded

    say(f"making {card.name}: {card.title}")
    embedded.make(card.name, folder)


@contextmanager
def building(place: Path) -> Iterator[Path | None]:
    """A fresh folder beside `place` that becomes `place` when the block ends well, and goes when it does not.

    Gives None where `place` is there already. A reader sees all of it or nothing.
    """
    if place.exists():
        yield None
        return
    for leftover in place.parent.glob(f".{place.name}-*"):  # of a process that was killed: we hold its lock
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp makes a private folder; this one is shared like any other
        _settle(temporary, place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _settle(temporary: Path, place: Path) -> None:
    try:
        os.rename(temporary, place)
    except OSError:
        if not place.exists():  # else another process was first, where locks do not work: theirs is as good
            raise


@contextmanager
def _locked(place: Path, say: Say) -> Iterator[None]:
    """Holds the lock of `place`. The system frees it when a process dies, so it is never stale."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f".{place.name}.lock").open("a+b") as file:
        if not _lock(file):
            say(f"another process is getting {place.name}; waiting for it")
            while not _lock(file):  # asked again and again: Windows' own waiting gives up after ten seconds
                time.sleep(_PAUSE)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        """Takes the lock, or says at once that another has it."""
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        """Takes the lock, or says at once that another has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: the rename alone keeps the cache whole
            return True
        return True
