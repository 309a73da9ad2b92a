"""A folder is read alike by every app: what its parts may be called, and what lies beside the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps import NAMES, load_app
from tests.apps.test_encodings import write_table
from tests.apps.vision.draw import write_classes

ASIDE = (
    "README.txt",
    "readme_en.txt",
    "LICENSE.txt",
    "Licence-MIT.txt",
    "SOURCE.txt",
    "categories.json",
    "._table.csv",
)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "vision"])
def test_files_that_tell_of_the_data_stand_aside(tmp_path: Path, name: str) -> None:
    (tmp_path / "made").mkdir()
    folder = tmp_path / "given"
    folder.mkdir()
    write_table(tmp_path / "made", name, "utf-8").rename(folder / "table.csv")
    for aside in ASIDE:
        (folder / aside).write_text("Collected by hand,\nof the neighbours.\n")
    app = load_app(name)
    splits = app.read(folder, app.recipe.make({"weights": "none"} if name == "text" else {}), None, None)
    assert len(splits.train) + len(splits.valid) + len(splits.test) >= 35


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["test", "testing"])
@pytest.mark.parametrize("train", ["train", "training"])
def test_parts_bear_the_same_names_everywhere(tmp_path: Path, name: str, train: str, part: str) -> None:
    app, folder = load_app(name), tmp_path / "parts"
    folder.mkdir()
    for place in (train, part):
        if name == "vision":
            write_classes(folder / place, each=6)
            continue
        (tmp_path / place).mkdir()
        write_table(tmp_path / place, name, "utf-8").rename(folder / f"{place}.csv")
    splits = app.read(folder, app.recipe.make({"weights": "none"} if name in ("vision", "text") else {}), None, None)
    assert len(splits.test) >= 12 and len(splits.train) + len(splits.valid) == len(splits.test)
