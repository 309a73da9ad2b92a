"""Every layout of a picture set, and every fault of one."""

import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from apps.vision.app import APP
from apps.vision.reading import list_source
from apps.vision.recipe import VisionRecipe
from shared.errors import UserError
from shared.protocol import Splits
from tests.apps.vision.draw import stripes, write_classes

RECIPE = VisionRecipe.make({"weights": "none"})


def read(source: Path, valid: Path | str | None = None, test: Path | None = None) -> Splits:
    return APP.read(source, RECIPE, valid, test)


def sizes(splits: Splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.valid), len(splits.test)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "set", each=10)


def test_plain_class_folders_are_split(classes: Path) -> None:
    splits = read(classes)
    assert sizes(splits) == (16, 2, 2) and set(splits.train.targets) == {"upright", "level"}
    assert splits.recipe.image_size == 8 and splits.recipe.mirror == "no"


@pytest.mark.parametrize("name", ["valid", "val", "Validation"])
def test_parts_are_found_through_a_wrapper(tmp_path: Path, name: str) -> None:
    write_classes(tmp_path / "set" / "inner" / "train", each=6)
    write_classes(tmp_path / "set" / "inner" / name, each=3)
    splits = read(tmp_path / "set")
    assert sizes(splits) == (12, 6, 0)
    assert any("no test pictures" in note for note in splits.notes)
    assert sizes(read(tmp_path / "set", valid="none")) == (12, 0, 0)


def test_test_part_is_left_for_the_end(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", each=10)
    write_classes(tmp_path / "test", each=3)
    assert sizes(read(tmp_path)) == (18, 2, 6)
    assert len(APP.read_examples(tmp_path, read(tmp_path).recipe)) == 6


def test_given_parts_replace_the_own(classes: Path, tmp_path: Path) -> None:
    other = write_classes(tmp_path / "other", each=2)
    assert sizes(read(classes, valid="none", test=other)) == (20, 0, 4)
    assert sizes(read(classes, valid=other)) == (20, 4, 0)


def test_test_pictures_without_classes_are_left_out(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", each=10)
    (tmp_path / "test").mkdir()
    stripes(True, 0).save(tmp_path / "test" / "1.png")
    splits = read(tmp_path)
    assert sizes(splits) == (16, 2, 2) and any("test/ holds no class folders" in note for note in splits.notes)


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_archive_is_read_and_leaves_nothing(classes: Path, tmp_path: Path, kind: str) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), kind, classes.parent, classes.name))
    splits = read(archive)
    assert sizes(splits) == (16, 2, 2)
    assert not any(str(tmp_path) in name for name in splits.train.inputs.names)


