"""Unpacks a tar or zip of pictures into a temporary folder; no member can climb out of it."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from shared.errors import UserError

SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether the name is one of a tar or zip."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks into `folder`. Raises UserError when the archive is damaged, hostile or larger than the disk."""
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, folder)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")  # refuses links and paths that lead outside
    except UserError:
        raise
    except tarfile.FilterError as error:
        raise UserError(f"{archive}: refused, a member leads out of its folder ({error})") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(":") if str(error) else type(error).__name__
        raise UserError(f"{archive}: damaged, locked or not a tar or zip ({reason}); fetch it again") from None
    except OSError as error:
        reason = error.strerror or f"damaged: {error}"
        raise UserError(f"{archive} could not be unpacked into {folder} ({reason})") from None


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = [member for member in packed.infolist() if not member.filename.endswith(("/", "\\"))]
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                raise UserError(f"{archive}: refused, its member {member.filename!r} leads out of its folder")
            member.filename = path.as_posix()  # some programs of Windows part folders by backslashes
        needed, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
        if needed > free:
            raise UserError(f"{archive} needs {needed:,} bytes unpacked and {folder} has {free:,}: free some space")
        packed.extractall(folder, members)
