"""Opens a source of pictures: a tar or zip is unpacked into a temporary folder, and no member can climb out of it.

Unpacks much as `data/unpack.py`, which may not be imported here: what one learns of damage the other is to know.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from shared.damage import damage_named
from shared.dialect import SAMPLE, find_encoding
from shared.errors import UserError, first_line, readable

UTF8_MARK = 0x800

NAMED_IN = ("utf-8", "gb18030", "cp932")
"""Encodings that names in a zip are read in where they tell it; other alphabets have several, and no telling which."""

SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz")

REFUSED = "change its permissions"
"""How to mend what the system refuses to read."""


def is_archive(path: Path) -> bool:
    """Whether the name is one of a tar or zip."""
    return path.name.lower().endswith(SUFFIXES)


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """The source itself, or the temporary folder that an archive is unpacked into; gone afterwards.

    Raises UserError where there is no such source, or where the system refuses to read it or a part of it.
    """
    check_exists(source)
    with readable(source, REFUSED, PermissionError), _unpacked(source) as place:
        yield place


def check_exists(source: Path) -> None:
    """Raises UserError where there is no such source, or no looking whether there is."""
    with readable(source, REFUSED, PermissionError):
        try:
            source.stat()
        except PermissionError:
            raise
        except (OSError, ValueError):  # nothing there, or a name that no file can have
            raise UserError(
                f"{source}: no such file or folder; give pictures, class folders, a tar or zip, or a csv of paths"
            ) from None


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    if not (source.is_file() and is_archive(source)):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="glance-archive-") as folder:
        unpack(source, Path(folder))
        try:
            yield Path(folder)
        except UserError as error:  # the folder is gone when this is read
            raise UserError(str(error).replace(folder, str(source))) from None


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks into `folder`. Raises UserError when the archive is damaged, hostile or larger than the disk."""
    try:
        with damage_named(archive):
            _unpack(archive, folder)
    except UserError:
        raise
    except (RuntimeError, ValueError) as error:  # zipfile: locked, or packed in a way that Python lacks
        raise UserError(f"{archive} is locked or damaged ({first_line(error)}); unpack it by hand") from None
    except OSError as error:
        raise UserError(f"{archive} could not be unpacked into {folder} ({error.strerror})") from None


def _unpack(archive: Path, folder: Path) -> None:
    if tarfile.is_tarfile(archive):  # asked first: one that ends in a packed zip would also pass for a zip
        _unpack_tar(archive, folder)
    elif zipfile.is_zipfile(archive):
        _unpack_zip(archive, folder)
    else:
        raise UserError(f"{archive} is neither a tar nor a zip, or is damaged; fetch it again")


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


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, tarinfo=_Member) as tar:
        try:
            tar.extractall(folder, filter="data")  # refuses links and paths that lead outside
        except tarfile.FilterError as error:
            raise UserError(f"{archive}: refused, a member leads out of its folder ({error})") from None
        while tar.fileobj and tar.fileobj.read(1 << 18):
            pass  # on to the real end, where gzip, bzip2 and xz keep the checksum that tarfile never looks at


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = [member for member in packed.infolist() if not member.filename.endswith(("/", "\\"))]
        _name_as_written(members)
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                raise UserError(f"{archive}: refused, its member {member.filename!r} leads out of its folder")
            member.filename = path.as_posix()  # some programs of Windows part folders by backslashes
        needed, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
        if needed > free:
            raise UserError(f"{archive} needs {needed:,} bytes unpacked and {folder} has {free:,}: free some space")
        packed.extractall(folder, members)


def _name_as_written(members: list[zipfile.ZipInfo]) -> None:
    """Names without the mark of UTF-8, which zipfile takes for those of DOS, are of UTF-8 too, or of the system that packed."""
    unmarked = [member for member in members if not member.flag_bits & UTF8_MARK]
    with suppress(UnicodeError):  # all or none
        raw = [member.filename.encode("cp437") for member in unmarked]
        encoding = find_encoding(b"\n".join(name for name in raw if not name.isascii())[:SAMPLE])[0]
        names = [name.decode(encoding) for name in raw] if encoding in NAMED_IN else []
        for member, name in zip(unmarked, names, strict=False):
            member.filename = name
