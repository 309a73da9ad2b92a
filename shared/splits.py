"""Repeatable, stratified splitting of rows into train, valid and test."""

from __future__ import annotations

import numpy as np

from shared.errors import UserError
from shared.protocol import Examples


def stratified(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out): `fraction` of each label is held out, a label seen once is kept.

    Rounding is done over the whole, largest remainder first, so that `fraction` of all rows is met even
    where every label is rare.
    """
    _, codes = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    counts = np.bincount(codes)
    exact = counts * fraction
    share = np.minimum(np.floor(exact), counts - 1).astype(int)
    missing = round(len(labels) * fraction) - share.sum()
    for label in np.argsort(share - exact, kind="stable")[: max(int(missing), 0)]:
        share[label] += share[label] < counts[label] - 1
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_label = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    held = rank < np.repeat(share, counts)
    return np.sort(by_label[~held]), np.sort(by_label[held])


def random_rows(rows: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out) of a plain random split."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    held = round(rows * fraction)
    return np.sort(shuffled[held:]), np.sort(shuffled[:held])


def split_off(examples: Examples, fraction: float, seed: int, by_label: bool = True) -> tuple[Examples, Examples]:
    """(kept, held out) examples. Raises UserError when too few rows are left to learn from."""
    if not 0 <= fraction < 1:
        raise UserError(f"a share of {fraction} of the rows: give a number from 0 to below 1")
    split = stratified(examples.targets, fraction, seed) if by_label else random_rows(len(examples), fraction, seed)
    return examples.take(split[0]), examples.take(split[1])


def complete(
    train: Examples,
    valid: Examples | None,
    test: Examples | None,
    fractions: tuple[float, float],
    seed: int,
    by_label: bool = True,
) -> tuple[Examples, Examples, Examples]:
    """Fills in the parts that were not given (None) from `train`; an empty part given stays empty.

    `fractions` (valid, test) are shares of all the rows of `train`. A test part is only made when neither
    valid nor test was given: a person who brings either has decided what is measured.
    """
    empty = train.take(np.arange(0))
    valid_fraction, test_fraction = fractions
    if test is None and valid is None:
        train, test = split_off(train, test_fraction, seed, by_label)
        valid_fraction = valid_fraction / max(1 - test_fraction, 1e-9)
    if valid is None:
        train, valid = split_off(train, min(valid_fraction, 0.9), seed + 1, by_label)
    return train, valid, empty if test is None else test
