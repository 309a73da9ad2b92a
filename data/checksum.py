"""Is a downloaded file the right one? Compared with what its source states and with what came first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from data.errors import DataError
from data.registry import Archive

_MIB = 1 << 20


def verify(path: Path, archive: Archive, record: Path, say: Callable[[str], None]) -> None:
    """Writes the first record. Raises DataError, and removes `path`, where it is not the file of `archive`."""
    sha256 = _digest(path, "sha256")
    try:
        _check_stated(path, archive, sha256)
        _check_record(archive, record, sha256)
    except DataError:
        path.unlink(missing_ok=True)
        raise
    if not record.exists():
        _write_record(path, archive, record, sha256)
        if archive.checksum is None:
            say(f"{archive.address} states no checksum; its sha256 {sha256} is kept in {record} for next time")


def _check_stated(path: Path, archive: Archive, sha256: str) -> None:
    stated = archive.checksum
    if stated is None:
        return
    size = path.stat().st_size
    if stated.algorithm == "md5-first-mib":
        found = _digest(path, "md5", _MIB)
        right = found == stated.value and size == archive.bytes
    else:
        found = sha256 if stated.algorithm == "sha256" else _digest(path, stated.algorithm)
        right = found == stated.value
    if not right:
        raise DataError(
            f"{archive.address} is not the file that {stated.source} describes ({stated}; "
            f"found {found}, {size} bytes): run again, or put a copy that you trust into the folder GLANCE_DATA"
        )


def _check_record(archive: Archive, record: Path, sha256: str) -> None:
    try:
        earlier = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return
    if earlier.get("address") == archive.address and earlier.get("sha256") != sha256:
        raise DataError(
            f"{archive.address} has changed since {earlier.get('date')} (sha256 was {earlier.get('sha256')}, "
            f"is {sha256}): if that is expected, delete {record} and run again"
        )


def _write_record(path: Path, archive: Archive, record: Path, sha256: str) -> None:
    entry = {
        "address": archive.address,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "stated": str(archive.checksum) if archive.checksum else None,
    }
    record.write_text(json.dumps(entry, indent=1) + "\n")


def _digest(path: Path, algorithm: str, limit: int | None = None) -> str:
    # md5 only compares with what a source states; a Python that bans it for security allows that
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        if limit is not None:
            digest.update(file.read(limit))
        else:
            while block := file.read(_MIB):
                digest.update(block)
    return digest.hexdigest()
