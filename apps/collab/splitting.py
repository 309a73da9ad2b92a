"""What is held out to measure on: some rows of every user, random or the last in time, or whole users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.collab.recipe import CollabRecipe
from shared.errors import UserError
from shared.protocol import Columns, Examples, count, pick
from shared.splits import stratified


@dataclass(frozen=True)
class NewUserRows:
    """Columns of rows that are asked of new users, with the rows that those `shown` beforehand."""

    columns: Columns
    shown: Examples

    def __len__(self) -> int:
        return count(self.columns)

    def __getitem__(self, rows: np.ndarray) -> NewUserRows:
        return NewUserRows(pick(self.columns, rows), self.shown)


def hold_out(examples: Examples, share: float, recipe: CollabRecipe, seed: int) -> tuple[Examples, Examples]:
    """(kept, held out): `share` of every user's rows, random or the last in time; each user keeps one or more. Or `share`
    of the users, whole.

    Raises UserError at a split by time without times, or where nobody has enough rows to be held out whole.
    """
    if not share:
        return examples, examples.take(np.arange(0))
    if recipe.split == "users":
        return hold_out_users(examples, share, recipe.shown, seed)
    if recipe.split == "last":
        kept, held = _last(examples, share)
    else:
        kept, held = stratified(_users(examples).astype(np.int32), share, seed)
    return examples.take(kept), examples.take(held)


def _last(examples: Examples, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The last `share` of each user's rows, at least one where the user has two: leave-last-out."""
    if "time" not in examples.inputs:
        raise UserError("a split by time needs a column of times: name it with --time, or use --split random")
    users = _users(examples)
    order, places = _in_turn(users, examples.inputs["time"])
    counts = np.bincount(users)
    kept = counts - np.minimum(np.maximum(np.round(counts * share), 1), counts - 1).astype(int)
    last = places >= np.repeat(kept, counts)
    return np.sort(order[~last]), np.sort(order[last])


def hold_out_users(examples: Examples, share: float, shown: int, seed: int) -> tuple[Examples, Examples]:
    """(the others' rows, what is asked of a random `share` of the users); users of no more than `shown` rows are kept.

    Shown are the first rows in time where times are given, else random ones. Raises UserError where nobody has enough.
    """
    draws = np.random.default_rng(seed)
    users = _users(examples)
    counts = np.bincount(users)
    enough = np.flatnonzero(counts > shown)
    chosen = draws.permutation(enough)[: round(share * len(counts))]
    if not len(chosen):
        raise UserError(f"no user of more than {shown} rows to hold out: lower --shown, or use --split random")
    order, places = _in_turn(users, examples.inputs.get("time", draws.random(len(users))))
    first = np.empty(len(users), dtype=bool)
    first[order] = places < shown
    held = np.isin(users, chosen)
    seen, asked = (examples.take(np.flatnonzero(held & part)) for part in (first, ~first))
    return examples.take(np.flatnonzero(~held)), Examples(NewUserRows(asked.inputs, seen), asked.targets)


def _users(examples: Examples) -> np.ndarray:
    """The user of each row as a number, in order of appearance."""
    import pandas as pd

    return pd.factorize(examples.inputs["user"])[0]


def _in_turn(users: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the rows by user and then by time, the place of each of these among its user's)."""
    counts = np.bincount(users)
    return np.lexsort((times, users)), np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
