"""Tables that name pictures: paths as people write them, and nothing of a row is lost without a word."""

from pathlib import Path

import pandas as pd
import pytest

from apps.vision.tables import labelled, list_paths, list_table
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


def test_a_picture_without_a_label_has_none_of_several(classes: Path) -> None:
    listing, _ = list_table(write(classes, "level/000.png,a\nlevel/001.png,\nlevel/002.png,b\n,a\n"))
    every, said = labelled(listing, ";")
    assert every.labels == ["a", "", "b"] and said[0].startswith("1 pictures have none of the labels")
    some, said = labelled(listing, "none")
    assert [path.name for path in some.paths] == ["000.png", "002.png"] and said == ["1 rows without a label: left out"]
    with pytest.raises(UserError, match="no row has both a path and a label"):
        list_table(write(classes, "level/000.png,\nlevel/001.png,\n"))


def test_the_column_called_label_holds_the_labels(classes: Path) -> None:
    """As the message bids, whatever other columns of such names stand before it."""
    table = classes / "rows.csv"
    table.write_text("class,path,label\n1,level/000.png,a\n2,level/001.png,b\n")
    assert list_table(table)[0].labels == ["a", "b"]


def test_columns_that_name_parts_are_told(classes: Path) -> None:
    for name, cells in (("split", ("train", "test")), ("is_valid", ("False", "True"))):
        table = classes / "rows.csv"
        table.write_text(
            f"path,label,{name}\n" + "".join(f"level/00{i}.png,a,{cell}\n" for i, cell in enumerate(cells))
        )
        assert any(f"column '{name}' names parts" in note for note in list_table(table)[1])


def test_paths_without_an_ending_are_shown(classes: Path) -> None:
    with pytest.raises(UserError, match="names picture files, as 'level/000' is none by its ending"):
        list_table(write(classes, "level/000,a\nlevel/001,b\n"))
    with pytest.raises(UserError) as refused:  # as where the table holds the pictures themselves
        list_table(write(classes, "x" * 9999 + ",a\n"))
    assert len(str(refused.value)) < 500


def test_a_first_line_that_names_a_picture_is_a_row(classes: Path) -> None:
    names = sorted(path.relative_to(classes).as_posix() for path in classes.rglob("*.png"))
    table = classes / "list.csv"
    table.write_text("\n".join(f"{name},{'once' if i == 0 else 'often'}" for i, name in enumerate(names)))
    assert len(list_table(table)[0]) == len(names)
    table.write_text(names[0] + "\n")
    assert len(list_paths(table)) == 1


def test_columns_that_are_not_used_are_told(classes: Path) -> None:
    table = classes / "all.csv"
    rows = [(path.relative_to(classes).as_posix(), path.parent.name, "test") for path in classes.rglob("*.png")]
    pd.DataFrame(rows, columns=["path", "label", "split"]).to_csv(table, index=False)
    assert any("columns not used: split" in note for note in list_table(table)[1])
