"""Where a model goes whose place nobody gave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from shared.errors import UserError, as_path

MODELS = Path("models")


@contextmanager
def folder_for(given: str | None, app: str, source: str, resume: bool) -> Iterator[Path]:
    """The folder given with --out, or one of our own. Raises UserError where it is an empty name."""
    if given is not None:
        yield as_path(given, "--out")
        return
    with own_folder(app, source, resume) as folder:
        yield folder


@contextmanager
def own_folder(app: str, source: str, resume: bool) -> Iterator[Path]:
    """models/APP-SOURCE, numbered so that no other model, nor one of a run beside this, has it; the latest unfinished one
    to resume. It is made at once, and gone afterwards where nothing came to lie in it. Raises UserError where it cannot
    be made."""
    name = f"{app}-{Path(source).resolve().name.split('.')[0] or 'data'}"
    folder = (_unfinished(name) if resume else None) or _made(name)
    try:
        yield folder
    finally:
        for place in (folder, MODELS):
            with suppress(OSError):
                place.rmdir()


def _made(name: str) -> Path:
    for number in count(1):
        folder = MODELS / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)  # looking first would leave a moment in which another run takes it
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}): give another folder with --out") from None
    return folder


def _unfinished(name: str) -> Path | None:
    numbered = re.compile(rf"{re.escape(name)}(?:-(\d+))?")
    found = {}
    for checkpoint in MODELS.glob("*/checkpoint.pt"):
        if match := numbered.fullmatch(checkpoint.parent.name):
            found[int(match[1] or 1)] = checkpoint.parent
    return found[max(found)] if found else None
