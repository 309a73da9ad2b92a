"""Source modules as users, the names they import as items: what would this module import next? No ratings."""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from pathlib import Path

from data.embedded.libraries import IMPORTING, Module, digest, shuffled
from data.errors import DataError

LEAST_USES = 5  # of a name, by different modules
LEAST_NAMES = 4  # in a module
_MODULES_PER_LIBRARY = 600  # else a half of all would be of one library
_HEAD_BYTES = 16_384  # imports stand at the top; reading all of every file would take most of the time

_STATEMENT = re.compile(r"^(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?:\([^)]*\)|[^\n(\\;]*(?:\\\n[^\n\\;]*)*)", re.M)


def make_imports(folder: Path) -> None:
    """Writes imports.csv with the header user,item. Raises DataError with too few libraries."""
    found = {module.name: _imported(module) for library in IMPORTING for module in _chosen(library)}
    kept = _core(found)
    if not kept:
        raise DataError(f"imports needs some of {', '.join(IMPORTING)}: pip install them")
    pairs = sorted(((user, item) for user, items in kept.items() for item in items), key=_order)
    with (folder / "imports.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("user", "item"), *pairs])


def _chosen(library: str) -> list[Module]:
    return shuffled(library)[:_MODULES_PER_LIBRARY]


def _order(pair: tuple[str, str]) -> bytes:
    return digest(" ".join(pair))


def _imported(module: Module) -> set[str]:
    """What the module imports at its top level, in full: `from .base import Any` -> `library.base.Any`."""
    statements = _STATEMENT.findall(module.source(_HEAD_BYTES))
    nodes = _parsed("\n".join(statements)) or [node for text in statements for node in _parsed(text)]
    return {name for node in nodes for name in _names(node, module.package)}


def _parsed(text: str) -> list[ast.stmt]:
    """Nothing where `text` does not parse: a sentence that begins like an import, or one cut at the end."""
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError):
        return []


def _names(node: ast.stmt, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or node.module == "__future__":
        return []
    parents = package.split(".")
    above = parents[: len(parents) - node.level + 1] if node.level else []
    source = ".".join([*above, *([node.module] if node.module else [])])
    return [source if alias.name == "*" else f"{source}.{alias.name}" for alias in node.names]


def _core(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Only names used often enough in modules that import enough of them, until both hold at once."""
    size = -1
    while size != (size := sum(map(len, found.values()))):
        uses = Counter(name for names in found.values() for name in names)
        found = {user: {name for name in names if uses[name] >= LEAST_USES} for user, names in found.items()}
        found = {user: names for user, names in found.items() if len(names) >= LEAST_NAMES}
    return found
