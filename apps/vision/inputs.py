"""Pictures to answer, from files, folders, archives and tables of paths; decoded block by block."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from apps.vision.archives import check_exists, is_archive, opened
from apps.vision.listing import Listing, pictures_below
from apps.vision.pictures import Pictures, load_pictures
from apps.vision.recipe import VisionRecipe
from apps.vision.tables import list_paths
from shared.errors import UserError, not_empty
from shared.tables import is_table

BLOCK = 1024
"""Pictures decoded at a time when answering."""


def read_inputs(sources: Sequence[str], recipe: VisionRecipe) -> Iterator[tuple[list[Any], Pictures]]:
    """Blocks of (names, pictures) of files, folders, archives and csv files with a column of paths; "-" stands for such
    paths on stdin."""
    alone = len(sources) == 1 and sources[0] != "-"
    for loose, group in groupby(_with_stdin(sources), _is_loose):
        if loose:  # together: a picture at a time is half as fast
            while names := list(islice(group, BLOCK)):
                yield _decoded(_list_files(names), recipe, alone)
            continue
        for source in group:
            with opened(Path(source)) as place:
                listing = _list_inputs(place, source)
                for start in range(0, len(listing), BLOCK):
                    part = slice(start, start + BLOCK)
                    yield _decoded(Listing(listing.paths[part], listing.names[part], []), recipe, alone=False)


def _is_loose(source: str) -> bool:
    """Whether it is a picture by itself. Raises UserError at an empty one, which as a path would be the current folder."""
    if not source:
        raise UserError("an empty input names no pictures; give files, folders or a csv of paths (. for this folder)")
    return not (is_table(path := Path(source)) or is_archive(path) or os.path.isdir(path))


def _list_files(names: list[str]) -> Listing:
    """Raises UserError where one of the files is not there."""
    paths = list(map(Path, names))
    for path in paths:
        check_exists(path)
    return Listing(paths, names, [])


def _decoded(listing: Listing, recipe: VisionRecipe, alone: bool) -> tuple[list[Any], Pictures]:
    """(names, pictures). Raises UserError where the only picture asked for is broken; one of several is told in its answer."""
    found = load_pictures(listing.paths, listing.names, recipe.stored_size or 0, recipe.white)
    if alone and (error := found.errors[0]) is not None:
        raise UserError(
            f"{listing.names[0]} is not a picture that can be opened ({error}); give another picture, a folder or a csv"
        )
    return list(listing.names), found


def _with_stdin(sources: Sequence[str]) -> Iterator[str]:
    """The sources, in place of each "-" the lines of stdin as they come. Raises UserError where there are none."""
    for source in sources:
        if source != "-":
            yield source
            continue
        lines = io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape")  # as names of files are decoded
        paths = filter(None, (line.strip("\r\n") for line in lines))
        yield from not_empty(
            paths, "stdin names no pictures: give the path of a file, a folder or a csv of paths a line"
        )


def _list_inputs(place: Path, source: str) -> Listing:
    if place.is_dir():
        paths = sorted(pictures_below(place))
        if not paths:
            raise UserError(f"{source} holds no pictures; give a folder that does")
        inside = place == Path(source)
        names = [str(path) if inside else path.relative_to(place).as_posix() for path in paths]
        return Listing(paths, names, [])
    return list_paths(place)
