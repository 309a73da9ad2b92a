"""Each publisher's layout becomes one that the apps read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from data import prepare
from data.errors import DataError


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "out").mkdir()
    return tmp_path / "raw"


def lay(folder: Path, **contents: str) -> None:
    """Writes files; `__` in a keyword stands for a slash and `_dot_` for a full stop."""
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def prepared(step: str, raw: Path) -> list[str]:
    out = raw.parent / "out"
    prepare.run(step, raw, out)
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def table(raw: Path, name: str) -> list[list[str]]:
    with (raw.parent / "out" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_wrapping_folder_is_taken_off(raw: Path) -> None:
    lay(raw, ml_100k__u_dot_data="1\t2\t3\t4", __MACOSX__x="", _dot_DS_Store="")
    assert prepared("as_published", raw) == ["u.data"]


def test_adult_gets_a_header_clean_labels_and_empty_cells(raw: Path) -> None:
    row = "25, Private, 226802, 11th, 7, Never-married, ?, Own-child, Black, Male, 0, 0, 40, United-States, "
    lay(raw, adult_dot_data=f"{row}<=50K\n{row}>50K\n\n", adult_dot_test=f"|1x3 Cross validator\n{row}>50K.\n\n")
    assert prepared("adult", raw) == ["test.csv", "train.csv"]
    header, first, second = table(raw, "train.csv")
    assert header == prepare.ADULT_COLUMNS and len(header) == 15
    assert first[:2] == ["25", "Private"] and first[6] == "" and (first[-1], second[-1]) == ("<=50K", ">50K")
    assert [row[-1] for row in table(raw, "test.csv")] == ["salary", ">50K"]


def test_imdb_keeps_labelled_reviews_only(raw: Path) -> None:
    names = ["train__pos__1", "train__neg__2", "train__unsup__3", "test__pos__4", "test__neg__5"]
    lay(raw, **{f"aclImdb__{name}_dot_txt": "a film" for name in names}, aclImdb__train__urls_pos_dot_txt="")
    assert prepared("imdb", raw) == ["test/neg/5.txt", "test/pos/4.txt", "train/neg/2.txt", "train/pos/1.txt"]


def test_imdb_sample_becomes_two_files(raw: Path) -> None:
    lay(raw, imdb_sample__texts_dot_csv='label,text,is_valid\nneg,"bad, ""very""",False\npos,good,True\n')
    assert prepared("imdb_sample", raw) == ["train.csv", "valid.csv"]
    assert table(raw, "train.csv") == [["text", "label"], ['bad, "very"', "neg"]]
    assert table(raw, "valid.csv") == [["text", "label"], ["good", "pos"]]


def test_ag_news_gets_names_of_classes_and_one_text(raw: Path) -> None:
    rows = '"3","Oil, up","One\\two"\n"4","Chips","Small"\n'
    lay(raw, ag__train_dot_csv=rows, ag__test_dot_csv=rows, ag__classes_dot_txt="World")
    assert prepared("ag_news", raw) == ["test.csv", "train.csv"]
    assert table(raw, "test.csv")[1:] == [["Oil, up One two", "Business"], ["Chips Small", "Sci/Tech"]]


def test_sst_2_is_tested_on_the_labelled_dev_sentences(raw: Path) -> None:
    lay(raw, S__train_dot_tsv='sentence\tlabel\na "quote\t1\n', S__dev_dot_tsv="sentence\tlabel\nbad \t0\n")
    lay(raw, S__test_dot_tsv="index\tsentence\n0\tunlabelled\n")
    assert prepared("sst_2", raw) == ["test.csv", "train.csv"]
    assert table(raw, "train.csv")[1] == ['a "quote', "positive"]
    assert table(raw, "test.csv")[1] == ["bad", "negative"]


def test_oxford_pets_are_sorted_by_breed_and_split(raw: Path) -> None:
    lay(raw, images__great_pyrenees_1_dot_jpg="1", images__Sphynx_22_dot_jpg="2", images__Abyssinian_1_dot_mat="")
    lay(raw, annotations__trainval_dot_txt="great_pyrenees_1 1 2 1\n", annotations__test_dot_txt="Sphynx_22 2 1 1\n")
    assert prepared("oxford_pets", raw) == ["test/Sphynx/Sphynx_22.jpg", "train/great_pyrenees/great_pyrenees_1.jpg"]


def test_imagenette_gets_names_a_person_reads(raw: Path) -> None:
    lay(raw, i__train__n01440764__a_dot_JPEG="", i__val__n03888257__b_dot_JPEG="", i__noisy_dot_csv="")
    assert prepared("imagenette", raw) == ["train/tench/a.JPEG", "val/parachute/b.JPEG"]


def test_pictures_without_a_class_are_left_out(raw: Path) -> None:
    lay(raw, m__train__3__a_dot_png="", m__valid__7__b_dot_png="", m__test__c_dot_png="", m__labels_dot_csv="")
    assert prepared("image_folders", raw) == ["train/3/a.png", "valid/7/b.png"]


def test_the_adult_sample_leaves_its_pickle_behind(raw: Path) -> None:
    lay(raw, adult_sample__adult_dot_csv="age,job,salary\n49, Private,>=50k\n50, ?,<50k\n", adult_sample__models__m="")
    assert prepared("adult_sample", raw) == ["adult.csv"]
    assert table(raw, "adult.csv")[1:] == [["49", "Private", ">=50k"], ["50", "", "<50k"]]


@pytest.mark.parametrize("step", sorted(set(prepare._STEPS) - {"as_published"}))
def test_another_layout_than_the_known_one_is_said(raw: Path, step: str) -> None:
    lay(raw, unknown_dot_bin="", other_dot_bin="")
    with pytest.raises(DataError, match="layout is not the one known.*GLANCE_DATA"):
        prepare.run(step, raw, raw.parent / "out")


def test_a_row_of_another_width_is_said(raw: Path) -> None:
    lay(raw, adult_dot_data="1, 2, 3\n", adult_dot_test="")
    with pytest.raises(DataError, match="3 cells instead of 15"):
        prepare.run("adult", raw, raw.parent / "out")
