"""Data sets by name or path: `locate("ml-100k")` gives the file or folder, fetching or making it when needed.

Looked for in this order: a path, the folder GLANCE_DATA, the embedded sets, the cache, the publisher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data import places
from data.errors import DataError
from data.registry import CARDS, Card

__all__ = ["EMBEDDED", "Card", "DataError", "cards", "embedded_set", "locate"]

EMBEDDED: dict[str, str] = {
    "vision": "digits",
    "text": "docstrings",
    "tabular": "breast-cancer",
    "collab": "imports",
}


def locate(name: str, *, progress: Callable[[str], None] | None = None) -> Path:
    """The file or folder of the data set `name`, or of the path `name` where that exists.

    `progress` is called with lines to show a person while something is downloaded or made. Raises DataError:
    an unknown name, a publisher out of reach, a file that is not what it should be, no space, no permission.
    """
    if path := places.existing(name):
        return path
    if not places.is_name(name):
        raise DataError(_no_such_path(name))
    if path := places.in_shelf(name):
        return path
    if name not in CARDS:
        raise DataError(_unknown(name))
    card = CARDS[name]
    from data import store  # the downloader and the makers cost time to import; most calls need neither

    return store.made(card, progress) if card.embedded else store.installed(card, progress)


def embedded_set(app: str, *, progress: Callable[[str], None] | None = None) -> Path:
    """The embedded data set of `app` itself, whatever stands here or in GLANCE_DATA by its name. Raises DataError."""
    from data import store

    return store.made(CARDS[EMBEDDED[app]], progress)


def cards() -> list[Card]:
    """Every known data set, embedded ones first; `present` says whether it is here already."""
    from data import store

    return [replace(card, present=_on_shelf(card.name) or store.is_here(card)) for card in CARDS.values()]


def _on_shelf(name: str) -> bool:
    return places.in_shelf(name) is not None


def _no_such_path(name: str) -> str:
    shown = name if len(name) <= 200 else name[:200] + "..."
    mend = "check the spelling, or see `python -m apps data list` for names"
    return f"there is no file or folder at {shown!r}: {mend}"


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, dict.fromkeys([*CARDS, *places.shelf_names()]), n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}?" if near else "no known name is near it."
    return (
        f"{name!r} is neither a file or folder here nor a known data set: {meant} "
        "See `python -m apps data list` for all names"
    )
