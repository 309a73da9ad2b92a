"""Fetches one file over HTTP: resumed where it broke off, never glued from two versions, given up in seconds.

What has arrived stays in NAME.part with NAME.part.json beside it, which says which version of the file it is.
"""

from __future__ import annotations

import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from data import checksum
from data.connection import Broken, Unreachable, ask, read
from data.errors import DataError, disk_errors
from data.registry import Archive

CHUNK_BYTES = 1 << 18
LIMIT_BYTES = 8 << 30
ATTEMPTS = 4  # in a row without a single new byte
PAUSE_SECONDS = 0.5
SAY_SECONDS = 2.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

Say = Callable[[str], None]


@dataclass(frozen=True)
class Version:
    """Which version of a file the bytes on disk belong to: what the server said when they began to arrive."""

    address: str
    validator: str  # a strong ETag, else Last-Modified, else empty: then nothing may be resumed
    total: int | None


def fetch(archive: Archive, folder: Path, say: Say) -> Path:
    """The file of `archive` in `folder`, checked. `say` gets lines of progress.

    Raises DataError: host out of reach, transfer broken for good, wrong checksum, disk full, no permission.
    """
    final = folder / archive.file_name
    with disk_errors(f"downloading {archive.address}", folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not final.exists():
            _transfer(archive.address, _part(final), say)
            checksum.verify(_part(final), archive, _record(final), say)
            _part(final).replace(final)
            _note(_part(final)).unlink(missing_ok=True)
    return final


def _part(final: Path) -> Path:
    return final.with_name(final.name + ".part")


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _record(final: Path) -> Path:
    return final.with_name(final.name + ".json")


def _transfer(address: str, part: Path, say: Say) -> None:
    """Fills `part` to its end, asking again while new bytes still come."""
    idle = 0
    while idle < ATTEMPTS:
        before = _size(part)
        try:
            if _receive(address, part, say):
                return
            reason = "the connection broke off"
        except Unreachable as error:
            raise DataError(f"{address} cannot be reached ({error}): {_MEND}") from error
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING:
                raise DataError(f"{address} answered {error.code} {error.reason}: {_MEND}") from error
            reason = f"the server answered {error.code}"
        except Broken as error:
            reason = str(error)
        idle = 0 if _size(part) > before else idle + 1
        if idle < ATTEMPTS:
            say(f"{reason}; trying again from {readable(_size(part))}")
            time.sleep(PAUSE_SECONDS * idle)
    raise DataError(f"{address} broke off {ATTEMPTS} times running ({reason}): {_MEND}")


_MEND = "check the network and run again (what has arrived is kept), or put a copy into the folder GLANCE_DATA"


def _receive(address: str, part: Path, say: Say) -> bool:
    """One request; True when the whole file is there."""
    known = _known(address, part)
    start = _size(part) if known else 0
    headers = {"Range": f"bytes={start}-", "If-Range": known.validator} if known and start else {}
    try:
        answer = ask(address, headers)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        return _at_the_end(error, part, start)
    with answer:
        version = _version(address, answer)
        if answer.status != 206:
            start = 0
        elif not _continues(answer, start, known, version):
            part.unlink(missing_ok=True)
            raise Broken("the server sent another part than was asked for")
        _check_space(version, start, part)
        if not start:
            _note(part).write_text(json.dumps(asdict(version)))
        _copy(answer, part, start, version, say)
    return version.total is None or _size(part) == version.total


def _known(address: str, part: Path) -> Version | None:
    """What `part` holds, where it can be resumed; None where a fresh start is the only safe way."""
    try:
        version = Version(**json.loads(_note(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return version if version.address == address and version.validator and _size(part) else None


def _version(address: str, answer: http.client.HTTPResponse) -> Version:
    tag = answer.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")
    if answer.status == 206:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        total = answer.headers.get("Content-Length", "")
    return Version(address, validator, int(total) if total.isdigit() else None)


def _continues(answer: http.client.HTTPResponse, start: int, known: Version | None, version: Version) -> bool:
    """Whether a partial answer goes on exactly where the file on disk ends, and is of the same file."""
    right_place = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    return bool(known and start and right_place and version.total == known.total)


def _at_the_end(error: urllib.error.HTTPError, part: Path, start: int) -> bool:
    """A server that has nothing beyond `start` says its size; equal to ours, the file is complete."""
    with error:
        total = error.headers.get("Content-Range", "").rpartition("/")[2]
    if total == str(start):
        return True
    part.unlink(missing_ok=True)
    return False


def _copy(answer: http.client.HTTPResponse, part: Path, start: int, version: Version, say: Say) -> None:
    done, told = start, time.monotonic()
    with part.open("ab" if start else "wb") as file:
        while block := read(answer, CHUNK_BYTES):
            file.write(block)
            done += len(block)
            if done > (version.total or LIMIT_BYTES):
                raise DataError(f"{version.address} sends more than it announced: {_MEND}")
            if time.monotonic() - told >= SAY_SECONDS:
                told = time.monotonic()
                say(f"{part.stem}: {_share(done, version.total)}")
    say(f"{part.stem}: {_share(done, version.total)}")


def _check_space(version: Version, start: int, part: Path) -> None:
    needed = (version.total or 0) - start
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            f"{version.address} needs {readable(needed)} and {part.parent} has {readable(free)} free: "
            "free some space, or set XDG_CACHE_HOME to a folder on another disk"
        )
    if needed > LIMIT_BYTES:
        raise DataError(f"{version.address} announces {readable(needed)}, more than any known data set: {_MEND}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _share(done: int, total: int | None) -> str:
    return f"{readable(done)} of {readable(total)} ({done / total:.0%})" if total else readable(done)


def readable(size: float) -> str:
    """A size in bytes as a person reads it: 4.9 MB (decimal units)."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