def test_zip_of_windows_is_unpacked_into_folders(classes: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for path in (classes / "level", *classes.rglob("*.png")):
            member = zipfile.ZipInfo()  # its constructor would part folders as everywhere
            member.filename = str(path.relative_to(classes.parent)).replace("/", "\\") + "\\" * path.is_dir()
            packed.writestr(member, b"" if path.is_dir() else path.read_bytes())
    assert sizes(read(tmp_path / "a.zip")) == (16, 2, 2)


def test_names_of_folders_are_one_label_each(tmp_path: Path) -> None:
    for i, name in enumerate(
        f"{fruit}, {colour}" for fruit in ("apple", "pear", "plum") for colour in ("red", "green")
    ):
        (tmp_path / "set" / name).mkdir(parents=True)
        for k in range(3):
            stripes(True, 10 * i + k).save(tmp_path / "set" / name / f"{k}.png")
    assert read(tmp_path / "set").recipe.separator == "none"
    forced = replace(RECIPE, separator=",")
    assert APP.read(tmp_path / "set", forced, None, None).recipe.separator == ","


def test_archive_itself_is_named_at_fault(tmp_path: Path) -> None:
    stripes(True, 0).save(tmp_path / "1.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(tmp_path / "1.png", "1.png")
    with pytest.raises(UserError, match="a.zip holds 1 pictures but no class folders") as refused:
        read(tmp_path / "a.zip")
    assert "glance-archive" not in str(refused.value)


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("../../outside.png", b"")
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside.png"))
    for name in ("a.zip", "b.tar"):
        with pytest.raises(UserError, match="leads out") as refused:
            read(tmp_path / name)
        assert "damaged" not in str(refused.value)
    (tmp_path / "c.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(UserError, match="damaged") as damaged:
        read(tmp_path / "c.tar")
    assert "\n" not in str(damaged.value)


def test_csv_of_paths_and_labels(classes: Path) -> None:
    rows = [f"{path.relative_to(classes)},{path.parent.name}" for path in sorted(classes.rglob("*.png"))]
    table = classes / "labels.csv"
    table.write_text("\n".join(["name,label", *rows, "gone.png,level", ",level"]))
    splits = read(table)
    assert sizes(splits) == (16, 2, 2)
    assert any("1 rows whose file is missing" in note for note in splits.notes)
    assert any("1 rows without a path" in note for note in splits.notes)


def test_csv_without_header_or_of_missing_files(classes: Path) -> None:
    rows = [f"{path.relative_to(classes)},{path.parent.name}" for path in sorted(classes.rglob("*.png"))]
    (classes / "plain.csv").write_text("\n".join(rows))
    assert sizes(read(classes / "plain.csv")) == (16, 2, 2)
    (classes / "gone.csv").write_text("path,label\na.png,x\nb.png,y\n")
    with pytest.raises(UserError, match="2 of 2 files .* do not exist, 'a.png' for one"):
        read(classes / "gone.csv")
    (classes / "odd.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UserError, match="none of its columns"):
        read(classes / "odd.csv")


def test_blanks_around_cells_part_no_class(classes: Path) -> None:
    blanks = ["", " ", "\t"]
    rows = [f"{path.relative_to(classes)},{path.parent.name}" for path in sorted(classes.rglob("*.png"))]
    (classes / "labels.csv").write_text("\n".join(["path,label", *(row + blanks[i % 3] for i, row in enumerate(rows))]))
    assert set(read(classes / "labels.csv").train.targets) == {"upright", "level"}
    (classes / "wide.csv").write_text("path , label\nlevel/000.png , level\nupright/000.png , upright\n,  \n")
    listing, notes = list_source(classes / "wide.csv")
    assert listing["all"].labels == ["level", "upright"] and notes[1].startswith("1 rows without a path")


@pytest.mark.parametrize("name", ["l.jsonl", "l.parquet"])
def test_lists_as_labels_are_refused(classes: Path, name: str) -> None:
    frame = pd.DataFrame({"path": ["level/000.png", "level/001.png"], "label": [["a", "b"], ["a"]]})
    if name == "l.jsonl":
        frame.to_json(classes / name, orient="records", lines=True)
    else:
        frame.to_parquet(classes / name)
    with pytest.raises(UserError, match="'label' holds a list .* join several labels"):
        read(classes / name)


def test_broken_pictures_are_left_out_and_told(classes: Path) -> None:
    (classes / "level" / "text.jpg").write_text("not a picture")
    stripes(True, 0, side=64).save(classes / "upright" / "cut.jpg")
    whole = (classes / "upright" / "cut.jpg").read_bytes()
    (classes / "upright" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (classes / "upright" / "readme.md").write_text("ignored")
    splits = read(classes)
    assert sum(sizes(splits)) == 20
    note = next(note for note in splits.notes if "cannot be decoded" in note)
    assert note.startswith("2 pictures") and "text.jpg" in note and "cut.jpg" in note and str(classes) not in note


def test_mostly_broken_is_an_error(classes: Path) -> None:
    for path in sorted(classes.rglob("*.png"))[:12]:
        path.write_bytes(b"broken")
    with pytest.raises(UserError, match="12 of 20 pictures cannot be decoded"):
        read(classes)


@pytest.mark.parametrize(("keep", "said"), [(0, "no readable picture"), (1, "only one readable picture")])
def test_class_that_is_too_small_is_named(classes: Path, keep: int, said: str) -> None:
    for path in sorted((classes / "level").iterdir())[: 10 - keep]:
        path.write_bytes(b"broken")
    with pytest.raises(UserError, match=f"class 'level' has {said}"):
        read(classes)


def test_one_class_is_named(classes: Path) -> None:
    shutil.rmtree(classes / "level")
    (classes / "empty").mkdir()
    with pytest.raises(UserError, match="all of one class, 'upright'"):
        read(classes)


def test_loose_pictures_are_told(tmp_path: Path) -> None:
    stripes(True, 0).save(tmp_path / "1.png")
    with pytest.raises(UserError, match="1 pictures but no class folders"):
        read(tmp_path)
    with pytest.raises(UserError, match="a single picture"):
        read(tmp_path / "1.png")


def test_store_on_the_disk_is_the_same(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import apps.vision.store as stores

    in_memory = read(classes).train.inputs
    monkeypatch.setattr(stores, "IN_MEMORY", 100)
    on_disk = read(classes).train.inputs
    assert isinstance(on_disk.store, np.memmap) and (on_disk.store == in_memory.store).all()


def test_full_disk_is_said(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import apps.vision.store as stores

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores, "IN_MEMORY", 100)
    monkeypatch.setattr(stores.os, "posix_fallocate", full)
    with pytest.raises(UserError, match="No space left"):
        read(classes)


def test_copies_across_parts_are_told(tmp_path: Path) -> None:
    for part, each in (("train", 6), ("test", 2)):
        write_classes(tmp_path / part, each=each, side=48)
    assert any(
        "2 of 4 test pictures are nearly copies" in note or "4 of 4 test" in note for note in read(tmp_path).notes
    )


def test_weights_of_no_network_are_named(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "mystery.safetensors").write_bytes(b"")
    recipe = VisionRecipe.make({"weights": str(tmp_path / "mystery.safetensors")})
    with pytest.raises(UserError, match="timm has no network of that name"):
        APP.read(classes, recipe, None, None)


def test_settled_dials_follow_what_was_given(classes: Path) -> None:
    given = {"weights": "none", "epochs": 7, "image_size": 12, "augment": "photo", "mirror": "yes", "lr": 0.5}
    recipe = APP.read(classes, VisionRecipe.make(given), None, None).recipe
    assert {name: getattr(recipe, name) for name in given} == given and recipe.stored_size == 12


def test_large_pictures_are_kept_smaller(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(2):
            Image.new("RGB", (400, 300), (i * 99, 0, 0)).save(tmp_path / label / f"{i}.jpg")
    recipe = APP.read(tmp_path, VisionRecipe.make({"weights": "none"}), "none", None).recipe
    assert (recipe.image_size, recipe.stored_size) == (128, 146) and recipe.mirror == "yes"


def test_classes_are_told(tmp_path: Path) -> None:
    for i, name in enumerate(["cat", "1", "dog"]):
        (tmp_path / "set" / name).mkdir(parents=True)
        for k in range(3 + i):
            stripes(True, 10 * i + k).save(tmp_path / "set" / name / f"{k}.png")
    assert "3 classes: dog (5), 1 (4), cat (3)" in read(tmp_path / "set").notes
    for name in "abcdefgh":
        shutil.copytree(tmp_path / "set" / "dog", tmp_path / "set" / name)
    assert "11 classes, from a (5 pictures) to cat (3)" in read(tmp_path / "set").notes


def test_classes_that_are_not_measured_are_told(classes: Path) -> None:
    for path in sorted((classes / "level").iterdir())[2:]:
        path.unlink()
    notes = read(classes).notes
    assert "nothing is measured of classes without test pictures (1): level" in notes
    assert "nothing is measured of classes without validation pictures (1): level" in notes
    assert any(
        note.startswith("by validation pictures of one class, 'upright', weights that give it") for note in notes
    )
    assert not any("nothing is measured" in note for note in read(classes, valid="none").notes)


def test_the_part_that_is_measured_on_is_told(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        write_classes(tmp_path / "set" / part, each=3)
    recipe = read(tmp_path / "set").recipe
    assert APP.read_examples(tmp_path / "set", recipe).notes == (
        f"{tmp_path / 'set'}: of test, train, valid its test is read",
    )
    assert not APP.read_examples(tmp_path / "set" / "test", recipe).notes
