"""Class labels as positions, fitted on the training rows: what vision, text and tabular share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from unicodedata import normalize

import numpy as np
import torch
from torch import Tensor

from shared.errors import UserError, some
from shared.numerals import twin
from shared.protocol import Answer


def six_digits(probability: float) -> float:
    """Six significant ones: six decimals would make the probabilities of a rare class alike, or 0."""
    return float(f"{probability:.6g}")


@dataclass(frozen=True)
class Labels:
    """The class names in order, and how many training rows each had (the naive baseline needs no more)."""

    names: tuple[str, ...]
    counts: tuple[int, ...]

    @classmethod
    def fit(cls, targets: np.ndarray) -> Labels:
        """Raises UserError where there are not two classes to tell apart."""
        counted = Counter(str(target) for target in targets)
        if len(counted) < 2:
            found = f"only {next(iter(counted))!r}" if counted else "none"
            raise UserError(
                f"a classifier needs two classes or more in the training rows; found {found}. "
                "Give examples of another class, or check which column or folder holds the labels"
            )
        names = sorted(counted, key=_natural)
        return cls(tuple(names), tuple(counted[name] for name in names))

    def encode(self, targets: np.ndarray) -> Tensor:
        """Positions, shape (rows,), int64; `1.0` is `1`, and one way to write accents the other, where only one of them is
        known. Raises UserError naming labels that training never saw, and where they stand."""
        position = positions(self.names)
        position = {twin(name): i for name, i in position.items()} | position
        codes = [position.get(str(target), -1) for target in targets]
        if -1 in codes:
            refuse_unseen([(str(targets[row]), row) for row, code in enumerate(codes) if code < 0], self.names)
        return torch.tensor(codes, dtype=torch.long)

    def answers(self, probabilities: Tensor) -> list[Answer]:
        """Prediction and probability by class for each row of `probabilities`, shape (rows, classes)."""
        best = probabilities.argmax(1).tolist()
        rows = probabilities.double().tolist()
        return [
            {
                "prediction": self.names[i],
                "probabilities": dict(zip(self.names, map(six_digits, row), strict=True)),
            }
            for i, row in zip(best, rows, strict=True)
        ]

    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "counts": list(self.counts)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Labels:
        return cls(tuple(map(str, state["names"])), tuple(map(int, state["counts"])))


def positions(names: Sequence[str]) -> dict[str, int]:
    """The place of each name, also where it is written with its accents composed, as names may be apart (macOS)."""
    return {normalize("NFC", name): i for i, name in enumerate(names)} | {name: i for i, name in enumerate(names)}


def doubts(names: Sequence[str], counts: Sequence[int]) -> list[str]:
    """What to say of labels, each with its number of training rows, that may be slips of the pen."""
    alike: dict[object, list[str]] = {}
    for name in names:
        alike.setdefault(_plain(name), []).append(name)
    twins = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    single = [repr(name) for name, count in zip(names, counts, strict=True) if count == 1]
    told = [f"labels that are written almost alike are taken for different ones: {some(twins)}"] if twins else []
    if single:
        have = "labels have" if len(single) > 1 else "label has"
        told.append(f"{len(single)} {have} one training row alone; give more, or leave them out: {some(single)}")
    return told


def _plain(name: str) -> object:
    """A number's value, or the words in small letters."""
    kind, value, words = _natural(name)
    return " ".join(words.casefold().split()) if kind else value


def refuse_unseen(unseen: Sequence[tuple[str, int]], known: Sequence[str]) -> NoReturn:
    """Raises UserError that names labels with their number and the first of their rows, the commonest label first."""
    found: dict[str, list[int]] = {}
    for name, row in unseen:
        found.setdefault(name, []).append(row + 1)
    numbers = {name: f"{len(own)} rows, the first is " if len(own) > 1 else "" for name, own in found.items()}
    commonest = sorted(found, key=lambda name: -len(found[name]))
    listed = some([f"{name!r} ({numbers[name]}labelled row {found[name][0]})" for name in commonest])
    raise UserError(
        f"labels that the training rows do not have: {listed}. Known: {some(list(known), 10)}. "
        "Correct or remove those rows, or train with examples of them"
    )


def _natural(name: str) -> tuple[int, float, str]:
    """Numbers by value, words by letter: 2 before 10."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
