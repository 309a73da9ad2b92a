"""The one exception for a fault of the user's input: it says what, where and how to mend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class UserError(ValueError):
    """The input or an argument is at fault. The command line prints it alone and exits with 2."""


def some(values: list[str], limit: int = 5) -> str:
    """Names the first few of many values, so that a message stays one line."""
    shown = ", ".join(values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"


def first_line(error: Exception, limit: int = 200) -> str:
    """What another library says of an error, so that a message of ours stays one line of so many characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:limit]


def not_empty(things: Iterator[T], otherwise: str) -> Iterator[T]:
    """The same things as they come. Raises UserError, which says `otherwise`, where there are none."""
    if (first := next(things, None)) is None:
        raise UserError(otherwise)
    yield from chain([first], things)


def as_path(value: object, what: str) -> Path:
    """A path among Python values, `~` the home folder; `what` it is of. Raises UserError at anything else, and at an empty
    one, which would be the current folder."""
    if isinstance(value, str | os.PathLike) and os.fspath(value):
        return Path(os.path.expanduser(value))
    kind = "an empty one" if isinstance(value, str) else "None" if value is None else f"a {type(value).__name__}"
    mend = ", as by frame.to_csv(path, index=False)" if hasattr(value, "to_csv") else ""
    raise UserError(
        f"{what}: give the path of one file or folder, not {kind}; what is in memory is to be written to a file first{mend}"
    )


@contextmanager
def readable(place: object, mend: str, fault: type[OSError] = OSError) -> Iterator[None]:
    """Makes a UserError of the system's refusal to read: of the file that it names, else of the place."""
    try:
        yield
    except fault as error:
        raise UserError(f"{error.filename or place} cannot be read ({error.strerror}): {mend}") from error


@contextmanager
def told_of(place: object) -> Iterator[None]:
    """Puts the place, which the code inside does not know, before what a UserError says."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
