"""Tables that name pictures: paths as people write them, and nothing of a row is lost without a word."""

from pathlib import Path

import pytest

from apps.vision.lists import list_paths, list_table
from shared.errors import UserError
from tests.apps.vision.draw import write_classes


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "set", each=3)


def write(folder: Path, rows: str) -> Path:
    table = folder / "rows.csv"
    table.write_text("path,label\n" + rows)
    return table


def test_paths_of_windows_are_followed(classes: Path) -> None:
    table = write(classes, "level\\000.png,a\nupright\\001.png,b\nlevel/002.png,a\n")
    assert len(list_table(table)[0]) == 3
    assert [path.is_file() for path in list_paths(table).paths] == [True] * 3
    (classes / "odd\\name.png").write_bytes((classes / "level" / "000.png").read_bytes())
    assert list_table(write(classes, "odd\\name.png,a\nlevel\\000.png,b\n"))[0].paths[0] == classes / "odd\\name.png"


def test_paths_without_an_ending_are_shown(classes: Path) -> None:
    with pytest.raises(UserError, match="names picture files, as 'level/000' is none by its ending"):
        list_table(write(classes, "level/000,a\nlevel/001,b\n"))
    with pytest.raises(UserError) as refused:  # as where the table holds the pictures themselves
        list_table(write(classes, "x" * 9999 + ",a\n"))
    assert len(str(refused.value)) < 500
