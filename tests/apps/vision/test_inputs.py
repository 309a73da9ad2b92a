"""Every input gets an answer or a reason, and what is not there is said, in answering as in learning."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from apps.vision.app import APP
from apps.vision.recipe import VisionRecipe
from shared.errors import UserError
from shared.protocol import Splits
from tests.apps.vision.draw import stripes, write_classes

RECIPE = VisionRecipe.make({"weights": "none"})


def answered(*sources: Path) -> list[tuple[str, str | None]]:
    """(name, what is wrong) of every input, in order."""
    blocks = APP.read_inputs([str(source) for source in sources], VisionRecipe(stored_size=8))
    return [pair for names, pictures in blocks for pair in zip(names, pictures.errors, strict=True)]


def learn(source: Path) -> Splits:
    return APP.read(source, RECIPE, None, None)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "set", each=10)


def test_faults_of_inputs_to_answer(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    for name, said in (("gone.png", "no such file"), ("text.png", "not a picture"), ("empty", "no pictures")):
        with pytest.raises(UserError, match=said):
            list(APP.read_inputs([str(tmp_path / name)], RECIPE))
    with pytest.raises(UserError, match="an empty input"):
        list(APP.read_inputs([""], RECIPE))


def test_stdin_names_pictures_and_folders_a_line_each(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (classes / "text.png").write_text("no picture")
    first, broken = classes / "level" / "000.png", classes / "text.png"

    def given(text: str) -> list[tuple[str, str | None]]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8-sig"))))
        return answered(Path("-"))

    found = given(f"{first}\r\n\n{broken}\n{classes}")
    assert [name for name, _ in found[:2]] == [str(first), str(broken)] and len(found) == 2 + 21
    assert [error is None for _, error in found[:2]] == [True, False]
    assert given(f"{broken}\n")[0][1] is not None  # one line of a list that others follow: told, not refused
    with pytest.raises(UserError, match="stdin .* a line"):
        given("\n")


def test_files_beside_each_other_are_answered_together(classes: Path) -> None:
    loose = [str(path) for path in sorted((classes / "level").iterdir())[:3]]
    blocks = [names for names, _ in APP.read_inputs([*loose, str(classes / "upright"), loose[0]], RECIPE)]
    assert blocks[0] == loose and len(blocks) == 3 and blocks[2] == loose[:1]
    with pytest.raises(UserError, match="gone.png: no such file"):
        answered(*map(Path, loose), classes / "gone.png")


def test_every_row_of_a_csv_is_answered(classes: Path) -> None:
    (classes / "level" / "text.png").write_text("no picture")
    (classes / "rows.csv").write_text("path,x\ngone.png,1\nlevel/000.png,2\n,3\nlevel/text.png,4\n")
    found = answered(classes / "rows.csv")
    assert [name for name, _ in found] == ["gone.png", "level/000.png", "", "level/text.png"]
    assert [error and error.split(":")[0] for _, error in found] == [
        "no such file",
        None,
        "no such file",
        "UnidentifiedImageError",
    ]
    (classes / "gone.csv").write_text("path\na.png\nb.png\n")
    with pytest.raises(UserError, match="none of the 2 files .* exists, 'a.png' for one"):
        answered(classes / "gone.csv")


def test_hidden_folders_are_left_out(classes: Path) -> None:
    write_classes(classes / ".venv", each=1)
    assert [name for name, _ in answered(classes)] == [str(path) for path in sorted(classes.glob("*/*.png"))]


def test_a_slash_behind_a_folder_changes_no_names(classes: Path) -> None:
    with_slash, _ = next(iter(APP.read_inputs([f"{classes}/"], VisionRecipe(stored_size=8))))
    assert with_slash == [name for name, _ in answered(classes)]


def test_columns_beside_the_paths_may_hold_lists(classes: Path) -> None:
    pd.DataFrame({"path": ["level/000.png"], "tags": [["a", "b"]]}).to_parquet(classes / "l.parquet")
    assert answered(classes / "l.parquet") == [("level/000.png", None)]


def test_files_by_name_are_answered_as_those_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "notes.md").write_text("no picture")
    stripes(True, 0, side=64).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:900])
    files = [tmp_path / name for name in ("cut.png", "empty.png", "notes.md", "whole.png")]
    found = answered(*files)
    assert [name for name, _ in found] == [str(file) for file in files]
    assert [error is None for _, error in found] == [False, False, False, True]
    for file in files[:3]:
        with pytest.raises(UserError, match=f"{file} is not a picture that can be opened .*Error: "):
            answered(file)
    with pytest.raises(UserError, match="no such file"):
        answered(files[3], tmp_path / "gone.png")


@pytest.mark.parametrize("name", [f"{'x' * 400}.png", "a\0b.png"])
def test_names_that_no_file_can_have_are_missing_files(classes: Path, name: str) -> None:
    for ask in (answered, learn):
        with pytest.raises(UserError, match="no such file"):
            ask(classes / name)
    rows = [f"{path.relative_to(classes)},{path.parent.name}" for path in sorted(classes.rglob("*.png"))]
    (classes / "l.csv").write_text("\n".join(["path,label", *rows, f"{'x' * 400}.png,level"]))
    assert any("1 rows whose file is missing" in note for note in learn(classes / "l.csv").notes)
    assert answered(classes / "l.csv")[-1][1] is not None


@pytest.mark.parametrize(
    ("place", "call", "asks"),
    [(os, "scandir", (learn, answered)), (Path, "stat", (learn, answered)), (Path, "iterdir", (learn,))],
)
def test_what_may_not_be_read_is_named(
    classes: Path, monkeypatch: pytest.MonkeyPatch, place: Any, call: str, asks: tuple[Callable[[Path], object], ...]
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(place, call, refuse)
    for ask in asks:
        with pytest.raises(UserError, match=f"{classes}.* cannot be read .Permission denied.: change its permissions"):
            ask(classes)


def test_a_white_that_training_settled_holds_for_answers(tmp_path: Path) -> None:
    for name, value in (("dark", 3000), ("bright", 5000)):
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.fromarray(np.full((8, 8), value + i, np.uint16)).save(tmp_path / name / f"{i}.png")
    splits = APP.read(tmp_path, RECIPE, None, None)
    assert splits.recipe.white == 65535 and any("65535 is white" in note for note in splits.notes)
    (_, pictures), dark = next(APP.read_inputs([str(tmp_path)], splits.recipe)), tmp_path / "dark" / "0.png"
    held = APP.read_examples(tmp_path, splits.recipe).inputs
    one = APP.inputs(Image.open(dark), splits.recipe)[0]
    assert [its.store[-1].max() for its in (pictures, held, one)] == [12, 12, 12] and pictures.store[0].max() == 19


def test_picture_that_may_not_be_read_is_told(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("apps.vision.pictures.decode", refuse)
    assert {error for _, error in answered(classes)} == {"permission denied"}


def test_bomb_is_called_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stripes(True, 0, side=64).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match="bomb.png .*too large: .*4096 pixels"):
        answered(tmp_path / "bomb.png")


def test_rows_left_out_of_a_measure_are_said(classes: Path) -> None:
    rows = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in sorted(classes.glob("*/*.png"))]
    (classes / "all.csv").write_text("\n".join(["path,label", *rows, "gone.png,level"]))
    examples = APP.read_examples(classes / "all.csv", VisionRecipe(stored_size=8, separator="none"))
    assert len(examples) == len(rows) and any("gone.png" in note for note in examples.notes)
