"""Pairs that stand in training and in what a person brings to measure on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.copies import copied
from shared.protocol import Examples, Inputs, count

if TYPE_CHECKING:
    from apps.collab.preprocessor import CollabPreprocessor


def known_pairs(train: Examples, examples: Examples, part: str) -> list[str]:
    """What to say of rows measured whose user and item stand in training too: their answers are known."""
    if not len(examples):
        return []
    alike = copied(*([found.inputs["user"], found.inputs["item"]] for found in (examples, train)))
    return _told(alike, len(examples), part)


def seen_pairs(preprocessor: CollabPreprocessor, inputs: Inputs) -> list[str]:
    """The same of rows to measure a trained model on."""
    pairs, seen = preprocessor.positions(inputs), preprocessor.seen
    alike = copied([part.numpy() for part in pairs], [seen.rows().int().numpy(), seen.items.numpy()])
    return _told(alike, count(inputs), "measured")


def _told(alike: int, rows: int, part: str) -> list[str]:
    said = f"{alike:,} of {rows:,} {part} rows have a user and item of the training rows: results mislead"
    return [f"{said}; delete them there"] if alike else []
