"""What to look at after training: the classes that are confused, and the pictures whose label looks wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SURE = 0.95
"""Probability of another class from which a picture's label is doubted (after Northcutt et al. 2021, arXiv:1911.00068)."""

SHOWN = 5


def confusion(scores: Tensor, targets: Tensor) -> Tensor:
    """Counts, shape (classes, classes): how often the row's class was taken for the column's."""
    classes = scores.shape[1]
    return torch.bincount(targets * classes + scores.argmax(1), minlength=classes**2).view(classes, classes)


def review(scores: Tensor, targets: Tensor, names: Sequence[str], files: Sequence[str]) -> list[str]:
    """Sentences on class scores, shape (rows, classes), of validation pictures `files`; none where all are right."""
    counted = confusion(scores, targets)
    counted.fill_diagonal_(0)
    pairs = [(int(counted[a, b]), a, b) for a, b in counted.nonzero().tolist()]
    pairs = sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))[:SHOWN]
    if not pairs:
        return []
    said = ", ".join(f"{names[a]!r} taken for {names[b]!r}: {count}" for count, a, b in pairs)
    found = [f"most confused on validation: {said}"]
    chances = scores.softmax(1)
    other, guess = chances.max(1)
    losses = -chances.gather(1, targets[:, None])[:, 0].clamp_min(1e-12).log()
    doubted = [row for row in losses.argsort(descending=True).tolist() if int(guess[row]) != int(targets[row])]
    listed = [
        f"{files[row]} (labelled {names[int(targets[row])]!r}, {float(other[row]):.0%} {names[int(guess[row])]!r})"
        for row in doubted[:SHOWN]
    ]
    found.append(f"greatest losses: {', '.join(listed)}")
    sure = int((other[doubted] >= SURE).sum())
    if sure:
        found.append(f"{sure} of {len(doubted)} errors are sure of another class: look whether those labels are right")
    return found
