"""Texts in folders: classes, parts and what else lies there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apps.text.test_reading import read, sizes, write_lines
from tests.apps.text.writing import write_classes


def test_trec_label_files(tmp_path: Path) -> None:
    lines = ["DESC:def What is caf\xe9 ?", "NUM:date When ?"] * 20
    write_lines(tmp_path / "train_5500.label", lines, "latin-1")
    write_lines(tmp_path / "TREC_10.label", lines[:4], "latin-1")
    splits = read(tmp_path)
    assert set(splits.train.targets) == {"DESC", "NUM"} and len(splits.test) == 4
    assert "What is caf\xe9 ?" in set(splits.train.inputs)


def test_class_folders_with_parts_and_unlabelled_texts(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", 40)
    write_classes(tmp_path / "test", 20, seed=1)
    (tmp_path / "train" / "unsup").mkdir()
    (tmp_path / "train" / "unsup" / "0.txt").write_text("no one knows")
    splits = read(tmp_path)
    assert len(splits.test) == 20 and sum(sizes(splits)) == 60 and set(splits.train.targets) == {"good", "bad"}
    assert any("unsup" in note for note in splits.notes)
    assert sum(sizes(read(tmp_path / "train"))) == 40


def test_files_of_class_folders_that_are_no_texts_are_told(tmp_path: Path) -> None:
    write_classes(tmp_path, 40)
    (tmp_path / "neutral").mkdir()
    for place in ("neutral/a.md", "neutral/b.md", "good/c.html", "good/.DS_Store"):
        (tmp_path / place).write_text("so so")
    assert "3 files (.html, .md) in good, neutral are no .txt: left out" in read(tmp_path).notes


def test_what_programs_hide_in_class_folders_is_no_text_and_linked_folders_are(tmp_path: Path) -> None:
    """Jupyter's copies had been learnt, and what a link leads to was left out without a word."""
    source = write_classes(tmp_path / "set", 40)
    (source / "good" / ".ipynb_checkpoints").mkdir()
    (source / "good" / ".ipynb_checkpoints" / "0-checkpoint.txt").write_text("a copy")
    write_classes(tmp_path / "more", 10, seed=1)
    (source / "good" / "linked").symlink_to(tmp_path / "more" / "good")
    here = len(list((tmp_path / "more" / "good").iterdir()))
    assert sum(sizes(read(source))) == 40 + here


@pytest.mark.parametrize("parts", [("20news-bydate-train", "20news-bydate-test"), ("training_set", "my Test Set")])
def test_the_layout_of_20_newsgroups(tmp_path: Path, parts: tuple[str, str]) -> None:
    for part, rows in zip(parts, (30, 10), strict=True):
        for i in range(rows):
            folder = tmp_path / part / ("sci.space", "rec.autos")[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / str(50_000 + i)).write_text(f"From: someone\n\nletter {i}")
    splits = read(tmp_path)
    assert len(splits.test) == 10 and set(splits.train.targets) == {"sci.space", "rec.autos"}


def test_texts_in_files_whose_encoding_was_guessed_are_counted(tmp_path: Path) -> None:
    for i in range(8):
        for label in ("good", "bad"):
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{i}.txt").write_text(f"текст {i} {label}", "cp1251" if i < 3 else "utf-8")
    found = [note for note in read(tmp_path).notes if "Windows-1251" in note]
    assert len(found) == 1 and found[0].startswith("6 texts: ")
