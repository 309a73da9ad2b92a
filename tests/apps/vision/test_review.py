"""Copies across the splits are found, and errors are told with their files."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from apps import vision
from apps.__main__ import main
from apps.vision.app import APP
from apps.vision.duplicates import contradictions, near_duplicates
from apps.vision.page import _rows
from apps.vision.pictures import Pictures, load_pictures
from apps.vision.recipe import VisionRecipe
from apps.vision.review import confusion, review
from shared.errors import UserError
from tests.apps.vision.draw import write_classes


def photo(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)


def loaded(pictures: list[Image.Image], side: int = 48) -> Pictures:
    return load_pictures(pictures, [str(i) for i in range(len(pictures))], side)


def test_copies_are_found_through_another_size_and_compression(tmp_path: Path) -> None:
    photo(3).resize((60, 60)).save(tmp_path / "small.jpg", quality=60)
    train = loaded([photo(seed) for seed in range(10)])
    with Image.open(tmp_path / "small.jpg") as small:
        other = loaded([photo(20), small, Image.new("RGB", (96, 96), "red")])
    assert near_duplicates(train, other) == [("1", "3")]


def test_plain_and_tiny_pictures_are_no_copies_for_being_alike() -> None:
    plain = [Image.new("RGB", (96, 96), "red")] * 2
    assert not near_duplicates(loaded(plain), loaded(plain))
    close = photo(0).point(lambda value: min(value + 1, 255))
    assert near_duplicates(loaded([photo(0)], 8), loaded([close, photo(0)], 8)) == [("1", "0")]  # the very same pixels


def test_pictures_of_one_product_from_one_place_are_no_copies(tmp_path: Path) -> None:
    def part(seed: int) -> Image.Image:
        """A bright disc in the middle, as always, with a scratch of its own."""
        y, x = np.mgrid[:96, :96] / 96 - 0.5
        down, right = np.random.default_rng(seed).uniform(-0.3, 0.3, 2)
        pixels = 60 + 150 * (np.hypot(x, y) < 0.42) - 70 * (np.hypot(x - right, y - down) < 0.05)
        return Image.fromarray(pixels.astype(np.uint8))

    part(7).save(tmp_path / "copy.jpg", quality=90)
    train = loaded([part(seed) for seed in range(40)])
    with Image.open(tmp_path / "copy.jpg") as copy:
        assert near_duplicates(train, loaded([part(seed) for seed in range(100, 110)] + [copy])) == [("10", "7")]


def test_copies_with_different_labels_are_told() -> None:
    """In two class folders, or in two rows of a csv."""
    pictures = loaded([photo(seed) for seed in (1, 2, 1, 2, 3)], 8)
    (said,) = contradictions(pictures, np.array(["a", "b", "", "b", "a"], object))
    assert (
        said.startswith("1 pictures ")
        and "0 (a) and 2 (no label);" in said
        and 'in one cell of a csv, as "a;b"' in said
    )
    assert not contradictions(pictures, np.array(["a", "b", "a", "b", "a"], object))
    in_two_orders = np.array(["a;b", "b", "b; a", "b", "a;b"], object)
    assert not contradictions(pictures, in_two_orders, ";") and contradictions(pictures, in_two_orders)
    assert not contradictions(pictures[np.arange(0)], np.array([], object))


def test_one_picture_in_two_class_folders_is_told(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", each=4)
    shutil.copy(tmp_path / "set" / "level" / "000.png", tmp_path / "set" / "upright" / "again.png")
    recipe = VisionRecipe.make({"weights": "none"})
    assert any(
        "level/000.png (level) and upright/again.png (upright)" in note
        for note in APP.read(tmp_path / "set", recipe, None, None).notes
    )


def test_confusion_has_the_truth_in_rows() -> None:
    scores = torch.eye(3)[[0, 1, 1, 2]]
    assert confusion(scores, torch.tensor([0, 0, 1, 2])).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_errors_are_named_worst_first() -> None:
    scores = torch.tensor([[9.0, 0], [0, 1], [0, 9], [0, 9]])
    said = review(scores, torch.tensor([0, 0, 0, 1]), ["ant", "bee"], ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert "'ant' taken for 'bee': 2" in said[0]
    assert "greatest losses: c.jpg (labelled 'ant', 100% 'bee'), b.jpg" in said[1]
    assert said[2].startswith("1 of 2 errors are sure of another class")
    assert review(scores[:1], torch.tensor([0]), ["ant", "bee"], ["a.jpg"]) == []


def test_page_shows_the_greatest_losses(tmp_path: Path) -> None:
    source = write_classes(tmp_path / "pictures")
    model = vision.train(source, weights="none", epochs=1, batch_size=8)
    wrong = tmp_path / "wrong" / "level" / "<b>.png"
    (tmp_path / "wrong" / "upright").mkdir(parents=True)
    wrong.parent.mkdir()
    shutil.copy(source / "upright" / "000.png", wrong)
    shutil.copy(source / "upright" / "001.png", tmp_path / "wrong" / "upright" / "right.png")
    found = vision.write_page(model, tmp_path / "wrong", tmp_path / "page")
    losses = list(csv.DictReader((tmp_path / "page" / "losses.csv").open()))
    assert found["rows"] == 2 and [row["input"] for row in losses] == ["level/<b>.png", "upright/right.png"]
    assert float(losses[0]["loss"]) == pytest.approx(-np.log(float(losses[0]["probability_of_label"])), rel=1e-2)
    (sure,) = _rows(torch.tensor([[0.0, 20.0]]), torch.tensor([0]), ("a", "b"), np.array(["c.png"]))
    assert sure["probability_of_label"] == pytest.approx(np.exp(-20), rel=1e-5)
    counts = list(csv.reader((tmp_path / "page" / "confusion.csv").open()))
    assert sum(int(cell) for line in counts[1:] for cell in line[1:]) == 2 and counts[0] == [
        "label",
        "level",
        "upright",
    ]
    (tmp_path / "wrong" / "upright").rename(tmp_path / "wrong" / "slanted")
    with pytest.raises(UserError, match=r"wrong: labels that the training rows do not have: 'slanted'"):
        vision.write_page(model, tmp_path / "wrong", tmp_path / "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("<img") == 2 and "&lt;b&gt;.png" in page and "<b>.png" not in page


def test_page_replaces_none_but_its_own_files(tmp_path: Path) -> None:
    pictures = write_classes(tmp_path / "pictures", each=10)
    model = vision.train(pictures, weights="none", epochs=1, batch_size=8)
    for _ in range(2):  # the second time over the first
        vision.write_page(model, pictures, tmp_path / "page")
    for name in ("index.html", "losses.csv"):
        (tmp_path / name).write_text("somebody's own")
        with pytest.raises(UserError, match=f"holds {name} that are no page of ours"):
            vision.write_page(model, pictures, tmp_path)
        assert (tmp_path / name).read_text() == "somebody's own"
        (tmp_path / name).unlink()


def test_review_tells_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = write_classes(tmp_path / "pictures", each=10)
    vision.train(pictures, weights="none", epochs=1, batch_size=8, out=tmp_path / "model")
    (pictures / "level" / "000.png").write_text("no picture")
    arguments = ["review", str(tmp_path / "model"), str(pictures), str(tmp_path / "page"), "--json"]
    assert main(["vision", *arguments]) == 0
    shown = capsys.readouterr()
    assert "also stand in the training" in shown.err
    assert "1 pictures cannot be decoded" in shown.err and json.loads(shown.out)["rows"] == 19


def test_page_takes_any_names(tmp_path: Path) -> None:
    """A class may be called as a column of ours is, and a file by bytes that are no UTF-8."""
    pictures = write_classes(tmp_path / "pictures", each=10)
    (pictures / "level").rename(pictures / "label")
    (pictures / "label" / "000.png").rename(pictures / "label" / os.fsdecode(b"\xff.png"))
    model = vision.train(pictures, weights="none", epochs=1, batch_size=8)
    vision.write_page(model, pictures, tmp_path / "page")
    assert [row["label_"] for row in csv.DictReader((tmp_path / "page" / "confusion.csv").open())] == [
        "label",
        "upright",
    ]
    assert "udcff.png" in (tmp_path / "page" / "losses.csv").read_text(encoding="utf-8")
