"""The embedded sets are real, shaped as promised, and the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data import embedded
from data.embedded import docstrings, imports, libraries
from data.registry import EMBEDDED_CARDS


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def fingerprint_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def test_every_card_has_a_maker_and_its_own_fingerprint() -> None:
    names = [card.name for card in EMBEDDED_CARDS]
    assert set(names) == set(embedded._MAKERS)
    assert all(len(embedded.fingerprint(name)) == 12 for name in names)


def test_a_new_version_of_a_carrier_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = embedded.fingerprint("digits")
    monkeypatch.setattr(embedded, "_version", lambda carrier: "another")
    assert embedded.fingerprint("digits") != before


def test_digits_are_small_grey_pictures_in_ten_folders(tmp_path: Path) -> None:
    from PIL import Image

    embedded.make("digits", tmp_path)
    files = sorted(tmp_path.rglob("*.png"))
    assert len(files) == 1797 and {path.parent.name for path in files} == set("0123456789")
    with Image.open(files[0]) as picture:
        assert (picture.mode, picture.size) == ("L", (8, 8)) and picture.getextrema() == (0, 239)


def test_breast_cancer_is_a_table_with_its_target_last(tmp_path: Path) -> None:
    embedded.make("breast-cancer", tmp_path)
    header, *rows = read(tmp_path / "breast-cancer.csv")
    assert header[0] == "mean_radius" and header[-1] == "diagnosis" and len(header) == 31
    assert Counter(row[-1] for row in rows) == {"benign": 357, "malignant": 212}


def test_diabetes_is_in_original_units(tmp_path: Path) -> None:
    embedded.make("diabetes", tmp_path)
    header, *rows = read(tmp_path / "diabetes.csv")
    assert (header[0], header[-1], len(rows)) == ("age", "progression", 442)
    assert rows[0][:3] == ["59", "2", "32.1"]


def test_docstrings_are_balanced_and_do_not_name_their_library(tmp_path: Path) -> None:
    embedded.make("docstrings", tmp_path)
    header, *rows = read(tmp_path / "docstrings.csv")
    count = Counter(label for _, label in rows)
    assert header == ["text", "label"] and set(count) == set(libraries.DOCUMENTED)
    assert min(count.values()) > 0.9 * docstrings.TEXTS_PER_LIBRARY
    assert len({text for text, _ in rows}) == len(rows)
    named = [text for text, _ in rows if any(word in text.lower().split() for word in (*count, "np", "pd"))]
    assert not named


def test_imports_have_enough_names_per_module_and_uses_per_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_MODULES_PER_LIBRARY", 150)  # a quarter of the real one, for time
    embedded.make("imports", tmp_path)
    header, *rows = read(tmp_path / "imports.csv")
    users, items = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    assert header == ["user", "item"] and len({tuple(row) for row in rows}) == len(rows)
    assert len(users) > 300 and len(items) > 150
    assert min(users.values()) >= imports.LEAST_NAMES and min(items.values()) >= imports.LEAST_USES


def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    """Under another hash seed, which would show an order that rests on a set."""
    code = (
        "import sys, pathlib; from data.embedded import docstrings, imports\n"
        "docstrings.DOCUMENTED = imports.IMPORTING = ('networkx', 'matplotlib')\n"
        "docstrings.TEXTS_PER_LIBRARY = imports._MODULES_PER_LIBRARY = 120\n"
        "folder = pathlib.Path(sys.argv[1]); folder.mkdir()\n"
        "docstrings.make_docstrings(folder); imports.make_imports(folder)"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            check=True,
            cwd=Path(embedded.__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
        )
    assert fingerprint_of(tmp_path / "1") == fingerprint_of(tmp_path / "2")


SOURCE = '''
def plain(x): """One line is not taken here."""
class Thing(Base):
    """Text of a class."""
    async def method(
        self, y: int = 3,
    ) -> dict:
        r"""Text of a method \\alpha."""
    def other(self):
        if self:
            """No documentation, just a string."""
text = """
def fake():
    pass
"""
'''


def test_only_documentation_is_taken() -> None:
    assert list(docstrings._docstrings(SOURCE)) == ["Text of a class.", "Text of a method \\alpha."]


@pytest.mark.parametrize(
    ("docstring", "text"),
    [
        (
            "Return the :class:`~torch.Tensor` of\n    ``np.array`` values, *please*.\n\n    More.",
            "Return the Tensor of array values, please.",
        ),
        (
            "\n    Compute with scikit-learn and :func:`the sum <pandas.sum>` of all npz and input here.\n",
            "Compute with and the sum of all npz and input here.",
        ),
        ("Too short.", None),
        ("Six words, but one of them, >>> here, is a prompt for sure.", None),
    ],
)
def test_names_and_markup_are_taken_out(docstring: str, text: str | None) -> None:
    assert docstrings._tidy(docstring) == text


HEAD = '''"""Docs.

from the beginning, this is prose
"""
from __future__ import annotations
import os, numpy as np
import a.b
from typing import (
    Any,
    Callable as C,
)
from . import sibling
from .near import thing
from ..far import other \\
    , more
from star import *
def f():
    import hidden
import (broken
'''


def test_imports_are_named_in_full(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(HEAD)
    found = imports._imported(libraries.Module("lib.pack.m", "lib.pack", path))
    assert found == {
        *("os", "numpy", "a.b", "typing.Any", "typing.Callable", "star"),
        *("lib.pack.sibling", "lib.pack.near.thing", "lib.far.other", "lib.far.more"),
    }


def test_the_core_keeps_only_what_meets_both_limits() -> None:
    full = {f"m{i}": {"a", "b", "c", "d"} for i in range(5)}
    assert imports._core({**full, "few": {"a", "b"}, "odd": {"a", "x", "y", "z"}}) == full
    assert imports._core({"m": {"a", "b", "c", "d"}}) == {}


def test_a_library_that_is_not_installed_has_no_modules() -> None:
    assert list(libraries.modules("surely_not_installed")) == []


def test_a_missing_carrier_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_folder", lambda library: None)
    with pytest.raises(embedded.DataError, match="made from scikit-learn, not installed here"):
        embedded.make("breast-cancer", tmp_path)


def test_too_few_libraries_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "DOCUMENTED", ("surely_not_installed",))
    monkeypatch.setattr(imports, "IMPORTING", ("surely_not_installed",))
    for name in ("docstrings", "imports"):
        with pytest.raises(embedded.DataError, match="pip install them"):
            embedded.make(name, tmp_path)
