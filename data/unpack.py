"""Unpacks a tar or zip that nobody need trust: nothing outside the folder, no links, no bombs."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from data.errors import DataError, disk_errors


class BadArchive(DataError):
    """The archive itself is at fault: damaged, hostile, or of a kind that cannot be read."""


@dataclass(frozen=True)
class Limits:
    """The most an archive may hold: members, and bytes when unpacked."""

    members: int = 500_000
    bytes: int = 16 << 30


@dataclass
class _Count:
    """What has been let through so far."""

    archive: Path
    limits: Limits
    members: int = 0
    bytes: int = 0

    def add(self, name: str, size: int) -> None:
        self.members += 1
        self.bytes += max(size, 0)
        if self.members > self.limits.members or self.bytes > self.limits.bytes:
            raise BadArchive(
                f"{self.archive} unpacks to more than {self.limits.members:,} members or "
                f"{self.limits.bytes:,} bytes (at {name!r}): it is not a data set known here, "
                "unpack it by hand if you trust it"
            )


def unpack(archive: Path, folder: Path, limits: Limits | None = None) -> None:
    """Unpacks `archive` into `folder`, which is made. The kind is told by its content, not by its name.

    Raises BadArchive: neither tar nor zip, damaged, encrypted, a member that climbs out or is a link, too
    much; DataError where the disk is at fault.
    """
    count = _Count(archive, limits or Limits())
    with disk_errors("unpacking", folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _unpack(archive, folder, count)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise BadArchive(f"{archive} is damaged ({error}): delete it and run again") from error
        except OSError as error:
            if error.errno is not None:
                raise
            # a wrong gzip or bzip2 checksum is an OSError without a number: no fault of the disk
            raise BadArchive(f"{archive} is damaged ({error}): delete it and run again") from error
        except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or an exotic compression
            raise BadArchive(
                f"{archive} cannot be unpacked ({error}): unpack it by hand and give the folder"
            ) from error


def _unpack(archive: Path, folder: Path, count: _Count) -> None:
    # A tar is asked for first: one that ends in a packed zip would also pass for a zip.
    if _is_tar(archive):
        _unpack_tar(archive, folder, count)
    elif zipfile.is_zipfile(archive):
        _unpack_zip(archive, folder, count)
    else:
        raise BadArchive(f"{archive} is neither a tar nor a zip, or is damaged: delete it and run again")


def _is_tar(archive: Path) -> bool:
    try:
        return tarfile.is_tarfile(archive)
    except (zlib.error, lzma.LZMAError, EOFError, OSError):
        return False


class _Member(tarfile.TarInfo):
    """One whose damaged header is an error: tarfile takes it for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not buf.strip(b"\0"):
                raise  # the end: zeros, or nothing
            raise tarfile.ReadError(str(error)) from None


def _unpack_tar(archive: Path, folder: Path, count: _Count) -> None:
    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        _check_name(archive, member.name)
        if not (member.isfile() or member.isdir()):
            raise BadArchive(_refused(archive, member.name, "is a link or a device"))
        count.add(member.name, member.size)
        return tarfile.data_filter(member, path)

    with tarfile.open(archive, tarinfo=_Member) as tar:
        for member in tar:  # one pass: extractall would decompress everything twice, and count only afterwards
            tar.extract(member, folder, filter=checked)
        _read_out(tar, count)


def _read_out(tar: tarfile.TarFile, count: _Count) -> None:
    """Reads on to the real end, where gzip, bzip2 and xz keep the checksum that tarfile never looks at."""
    while tar.fileobj and (block := tar.fileobj.read(1 << 18)):
        count.add("the end", len(block))


def _unpack_zip(archive: Path, folder: Path, count: _Count) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        for member in members:  # all are looked at before the first is written
            _check_name(archive, member.filename)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise BadArchive(_refused(archive, member.filename, "is a link"))
            count.add(member.filename, member.file_size)
        for member in members:
            _write_member(packed, member, folder / member.filename)


def _write_member(packed: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """zipfile stops at the size the member declares and checks its CRC: a lie cannot outgrow the count."""
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 18)


def _check_name(archive: Path, name: str) -> None:
    """Refuses a name that is absolute or climbs on any system, not only on this one."""
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts:
            raise BadArchive(_refused(archive, name, "climbs out of the folder"))
    if "\0" in name or len(os.fsencode(PurePosixPath(name).name)) > 255:
        raise BadArchive(_refused(archive, name, "has a name that no file can have"))


def _refused(archive: Path, name: str, why: str) -> str:
    return f"{archive} was refused, its member {name!r} {why}: get the data set from its publisher"
