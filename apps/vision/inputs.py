"""Pictures to answer, from files, folders, archives and tables of paths; decoded block by block."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from apps.vision.pictures import Pictures, load_pictures
from apps.vision.reading import opened
from apps.vision.recipe import VisionRecipe
from apps.vision.sources import Listing, list_paths, pictures_below
from shared.errors import UserError
from shared.tables import is_table

BLOCK = 1024
"""Pictures decoded at a time when answering."""


def read_inputs(sources: Sequence[str], recipe: VisionRecipe) -> Iterator[tuple[list[Any], Pictures]]:
    """Blocks of (names, pictures) of files, folders, archives and csv files with a column of paths; "-" stands for such
    paths on stdin."""
    for source in _with_stdin(sources):
        if not source:  # as a path it would be the current folder
            raise UserError(
                "an empty input names no pictures; give files, folders or a csv of paths (. for this folder)"
            )
        with opened(Path(source)) as place:
            listing = _list_inputs(place, source)
            for start in range(0, len(listing), BLOCK):
                names = listing.names[start : start + BLOCK]
                found = load_pictures(listing.paths[start : start + BLOCK], names, recipe.stored_size or 0)
                if len(sources) == 1 and source == sources[0] and listing.paths == [place]:
                    _check_opened(source, found)
                yield list(names), found


def _with_stdin(sources: Sequence[str]) -> Iterator[str]:
    """The sources, in place of each "-" the lines of stdin as they come. Raises UserError where there are none."""
    for source in sources:
        if source != "-":
            yield source
            continue
        lines = io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape")  # as names of files are decoded
        paths = filter(None, (line.strip("\r\n") for line in lines))
        if (first := next(paths, None)) is None:
            raise UserError("stdin names no pictures: give the path of a file, a folder or a csv of paths a line")
        yield from chain([first], paths)


def _check_opened(source: str, pictures: Pictures) -> None:
    """Raises UserError where the only picture asked for is broken; one of several is told in its answer."""
    if (error := pictures.errors[0]) is not None:
        raise UserError(
            f"{source} is not a picture that can be opened ({error}); give another picture, a folder or a csv"
        )


def _list_inputs(place: Path, source: str) -> Listing:
    if place.is_dir():
        paths = sorted(pictures_below(place))
        if not paths:
            raise UserError(f"{source} holds no pictures; give a folder that does")
        inside = place == Path(source)
        names = [str(path) if inside else path.relative_to(place).as_posix() for path in paths]
        return Listing(paths, names, [])
    if is_table(place):
        return list_paths(place)
    return Listing([place], [source], [])
