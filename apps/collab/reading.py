"""Reads interactions: ids stay the strings that stand in the file, ratings are numbers, each pair counts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.collab.columns import Roles, is_count, read_rows, read_rows_like
from apps.collab.ids import ROLES, as_ids
from apps.collab.layouts import find_tables, partner
from apps.collab.newusers import hold_out_users
from apps.collab.overlap import compared
from apps.collab.ratings import given_ratings, liked_rows, numbers_in, used_rows, without_unrated
from apps.collab.recipe import CollabRecipe
from apps.collab.sides import Interactions, find_sides
from apps.collab.times import seconds
from shared.errors import UserError
from shared.protocol import Examples, Splits
from shared.splits import share_of_rest, stratified
from shared.tables import told_encoding

if TYPE_CHECKING:
    import pandas as pd

COUNTS = 100
"""Ratings from 0 that reach beyond this are counts or amounts (plays, hours), not a scale of liking."""


def read_splits(source: Path, recipe: CollabRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """Train, valid and test interactions, with what was inferred written into the recipe and the notes."""
    tables = find_tables(source)
    notes: list[str] = []
    frame, roles = read_rows(tables["train"], recipe)
    recipe, why = _with_task(recipe, roles, frame, tables["train"])
    notes += [sentence for sentence in (roles.sentence(), why) if sentence]
    if test is None and partner(source):
        notes.append(f"{partner(source)} stands beside {source.name}: --test measures on it")
    train = _examples(frame, roles, recipe, tables["train"], notes)
    del frame  # a large one: before the rows are copied into parts
    parts: dict[str, Examples | None] = {}
    for part, given in (("valid", valid), ("test", test)):
        path = tables.get(part) if given is None else None if given == "none" else find_tables(Path(given))["train"]
        found = parts[part] = None if path is None else read_part(path, recipe)
        notes += () if found is None else found.notes
    none = train.take(np.arange(0))
    parts = {"valid": none if valid == "none" else parts["valid"], "test": parts["test"], "train": train}
    del train  # as above: `_complete` takes it from the parts
    if recipe.time and recipe.split == "random" and parts["test"] is None:
        notes.append("random split: training may hold rows later than those measured; --split last holds out the last")
    brought = [part for part in ("valid", "test") if parts[part] is not None]
    train, found_valid, found_test = _complete(parts, recipe)
    named = (("valid", found_valid), ("test", found_test))
    sides, recipe = find_sides(source, recipe, train, notes)
    train = Interactions(train.inputs, train.targets, sides=sides)
    for name, examples in named:
        notes += compared(train, examples, name) if name in brought else []
    if not len(found_valid) and not len(found_test):
        notes.append("no row is held out: what lists find cannot be measured, and stands as 0 below")
    return Splits(train, found_valid, found_test, recipe, tuple(notes))


def read_part(path: Path, recipe: CollabRecipe, unrated: bool = False) -> Examples:
    """One table's interactions, by a recipe whose columns and task are settled; its notes tell of rows left out. Where
    `unrated`, there may be no ratings: each is NaN then.

    Raises UserError where the table lacks a column.
    """
    frame, roles = read_rows_like(path, recipe)
    lacks_ratings = recipe.task == "ratings" and roles.rating is None
    if lacks_ratings and not unrated:
        raise UserError(f"{path}: no rating column {recipe.rating!r}, which this model was trained on; add it")
    notes: list[str] = []
    examples = _examples(frame, roles, recipe, path, notes)
    targets = np.full(len(examples), np.nan) if lacks_ratings else examples.targets
    return replace(examples, targets=targets, notes=tuple(notes))


def _with_task(recipe: CollabRecipe, roles: Roles, frame: pd.DataFrame, path: Path) -> tuple[CollabRecipe, str]:
    task, why = recipe.task, ""
    if task == "auto":
        task, why = _infer_task(frame, roles, path)
    if task == "ratings" and roles.rating is None:
        raise UserError(f"{path}: no rating column to predict: name it with --rating, or use --task ranking")
    settled = {role: getattr(roles, role) for role in ("user", "item", "rating", "time")}
    epochs = recipe.epochs or (recipe.ranking_epochs if task == "ranking" else 0)
    return replace(recipe, task=task, epochs=epochs, **settled), why


def _infer_task(frame: pd.DataFrame, roles: Roles, path: Path) -> tuple[str, str]:
    if roles.rating is None:
        return "ranking", "no rating column: implicit feedback, items are ranked (--task)"
    ratings = numbers_in(frame[roles.rating], roles.rating, path)
    ratings = ratings[np.isfinite(ratings)]
    if len(ratings) and ratings.min() == ratings.max():
        same = f"every {roles.rating} is {ratings[0]:g}: there is nothing to predict, so items are ranked"
        return "ranking", f"{same} as implicit feedback (--task)"
    if _counts_use(roles.rating, ratings):
        counts = f"{roles.rating} (up to {ratings.max():,g}) counts or measures use, it is no scale of liking"
        return "ranking", f"{counts}: items are ranked as implicit feedback (--task ratings predicts the numbers)"
    return "ratings", f"task: predict {roles.rating} (--task ranking ranks items instead)"


def _counts_use(name: str, ratings: np.ndarray) -> bool:
    """Whether numbers, none missing, are counts or amounts: by their column's name, or by how far they reach."""
    return bool(len(ratings)) and ratings.min() >= 0 and (is_count(name) or bool(ratings.max() > COUNTS))


