"""Where the interactions are: a table, or a folder with one or with train and test tables."""

from __future__ import annotations

from pathlib import Path

from shared.errors import UserError, some
from shared.folders import data_tables, find_parts

STEMS = ("ratings", "rating", "interactions", "events", "u", "train", "data")
"""File names that hold the interactions, the likeliest first."""


def find_tables(source: Path) -> dict[str, Path]:
    """The tables by part: "train" always, "valid" and "test" where a folder has them.

    Raises UserError where there is no table, or no telling which of several.
    """
    if source.is_file():
        return {"train": source}
    if not source.is_dir():
        raise UserError(f"{source}: no such file or folder")
    if parts := find_parts(source):
        return parts
    tables = data_tables(source)
    for stem in STEMS:
        for path in tables:
            if path.name.split(".")[0].lower() == stem:
                return {"train": path}
    if len(tables) == 1:
        return {"train": tables[0]}
    if not tables:
        raise UserError(f"{source}: no table in this folder; give a csv, tsv or parquet of user,item[,rating[,time]]")
    raise UserError(f"{source} holds several tables ({some([path.name for path in tables])}): name the one to read")


def partner(source: Path) -> Path | None:
    """The test half that stands beside a training half: u1.test beside u1.base."""
    other = source.with_suffix(".test")
    return other if source.suffix == ".base" and other.is_file() else None
