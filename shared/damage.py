"""What readers of packed files raise at damaged ones, as one message."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import UserError, first_line


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Makes a UserError of what unpacking raises at a damaged file; the system's own refusals go on."""
    try:
        yield
    except (zlib.error, lzma.LZMAError, EOFError, zipfile.BadZipFile, tarfile.TarError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # gzip's and bzip2's complaints of wrong bytes have no number
        raise UserError(f"{path}: the packed file is damaged ({first_line(error)}); fetch it again") from None
