"""Tidies what a publisher's archive unpacked to into a layout that the apps read. One function per data set.

Each takes the folder that was unpacked and the empty folder that becomes the data set, and may move files.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from data.errors import DataError

ADULT_COLUMNS = [
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation"),
    *("relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week"),
    *("native-country", "salary"),
]
AG_NEWS_CLASSES = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
SST_2_CLASSES = {"0": "negative", "1": "positive"}
IMAGENETTE_CLASSES = {
    "n01440764": "tench",
    "n02102040": "english_springer",
    "n02979186": "cassette_player",
    "n03000684": "chain_saw",
    "n03028079": "church",
    "n03394916": "french_horn",
    "n03417042": "garbage_truck",
    "n03425413": "gas_pump",
    "n03445777": "golf_ball",
    "n03888257": "parachute",
}


def run(step: str, raw: Path, out: Path) -> None:
    """Does the step named `step`. Raises DataError where the publisher's layout is not the one known."""
    try:
        _STEPS[step](_inside(raw), out)
    except (FileNotFoundError, KeyError, ValueError, csv.Error) as error:
        raise DataError(
            f"the layout is not the one known ({type(error).__name__}: {error}): "
            "the publisher may have changed it; put a tidy copy into the folder GLANCE_DATA"
        ) from error


def as_published(raw: Path, out: Path) -> None:
    """The publisher's own layout, without the folder around it."""
    for entry in _visible(raw):
        os.rename(entry, out / entry.name)


def image_folders(raw: Path, out: Path) -> None:
    """Only train, valid and test, and of them only class folders: loose files there have no label."""
    for split in ("train", "val", "valid", "test"):
        for folder in _visible(raw / split) if (raw / split).is_dir() else []:
            if folder.is_dir():
                (out / split).mkdir(exist_ok=True)
                os.rename(folder, out / split / folder.name)
    if not (out / "train").is_dir():
        raise FileNotFoundError("train")


def imagenette(raw: Path, out: Path) -> None:
    """Class folders with their English names instead of WordNet's numbers."""
    image_folders(raw, out)
    for split in _visible(out):
        for folder in _visible(split):
            os.rename(folder, split / IMAGENETTE_CLASSES[folder.name])


def oxford_pets(raw: Path, out: Path) -> None:
    """The official split; the breed is the file's name without its number."""
    for split, listing in (("train", "trainval.txt"), ("test", "test.txt")):
        for line in _lines(raw / "annotations" / listing):
            name = line.split()[0]
            breed = out / split / name.rpartition("_")[0]
            breed.mkdir(parents=True, exist_ok=True)
            os.rename(raw / "images" / f"{name}.jpg", breed / f"{name}.jpg")


def imdb(raw: Path, out: Path) -> None:
    """Class folders of .txt; the 50,000 reviews without a label are left out."""
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            (out / split).mkdir(exist_ok=True)
            os.rename(raw / split / label, out / split / label)


def imdb_sample(raw: Path, out: Path) -> None:
    """fastai marks the rows to validate on in a column; here they are a file of their own."""
    rows = list(_dictionaries(raw / "texts.csv"))
    for name, flag in (("train.csv", "False"), ("valid.csv", "True")):
        chosen = ([row["text"], row["label"]] for row in rows if row["is_valid"] == flag)
        _write(out / name, ["text", "label"], chosen)


def ag_news(raw: Path, out: Path) -> None:
    """Title and description as one text; a backslash stands for a line's end in the publisher's files."""
    for name in ("train.csv", "test.csv"):
        with (raw / name).open(encoding="utf-8", newline="") as file:
            rows = (
                [f"{title} {description}".replace("\\", " "), AG_NEWS_CLASSES[number]]
                for number, title, description in csv.reader(file)
            )
            _write(out / name, ["text", "label"], rows)


def sst_2(raw: Path, out: Path) -> None:
    """GLUE's test has no labels, so its dev sentences are the test."""
    for source, name in (("train.tsv", "train.csv"), ("dev.tsv", "test.csv")):
        pairs = (line.rsplit("\t", 1) for line in _lines(raw / source)[1:])
        _write(out / name, ["text", "label"], ([text.strip(), SST_2_CLASSES[label]] for text, label in pairs))


def adult(raw: Path, out: Path) -> None:
    """A header, no blanks around cells, nothing for `?`, and no full stop after the labels of the test."""
    for source, name in (("adult.data", "train.csv"), ("adult.test", "test.csv")):
        rows = (_adult_row(line) for line in _lines(raw / source) if not line.startswith("|"))
        _write(out / name, ADULT_COLUMNS, rows)


def adult_sample(raw: Path, out: Path) -> None:
    """The table alone, without blanks around cells: the archive also carries a pickled model."""
    with (raw / "adult.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    _write(out / "adult.csv", header, (_clean(row) for row in rows))


def _adult_row(line: str) -> list[str]:
    cells = _clean(line.rstrip(".").split(","))
    if len(cells) != len(ADULT_COLUMNS):
        raise ValueError(f"{len(cells)} cells instead of {len(ADULT_COLUMNS)} in {line[:80]!r}")
    return cells


def _clean(cells: list[str]) -> list[str]:
    return ["" if cell.strip() == "?" else cell.strip() for cell in cells]


def _inside(raw: Path) -> Path:
    """The one folder that an archive is wrapped in, or the folder itself where it is not wrapped."""
    entries = _visible(raw)
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else raw


def _visible(folder: Path) -> list[Path]:
    """What an archive is about, without what macOS leaves in archives."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX")))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _dictionaries(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


_STEPS: dict[str, Callable[[Path, Path], None]] = {
    step.__name__: step
    for step in (
        as_published,
        image_folders,
        imagenette,
        oxford_pets,
        imdb,
        imdb_sample,
        ag_news,
        sst_2,
        adult,
        adult_sample,
    )
}
