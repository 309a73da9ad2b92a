"""Every dial is read by code that runs: one that nothing reads changes nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from apps import NAMES, load_recipe

ROOT = Path(__file__).resolve().parent.parent

UNREAD = {"collab": {"weights"}, "tabular": {"weights"}}
"""Dials that all apps have and these have no use for: no weights from outside exist for them."""


def read(path: Path) -> Iterator[str]:
    """Names that the code of a file takes from a recipe, or from itself where the file defines one; words are no code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = ast.unparse(node.value).split(".")[-1]
            if owner == "recipe" or (owner == "self" and path.name == "recipe.py"):
                yield node.attr


@pytest.mark.parametrize("name", NAMES)
def test_every_dial_is_read(name: str) -> None:
    files = [*(ROOT / "shared").glob("*.py"), *(ROOT / "apps" / name).glob("*.py")]
    dials = {dial.name for dial in fields(load_recipe(name))}
    unread = dials - {found for path in files for found in read(path)}
    assert unread - {"preset"} == UNREAD.get(name, set())  # a preset is what sets the others


def test_words_are_no_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""recipe.words"""\n# recipe.words\nrecipe.code, setup.recipe.more, other.thing\n')
    assert set(read(tmp_path / "a.py")) == {"code", "more"}
