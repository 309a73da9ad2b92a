"""Pairs that stand in training and in what a person brings to measure on."""

from __future__ import annotations

from shared.copies import copied
from shared.protocol import Examples


def known_pairs(train: Examples, examples: Examples, part: str) -> list[str]:
    """What to say of rows measured whose user and item stand in training too: their answers are known."""
    if not len(examples):
        return []
    alike = copied(*([found.inputs["user"], found.inputs["item"]] for found in (examples, train)))
    said = f"{alike:,} of {len(examples):,} {part} rows have a user and item of the training rows: results mislead"
    return [f"{said}; delete them there"] if alike else []
