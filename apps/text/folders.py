"""Texts in class folders, and TREC's label files.

A text is a .txt file, or one without a suffix as in 20 Newsgroups.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from shared.dialect import find_encoding, guess_told
from shared.errors import UserError, readable, some
from shared.folders import PARTS, one_each
from shared.protocol import Examples
from shared.walking import files_below, folders_in

UNLABELLED = ("unsup", "unlabeled", "unlabelled")

BEGINNING, ZEROS = 1024, 20
"""A file is no text where of so many bytes at its beginning one in so many is 0."""


def read_text(path: Path) -> str:
    """A text file in whatever encoding it is; bytes that fit none are replaced. Raises UserError where unreadable."""
    return _decoded(path)[0]


def _decoded(path: Path) -> tuple[str, str]:
    """(the text, the encoding it was read in)."""
    with readable(path, "check its permissions"):
        content = path.read_bytes()
    encoding, _ = find_encoding(content)
    if not encoding.startswith("utf-16") and content[:BEGINNING].count(0) > len(content[:BEGINNING]) / ZEROS:
        raise UserError(f"{path} is not a text file: give .txt, a table, or a folder of these")
    return content.decode(encoding, "replace").lstrip("\ufeff"), encoding


def text_files(folder: Path) -> list[Path]:
    """The texts below a folder, in order."""
    return sorted(filter(_is_text, files_below(folder)))


def _is_text(path: Path) -> bool:
    return path.suffix.lower() in (".txt", "") and path.is_file()


def class_folders(folder: Path) -> list[Path]:
    """The folders right below that hold texts, the unlabelled ones left out."""
    return [path for path in _labelled(folder) if any(map(_is_text, files_below(path)))]


def _labelled(folder: Path) -> list[Path]:
    return [path for path in folders_in(folder) if path.name.lower() not in UNLABELLED]


def _other_files(folder: Path) -> list[str]:
    """What to say of files in class folders that are no texts by their names: a class may consist of them."""
    below = ((owner.name, path) for owner in _labelled(folder) for path in files_below(owner))
    others = [(owner, path.suffix) for owner, path in below if path.is_file() and not _is_text(path)]
    if not others:
        return []
    owners, kinds = (some(sorted(set(names))) for names in zip(*others, strict=True))
    return [f"{len(others):,} files ({kinds}) in {owners} are no .txt: left out"]


def part_folders(folder: Path) -> dict[str, Path]:
    """train, valid and test folders of a layout that has a train part, as train or 20news-bydate-train; else nothing."""
    named = ((_part(path.name.lower()), path) for path in folders_in(folder))
    return one_each((part, path) for part, path in named if part and class_folders(path))


def _part(name: str) -> str | None:
    words = re.split(r"[-_ .]", name)
    return PARTS.get(words[-1]) or PARTS.get("_".join(words[-2:]))


def read_classes(folder: Path) -> tuple[Examples, list[str]]:
    """One example a file, labelled by the folder that holds it, and what to say."""
    texts, labels, encodings = [], [], Counter[str]()
    for path in class_folders(folder):
        for text, encoding in map(_decoded, text_files(path)):
            texts.append(text)
            labels.append(path.name)
            encodings[encoding] += 1
    if not texts:
        raise UserError(f"{folder} holds no class folders of .txt files: make one folder for each class")
    said = [note for encoding, many in encodings.items() for note in guess_told(encoding, f"{many:,} texts")]
    ignored = [path.name for path in folders_in(folder) if path.name.lower() in UNLABELLED]
    if ignored:
        said.append(f"{folder.name}/{some(ignored)}: texts without labels, left out")
    said += _other_files(folder)
    return Examples(np.array(texts, object), np.array(labels, object)), said


def is_trec(path: Path) -> bool:
    return path.suffix.lower() == ".label"


def read_trec(path: Path) -> Examples:
    """`COARSE:fine question` lines, Latin-1 (Li & Roth 2002); the coarse class is the label."""
    texts, labels = [], []
    for i, line in enumerate(path.read_bytes().decode("latin-1").splitlines(), 1):
        if not line.strip():
            continue
        label, _, text = line.partition(" ")
        if ":" not in label:
            raise UserError(f"{path}, line {i}: expected `COARSE:fine question`, found {line[:60]!r}")
        texts.append(text)
        labels.append(label.split(":")[0])
    if not texts:
        raise UserError(f"{path} holds no text: give a file with rows")
    return Examples(np.array(texts, object), np.array(labels, object))


def trec_parts(folder: Path) -> dict[str, Path]:
    """TREC's files by part: train_5500.label and TREC_10.label, or train*.label and test*.label."""
    return one_each((_trec_part(path.stem.lower()), path) for path in sorted(folder.glob("*.label")))


def _trec_part(stem: str) -> str:
    return "train" if stem.startswith("train") else "test" if stem.startswith(("trec", "test")) else "valid"
