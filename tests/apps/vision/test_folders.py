"""Class folders of pictures: nothing of them is left out without a word."""

import shutil
from pathlib import Path

import pytest

from apps.vision.app import APP
from apps.vision.reading import list_source
from shared.errors import UserError
from tests.apps.vision.draw import write_classes
from tests.apps.vision.test_reading import read, sizes


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "set", each=10)


def test_parts_without_train_are_measured_on_and_not_trained_on(tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "test", each=3)
    recipe = read(write_classes(tmp_path / "other", each=4)).recipe
    assert len(APP.read_examples(tmp_path / "set", recipe)) == 6
    with pytest.raises(UserError, match="holds test pictures but none to train on"):
        read(tmp_path / "set")
    shutil.rmtree(tmp_path / "set" / "test" / "level")
    for path in (tmp_path / "set" / "test" / "upright").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="no pictures in class folders"):
        read(tmp_path / "set")


def test_two_folders_of_one_part_are_refused_and_others_are_told(tmp_path: Path) -> None:
    for name in ("train", "val", "more"):
        write_classes(tmp_path / name, each=6)
    (tmp_path / "labels.csv").write_text("path,label\n")
    splits = read(tmp_path)
    assert sizes(splits) == (12, 12, 0)
    assert any("more/" in note for note in splits.notes) and any("labels.csv" in note for note in splits.notes)
    write_classes(tmp_path / "valid", each=6)
    with pytest.raises(UserError, match="val/ and valid/"):
        read(tmp_path)


def test_parts_may_be_called_sets(tmp_path: Path) -> None:
    for name, each in (("training_set", 6), ("Val Set", 3), ("test-set", 2)):
        write_classes(tmp_path / name, each=each)
    assert sizes(read(tmp_path)) == (12, 6, 4)


def test_folders_shared_by_classes_are_told_to_part_nothing(tmp_path: Path) -> None:
    """level/train, or siteA/level: all of it had been mixed, or learnt as the class siteA, without a word."""
    for name in ("level", "upright"):
        write_classes(tmp_path / name, each=3)
    (said,) = list_source(tmp_path)[1]
    assert said.startswith("labels are the outermost folders") and "(level, upright)" in said
    shutil.rmtree(tmp_path / "level" / "upright")
    shutil.rmtree(tmp_path / "upright" / "level")
    assert not list_source(tmp_path)[1]


def test_accents_written_in_two_ways_are_one_class(classes: Path) -> None:
    """macOS writes a letter and its accent apart."""
    (classes / "level").rename(classes / "cafe\u0301")
    (classes / "upright").rename(classes / "caf\u00e9")
    (classes / "labels.csv").write_text("path,label\ncafe\u0301/000.png,cafe\u0301\n")
    for source in (classes, classes / "labels.csv"):
        assert set(list_source(source)[0]["all"].labels) == {"caf\u00e9"}


def test_linked_folders_are_followed_once(classes: Path, tmp_path: Path) -> None:
    more = write_classes(tmp_path / "more", each=5)
    (classes / "level" / "linked").symlink_to(more / "level")
    (classes / "level" / "round").symlink_to(classes / "level")
    assert sum(len(part) for part in list_source(classes)[0].values()) == 25


def test_pictures_that_need_a_plugin_are_told(classes: Path) -> None:
    (classes / "level" / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert any("1 pictures cannot be decoded" in note and "phone.HEIC" in note for note in read(classes).notes)


def test_tables_beside_class_folders_are_told(classes: Path) -> None:
    (classes / "labels.csv").write_text("path,label\n")
    assert any("not read: labels.csv" in note for note in read(classes).notes)
    assert any("not read: labels.csv" in note for note in list_source(_wrapped(classes))[1])
    shutil.rmtree(classes / "level")
    with pytest.raises(UserError, match="holds one folder, upright/, and labels.csv: give the table"):
        read(classes)


def _wrapped(classes: Path) -> Path:
    """labels.csv beside images/, which holds the class folders."""
    outer = classes.parent / "outer"
    shutil.copytree(classes, outer / "images")
    (outer / "images" / "labels.csv").rename(outer / "labels.csv")
    return outer


def test_a_readme_beside_class_folders_is_no_table(classes: Path) -> None:
    (classes / "README.txt").write_text("Stripes, drawn.")
    assert not list_source(classes)[1]
    shutil.rmtree(classes / "level")
    with pytest.raises(UserError, match="all of one class, 'upright'"):
        read(classes)


def test_classes_may_bear_the_names_of_parts(tmp_path: Path) -> None:
    for name in ("val", "valid", "other"):
        write_classes(tmp_path / "drawn", each=4)
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "drawn" / "level").rename(tmp_path / "set" / name)
        shutil.rmtree(tmp_path / "drawn")
    assert set(list_source(tmp_path / "set")[0]["all"].labels) == {"val", "valid", "other"}


def test_files_that_are_no_pictures_by_their_names_are_told(classes: Path) -> None:
    for name in ("scan.dcm", "more.DCM", "noending", ".hidden", "Thumbs.db"):
        (classes / "level" / name).write_text("?")
    notes = list_source(classes)[1]
    assert notes == ["3 files are no pictures by the endings of their names: left out: 2 .dcm, 1 without"]


def test_folders_without_pictures_do_not_hide_class_folders(classes: Path) -> None:
    """images/ beside annotations/, as many data sets come."""
    outer = classes.parent / "outer"
    shutil.copytree(classes, outer / "images")
    (outer / "annotations").mkdir()
    (outer / "annotations" / "000.xml").write_text("?")
    parts, notes = list_source(outer)
    assert set(parts["all"].labels) == {"level", "upright"} and any("annotations/" in note for note in notes)


def test_a_class_named_train_is_told_how(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", each=4)
    (tmp_path / "set" / "level").rename(tmp_path / "set" / "train")
    with pytest.raises(UserError, match="where train is a class, put all class folders into one more folder train/"):
        read(tmp_path / "set")
    (tmp_path / "again").mkdir()
    (tmp_path / "set").rename(tmp_path / "again" / "train")
    assert set(list_source(tmp_path / "again")[0]["train"].labels) == {"train", "upright"}
