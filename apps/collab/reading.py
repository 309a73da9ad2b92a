"""Reads interactions: ids stay the strings that stand in the file, ratings are numbers, each pair counts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.collab.columns import Roles, read_rows, read_rows_like
from apps.collab.ids import ROLES, as_ids
from apps.collab.layouts import find_tables, partner
from apps.collab.overlap import compared
from apps.collab.ratings import counts_use, given_ratings, liked_rows, numbers_in, used_rows, without_unrated
from apps.collab.recipe import CollabRecipe
from apps.collab.sides import Interactions, find_sides
from apps.collab.splitting import hold_out
from apps.collab.times import seconds
from shared.errors import UserError
from shared.protocol import Columns, Examples, Splits
from shared.splits import share_of_rest, wanted
from shared.tables import told_encoding

if TYPE_CHECKING:
    import pandas as pd


def read_splits(source: Path, recipe: CollabRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """Train, valid and test interactions, with what was inferred written into the recipe and the notes."""
    tables = find_tables(source)
    notes: list[str] = []
    frame, roles = read_rows(tables["train"], recipe)
    recipe, why = _with_task(recipe, roles, frame, tables["train"])
    notes += [sentence for sentence in (roles.sentence(), why) if sentence]
    if test is None and partner(source):
        notes.append(f"{partner(source)} stands beside {source.name}: --test measures on it")
    train, left_out = _examples(frame, roles, recipe, tables["train"], notes)
    del frame  # a large one: before the rows are copied into parts
    brought = _brought(tables, valid, test, recipe, train.take(np.arange(0)))
    for examples in brought.values():
        notes += examples.notes
    if recipe.time and recipe.split == "random" and "test" not in brought:
        notes.append("random split: training may hold rows later than those measured; --split last holds out the last")
    fractions = (recipe.valid_fraction, recipe.test_fraction)
    of_valid, of_test = wanted(brought.get("valid"), brought.get("test"), fractions)
    train, held_test = hold_out(train, of_test, recipe, recipe.seed)
    train, held_valid = hold_out(train, share_of_rest(of_valid, of_test), recipe, recipe.seed + 1)
    sides, recipe = find_sides(source, recipe, train, notes)
    train = Interactions(train.inputs, train.targets, sides=sides, left_out=left_out)
    for part, examples in brought.items():
        notes += compared(train, examples, part)
    parts = {"valid": held_valid, "test": held_test} | brought
    if not any(map(len, parts.values())):
        notes.append("no row is held out: what lists find cannot be measured, and stands as 0 below")
    return Splits(train, parts["valid"], parts["test"], recipe, tuple(notes))


def _brought(
    tables: Mapping[str, Path], valid: Path | str | None, test: Path | None, recipe: CollabRecipe, none: Examples
) -> dict[str, Examples]:
    """The parts not to be held out of the training rows: those of the tables named for them, else of those beside it."""
    found = {}
    for part, named in (("valid", valid), ("test", test)):
        if named == "none":
            found[part] = none
        elif named is not None or part in tables:
            found[part] = read_part(tables[part] if named is None else find_tables(Path(named))["train"], recipe)
    return found


def read_part(path: Path, recipe: CollabRecipe, unrated: bool = False) -> Interactions:
    """One table's interactions, by a recipe whose columns and task are settled; its notes tell of rows left out. Where
    `unrated`, there may be no ratings: each is NaN then.

    Raises UserError where the table lacks a column.
    """
    frame, roles = read_rows_like(path, recipe)
    lacks_ratings = recipe.task == "ratings" and roles.rating is None
    if lacks_ratings and not unrated:
        raise UserError(f"{path}: no rating column {recipe.rating!r}, which this model was trained on; add it")
    if unrated and roles.rating is None:
        recipe = replace(recipe, positive=None)
    notes: list[str] = []
    examples, left_out = _examples(frame, roles, recipe, path, notes)
    targets = np.full(len(examples), np.nan) if lacks_ratings else examples.targets
    return Interactions(examples.inputs, targets, notes=tuple(notes), left_out=left_out)


def _with_task(recipe: CollabRecipe, roles: Roles, frame: pd.DataFrame, path: Path) -> tuple[CollabRecipe, str]:
    task, why = recipe.task, ""
    if task == "auto":
        task, why = _infer_task(frame, roles, path)
    if task == "ratings" and roles.rating is None:
        raise UserError(f"{path}: no rating column to predict: name it with --rating, or use --task ranking")
    if task == "ratings" and recipe.positive is not None:
        raise UserError(f"--positive {recipe.positive:g} is for ranking: add --task ranking, or leave it out")
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
    if counts_use(roles.rating, ratings):
        counts = f"{roles.rating} (up to {ratings.max():,g}) counts or measures use, it is no scale of liking"
        return "ranking", f"{counts}: items are ranked as implicit feedback (--task ratings predicts the numbers)"
    return "ratings", f"task: predict {roles.rating} (--task ranking ranks items instead)"


def _examples(
    frame: pd.DataFrame, roles: Roles, recipe: CollabRecipe, path: Path, notes: list[str]
) -> tuple[Examples, Columns]:
    """Clean rows: whole, each pair once (the last in time, else in the file), liked ones only when ranking. And what users
    had in the other rows: unrated, or not liked."""
    notes += told_encoding(path)
    total = len(frame)
    columns = {role: as_ids(frame[getattr(roles, role)], path) for role in ROLES}
    ratings = given_ratings(frame, roles, recipe, path, notes)
    if recipe.task == "ratings":
        ratings = without_unrated(ratings, str(roles.rating), path, notes)
    had = (columns["user"] != "") & (columns["item"] != "")
    whole = had & ~np.isnan(ratings)
    left_out = had & ~whole
    if lacking := total - whole.sum():
        notes.append(f"{path.name}: {lacking:,} of {total:,} rows lack a user, item or rating: left out")
    if not whole.any():
        raise UserError(f"{path}: no row has a user, an item and a rating: check which columns hold them")
    ranking = recipe.task == "ranking"
    counted = ranking and roles.rating is not None and counts_use(roles.rating, ratings[whole])
    if counted and recipe.positive is None:
        whole = used_rows(whole, ratings, str(roles.rating), path, notes)
    times = None if roles.time is None else seconds(frame[roles.time], path)
    kept = _once_each(columns, times, np.flatnonzero(whole))
    if twice := whole.sum() - len(kept):
        last = "in time" if roles.time else "row"
        notes.append(f"{path.name}: {twice:,} rows repeat a user and item: the last {last} is kept")
    if ranking:
        liked = liked_rows(kept, ratings, recipe, path, notes)
        left_out[kept] = not counted or ratings[kept] != 0
        left_out[liked] = False
        kept = liked
    beside: dict[str, Any] = {role: column[left_out] for role, column in columns.items()}
    rows = slice(None) if len(kept) == total else kept  # all of a large one: not once more
    inputs: dict[str, Any] = {role: column[rows] for role, column in columns.items()}
    if times is not None:
        inputs["time"] = times[rows]
    if not ranking:
        return Examples(inputs, ratings[rows]), beside
    if roles.rating is not None and not counted:
        inputs["rating"] = ratings[kept]
    return Examples(inputs, np.stack([inputs["user"], inputs["item"]], 1)), beside


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


def read_pairs(path: Path, recipe: CollabRecipe) -> dict[str, Any]:
    """The users and items of a table to answer, categories of strings, row by row as they stand, and times under
    training's name; a missing id is ""."""
    frame, roles = read_rows_like(path, recipe, answers=False)
    found = {role: as_ids(frame[getattr(roles, role)], path) for role in ROLES}
    return found | ({"time": seconds(frame[roles.time], path)} if roles.time else {})
