"""The installed libraries whose source files are read, and a walk over their modules. Nothing is imported."""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENTED = ("matplotlib", "networkx", "numpy", "pandas", "scipy", "sklearn", "sympy", "torch")
IMPORTING = (*DOCUMENTED, "fastai", "timm", "torchvision")

# Tests say little; copies of other libraries would put one text, or one habit of importing, under two names.
_SKIPPED = frozenset(
    ["tests", "test", "testing", "_testing", "conftest", "benchmarks", "examples", "__pycache__"]
    + ["externals", "extern", "_external", "_vendor", "vendored", "third_party"]
    + ["array_api_compat", "array_api_extra"]
)


@dataclass(frozen=True)
class Module:
    """One source file; `name` is dotted, and `package` is what a relative import in it starts from."""

    name: str
    package: str
    path: Path

    def source(self, limit: int | None = None) -> str:
        """The text, or its first `limit` bytes; empty where it is not UTF-8 or cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(-1 if limit is None else limit).decode("utf-8", "ignore")
        except OSError:
            return ""


def distribution(library: str) -> str:
    """The name that pip knows a library by."""
    return "scikit-learn" if library == "sklearn" else library


def modules(library: str) -> Iterator[Module]:
    """The source modules of an installed library, by name; none where it is not installed."""
    root = _folder(library)
    for folder, inner, files in os.walk(root) if root else ():
        inner[:] = sorted(set(inner) - _SKIPPED)
        package = ".".join([library, *Path(folder).relative_to(str(root)).parts])
        for file in sorted(files):
            stem, suffix = os.path.splitext(file)
            if suffix == ".py" and stem not in _SKIPPED and not stem.startswith("test_"):
                yield Module(package if stem == "__init__" else f"{package}.{stem}", package, Path(folder, file))


def shuffled(library: str) -> list[Module]:
    """The same modules in an order that has nothing to do with their names, the same every time."""
    return sorted(modules(library), key=lambda module: digest(module.name))


def digest(text: str) -> bytes:
    """Orders things without favour and without a seed."""
    return hashlib.sha256(text.encode()).digest()


def carried_table(library: str, file: str, delimiter: str = ",") -> list[list[str]]:
    """The cells of a table inside an installed library, without importing it: that would take seconds.

    Raises ImportError where the library, or the file in it, is not there.
    """
    folder = _folder(library)
    if folder is None or not (folder / file).is_file():
        raise ImportError(f"{library} is not installed, or has no {file}")
    content = (folder / file).read_bytes()
    text = (gzip.decompress(content) if file.endswith(".gz") else content).decode("utf-8")
    return [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]


def _folder(library: str) -> Path | None:
    spec = importlib.util.find_spec(library)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None
