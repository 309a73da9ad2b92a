"""The one error a user of data sets can meet, and the turning of the disk's errors into it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MENDS = {
    errno.ENOSPC: "the disk is full: free some space, or set XDG_CACHE_HOME to a folder on another disk",
    errno.EDQUOT: "your quota is used up: free some space, or set XDG_CACHE_HOME to a folder elsewhere",
    errno.EACCES: "permission denied: give write permission, or set XDG_CACHE_HOME to a folder of your own",
    errno.EPERM: "not permitted: give write permission, or set XDG_CACHE_HOME to a folder of your own",
    errno.EROFS: "the disk is read-only: set XDG_CACHE_HOME to a folder that can be written",
    errno.ENOTDIR: "a file stands where a folder is needed: move it, or set XDG_CACHE_HOME elsewhere",
}


class DataError(ValueError):
    """A data set cannot be had: one sentence that says what, where, and how to mend it."""


@contextmanager
def disk_errors(what: str, where: Path) -> Iterator[None]:
    """Turns an OSError inside into a DataError: `what` could not be done at `where`, and the mend."""
    try:
        yield
    except OSError as error:
        mend = _MENDS.get(error.errno or 0, f"{error.strerror or error}: mend that and try again")
        raise DataError(f"{what} failed at {where}: {mend}") from error
