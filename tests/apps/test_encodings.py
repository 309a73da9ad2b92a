"""What may have been read wrongly is said, whatever the app: single bytes do not tell which alphabet they are of."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps import NAMES, load_app
from tests.apps.vision.draw import write_classes

LABELS = ("кот", "пёс")  # which Shift-JIS has, too
LINES = {
    "vision": ("path,label", "set/{kind}/{row:03}.png,{label}"),
    "text": ("text,label", "слово {row} здесь,{label}"),
    "tabular": ("size,label", "{row},{label}"),
    "collab": ("user,item", "{label} {user},вещь {item}"),
}


def write_table(folder: Path, app: str, encoding: str) -> Path:
    header, line = LINES[app]
    rows = [
        line.format(kind=kind, row=row, label=label, user=row % 7, item=row * 3 % 11)
        for kind, label in zip(("level", "upright"), LABELS, strict=True)
        for row in range(20)
    ]
    write_classes(folder / "set", each=20)
    (folder / "table.csv").write_bytes("\n".join([header, *rows]).encode(encoding))
    return folder / "table.csv"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("encoding", "said"), [("cp1251", 1), ("cp932", 1), ("utf-8", 0), ("utf-16", 0)])
def test_an_encoding_that_was_guessed_is_said(tmp_path: Path, name: str, encoding: str, said: int) -> None:
    app = load_app(name)
    source = write_table(tmp_path, name, encoding)
    recipe = app.recipe.make({"weights": "none"})
    splits = app.read(source, recipe, None, None)
    measured = app.read_examples(source, splits.recipe)
    for notes in (splits.notes, measured.notes):
        found = [note for note in notes if "taken for" in note]
        assert len(found) == said and all(note.startswith("table.csv: ") and "UTF-8" in note for note in found)
