"""Repeatable, stratified splitting of rows into train, valid and test."""

from __future__ import annotations

import numpy as np

from shared.errors import UserError
from shared.protocol import Examples
from shared.several import keep_rare


def stratified(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out): `fraction` of each label is held out, a label seen once is kept.

    What is left by rounding down is added up over the labels in random order, and each gets the whole rows that come
    full with it: of rare labels every row has about the same chance.
    """
    codes = _codes(labels)
    kind = np.int32 if len(labels) < 2**31 else np.int64  # of positions, of which there are several arrays
    counts = np.bincount(codes)
    draws = np.random.default_rng(seed)
    shuffled = draws.permutation(np.arange(len(labels), dtype=kind))
    turn, exact = draws.permutation(len(counts)), np.minimum(counts * fraction, counts - 1)
    share = np.empty(len(counts), dtype=int)
    share[turn] = np.diff(np.floor(exact[turn].cumsum() + 0.5), prepend=0)
    share = np.minimum(share, counts - 1)
    by_label = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    held = np.arange(len(labels), dtype=kind) < np.repeat((starts + share).astype(kind), counts)
    return np.sort(by_label[~held]), np.sort(by_label[held])


def _codes(labels: np.ndarray) -> np.ndarray:
    """The place of each label among the sorted ones, int32."""
    if labels.dtype.kind == "i":  # of many rows by hashing, in a third of the memory
        import pandas as pd

        return pd.factorize(labels, sort=True)[0].astype(np.int32)
    return np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)[1].astype(np.int32)


def random_rows(rows: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out) of a plain random split."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    held = round(rows * fraction)
    return np.sort(shuffled[held:]), np.sort(shuffled[:held])


def held_out(labels: np.ndarray, fraction: float, seed: int, by_label: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out) of rows with these targets. Raises UserError at a share that is none."""
    if not 0 <= fraction < 1:
        raise UserError(f"a share of {fraction} of the rows: give a number from 0 to below 1")
    return stratified(labels, fraction, seed) if by_label else random_rows(len(labels), fraction, seed)


def split_off(examples: Examples, fraction: float, seed: int, by_label: bool = True) -> tuple[Examples, Examples]:
    """(kept, held out) examples. Raises UserError when too few rows are left to learn from."""
    kept, held = held_out(examples.targets, fraction, seed, by_label)
    return examples.take(kept), examples.take(held)


def three_parts(
    labels: np.ndarray, fractions: tuple[float, float], seed: int, by_label: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (train, valid, test); `fractions` (valid, test) are shares of all rows."""
    rest, test = held_out(labels, fractions[1], seed, by_label)
    kept, valid = held_out(labels[rest], share_of_rest(*fractions), seed + 1, by_label)
    return rest[kept], rest[valid], test


def share_of_rest(valid: float, test: float) -> float:
    """The share for validation of what the test leaves. Raises UserError where the two leave nothing."""
    if not valid + test < 1:
        raise UserError(
            f"shares of {valid:g} for validation and {test:g} for the test leave nothing to learn from: "
            "give less than 1 together, as with --valid-fraction 0.1"
        )
    return valid / (1 - test)


def wanted(valid: Examples | None, test: Examples | None, fractions: tuple[float, float]) -> tuple[float, float]:
    """The shares (valid, test) to split off where these parts were given, or not (None).

    A test part is only made when neither was given: a person who brings either has decided what is measured.
    """
    return fractions[0] if valid is None else 0.0, fractions[1] if valid is None and test is None else 0.0


def complete(
    train: Examples,
    valid: Examples | None,
    test: Examples | None,
    fractions: tuple[float, float],
    seed: int,
    separator: str = "none",
) -> tuple[Examples, Examples, Examples]:
    """Fills in the parts that were not given (None) from `train`; an empty part given stays empty. Rows of several labels,
    with `separator` between them, are drawn at random: their cells differ too much to be held out evenly."""
    rows = three_parts(train.targets, wanted(valid, test, fractions), seed, by_label=separator == "none")
    if separator != "none":
        rows = keep_rare(rows, train.targets, separator)
    kept, found_valid, found_test = (train.take(part) for part in rows)
    return kept, found_valid if valid is None else valid, found_test if test is None else test