def _examples(frame: pd.DataFrame, roles: Roles, recipe: CollabRecipe, path: Path, notes: list[str]) -> Examples:
    """Clean rows: whole, each pair once (the last in time, else in the file), liked ones only when ranking."""
    notes += told_encoding(path)
    total = len(frame)
    whole = frame[[roles.user, roles.item]].notna().all(axis=1).to_numpy(bool, copy=True)
    columns = {role: as_ids(frame[getattr(roles, role)], path) for role in ROLES}
    ratings = given_ratings(frame, roles, recipe, path, notes)
    if recipe.task == "ratings":
        ratings = without_unrated(ratings, str(roles.rating), path, notes)
    whole &= (columns["user"] != "") & (columns["item"] != "") & ~np.isnan(ratings)
    if total - whole.sum():
        notes.append(f"{path.name}: {total - whole.sum():,} of {total:,} rows lack a user, item or rating: left out")
    if not whole.any():
        raise UserError(f"{path}: no row has a user, an item and a rating: check which columns hold them")
    name = roles.rating if recipe.task == "ranking" else None
    counted = name is not None and _counts_use(name, ratings[whole])
    if name is not None and counted and recipe.positive is None:
        whole = used_rows(whole, ratings, name, path, notes)
    times = None if roles.time is None else seconds(frame[roles.time], path)
    kept = _once_each(columns, times, np.flatnonzero(whole))
    if whole.sum() - len(kept):
        twice = f"{whole.sum() - len(kept):,} rows repeat a user and item"
        notes.append(f"{path.name}: {twice}: the last {'in time' if roles.time else 'row'} is kept")
    if recipe.task == "ranking":
        kept = liked_rows(kept, ratings, recipe, path, notes)
    rows = slice(None) if len(kept) == total else kept  # all of a large one: not once more
    inputs: dict[str, Any] = {role: column[rows] for role, column in columns.items()}
    if times is not None:
        inputs["time"] = times[rows]
    if recipe.task == "ratings":
        return Examples(inputs, ratings[rows])
    if name is not None and not counted:
        inputs["rating"] = ratings[kept]
    return Examples(inputs, np.stack([inputs["user"], inputs["item"]], 1))


def _once_each(columns: Mapping[str, pd.Categorical], times: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Of rows with the same user and item only the last, in time where there is one; the file's order stays."""
    import pandas as pd

    def pairs() -> np.ndarray:
        users, items = (columns[role].codes[rows] for role in ROLES)
        found: np.ndarray = users.astype(np.int64) * len(columns["item"].categories) + items
        return found

    ordered = pairs()
    ordered.sort()
    if (ordered[1:] != ordered[:-1]).all():
        return rows
    order = np.arange(len(rows)) if times is None else np.argsort(times[rows], kind="stable")
    last = ~pd.Series(pairs()[order]).duplicated(keep="last").to_numpy()
    return np.sort(rows[order[last]])


def _complete(parts: dict[str, Examples | None], recipe: CollabRecipe) -> tuple[Examples, Examples, Examples]:
    """Fills in what was not given (None), by user, so that everyone measured is also known; valid only where asked for."""
    valid, test, rest, share = parts["valid"], parts["test"], parts.pop("train"), recipe.valid_fraction
    assert rest is not None
    if test is None and valid is None:
        rest, test = hold_out(rest, recipe.test_fraction, recipe, recipe.seed)
        share = share_of_rest(share, recipe.test_fraction)
    if valid is None:
        rest, valid = hold_out(rest, share, recipe, recipe.seed + 1)
    return rest, valid, rest.take(np.arange(0)) if test is None else test


def hold_out(examples: Examples, share: float, recipe: CollabRecipe, seed: int) -> tuple[Examples, Examples]:
    """(kept, held out): `share` of every user's rows, random or the last in time; each user keeps one or more.

    Raises UserError at a share that leaves nothing, or at a split by time without times.
    """
    import pandas as pd

    if not 0 <= share < 1:
        raise UserError(f"a share of {share} of the rows: give a number from 0 to below 1")
    if not share:
        return examples, examples.take(np.arange(0))
    if recipe.split == "users":
        return hold_out_users(examples, share, recipe.shown, seed)
    if recipe.split == "last":
        kept, held = _last(examples, share)
    else:
        kept, held = stratified(pd.factorize(examples.inputs["user"])[0].astype(np.int32), share, seed)
    return examples.take(kept), examples.take(held)


def _last(examples: Examples, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The last `share` of each user's rows, at least one where the user has two: leave-last-out."""
    if "time" not in examples.inputs:
        raise UserError("a split by time needs a column of times: name it with --time, or use --split random")
    import pandas as pd

    users = pd.factorize(examples.inputs["user"])[0]
    order = np.lexsort((examples.inputs["time"], users))
    counts = np.bincount(users)
    held = np.minimum(np.maximum(np.round(counts * share), share > 0), counts - 1).astype(int)
    place = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
    last = place >= np.repeat(counts - held, counts)
    return np.sort(order[~last]), np.sort(order[last])


def read_pairs(path: Path, recipe: CollabRecipe) -> dict[str, Any]:
    """The users and items of a table to answer, categories of strings, row by row as they stand, and times under
    training's name; a missing id is ""."""
    frame, roles = read_rows_like(path, recipe, answers=False)
    found = {role: as_ids(frame[getattr(roles, role)], path) for role in ROLES}
    return found | ({"time": seconds(frame[roles.time], path)} if roles.time else {})
