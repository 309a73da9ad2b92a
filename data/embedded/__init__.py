"""Real data sets made from what the installed dependencies carry: no network, the same bytes every time."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

from data.embedded.libraries import DOCUMENTED, IMPORTING, distribution
from data.errors import DataError


@dataclass(frozen=True)
class Maker:
    """Who makes a data set, out of which installed distributions; `version` rises when the making changes."""

    module: str
    function: str
    carriers: tuple[str, ...]
    version: int = 1


_MAKERS: dict[str, Maker] = {
    "digits": Maker("digits", "make_digits", ("scikit-learn", "pillow")),
    "docstrings": Maker("docstrings", "make_docstrings", tuple(map(distribution, DOCUMENTED))),
    "breast-cancer": Maker("tables", "make_breast_cancer", ("scikit-learn",)),
    "diabetes": Maker("tables", "make_diabetes", ("scikit-learn",)),
    "imports": Maker("imports", "make_imports", tuple(map(distribution, IMPORTING))),
}


def make(name: str, folder: Path) -> None:
    """Writes the embedded data set `name` into `folder`. Raises DataError where its carriers are missing."""
    maker = _MAKERS[name]
    try:
        function: Callable[[Path], None] = getattr(import_module(f"data.embedded.{maker.module}"), maker.function)
        function(folder)
    except ImportError as error:
        needed = ", ".join(maker.carriers)
        raise DataError(f"{name} is made from {needed}, not installed here ({error}): pip install them") from error


def fingerprint(name: str) -> str:
    """Changes whenever what `name` is made from does: versions of the carriers, Python, the maker."""
    maker = _MAKERS[name]
    parts = [f"{carrier}=={_version(carrier)}" for carrier in maker.carriers]
    text = " ".join([f"python{sys.version_info.major}.{sys.version_info.minor}", f"maker{maker.version}", *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _version(carrier: str) -> str:
    try:
        return metadata.version(carrier)
    except metadata.PackageNotFoundError:
        return "absent"
