"""Which column of a table is the user, the item, the rating and the time: named, else inferred and said."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.collab.ids import ROLES
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError, some
from shared.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

KNOWN = {
    "user": {"user", "userid", "uid", "users", "customer", "customerid", "member", "memberid", "reviewer", "reviewerid",
             "account", "accountid", "visitor", "visitorid", "session", "sessionid", "person", "reader", "listener"},
    "item": {"item", "itemid", "iid", "items", "movie", "movieid", "product", "productid", "asin", "book", "bookid",
             "isbn", "song", "songid", "track", "trackid", "artist", "artistid", "game", "gameid", "anime", "animeid",
             "article", "articleid", "business", "businessid", "recipe", "recipeid", "joke", "jokeid", "title"},
    "rating": {"rating", "ratings", "score", "stars", "star", "rate", "bookrating", "overall", "preference", "value",
               "plays", "playcount", "listens", "listencount", "count", "weight", "quantity", "hours", "clicks", "views"},
    "time": {"timestamp", "time", "date", "datetime", "unixreviewtime", "reviewtime", "ts", "day", "when"},
}  # fmt: skip
"""Names that people give the columns, in small letters without separators."""

COUNTS = {"plays", "playcount", "listens", "listencount", "count", "quantity", "hours", "clicks", "views"}
"""Names of columns that count use."""

SAMPLE = 1000
"""Rows that the roles of columns are inferred from."""

HEADLESS = re.compile(r"column_\d+")
"""What `read_table` names the columns of a table without a header."""

EPOCH = 1e8
"""Numbers all above this are seconds since 1970, not ratings."""


@dataclass(frozen=True)
class Roles:
    """The column names of a table; `rating` and `time` may be missing. `inferred` are roles nobody named."""

    user: str
    item: str
    rating: str | None = None
    time: str | None = None
    inferred: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What was inferred, for the reader."""
        said = ", ".join(f"{role} = {getattr(self, role)}" for role in self.inferred)
        return f"columns inferred: {said} (--user --item --rating --time name others)" if said else ""


def find_roles(frame: pd.DataFrame, recipe: CollabRecipe, place: str, answers: bool = True) -> Roles:
    """Roles of the columns; with `answers` False only user and item are looked for, and times if a column is named.

    Raises UserError when a named column is missing or there are not two columns for user and item.
    """
    wanted = ("user", "item", "rating", "time") if answers else ("user", "item", *(("time",) if recipe.time else ()))
    names = [str(name) for name in frame.columns]
    roles = {role: _named(getattr(recipe, role), names, role, place) for role in wanted if getattr(recipe, role)}
    if twice := [name for name in roles.values() if list(roles.values()).count(name) > 1]:
        own = " and ".join(f"--{role}" for role, name in roles.items() if name == twice[0])
        raise UserError(f"{place}: {twice[0]!r} is named for {own}: name another column for one of them")
    free = [name for name in names if name not in roles.values()]
    for guess in (_by_name, _by_position):
        for role in wanted:
            found = None if role in roles else guess(role, frame[free])
            if found:
                roles[role] = found
                free.remove(found)
    if "user" not in roles or "item" not in roles:
        raise UserError(f"{place}: a user and an item column are needed; it has only {some(names)}: add the other")
    inferred = tuple(role for role in wanted if role in roles and not getattr(recipe, role))
    return Roles(roles["user"], roles["item"], roles.get("rating"), roles.get("time"), inferred)


def read_rows(path: Path, recipe: CollabRecipe, answers: bool = True) -> tuple[pd.DataFrame, Roles]:
    """The columns that have roles, ids and ratings as categories of strings, and the roles.

    Ids are often words, as headers are: the first row is taken for a header where a cell of it is a name of these
    columns, or stands above a column of numbers. Raises UserError like `find_roles`.
    """
    beginning = read_table(path, text=True, rows=SAMPLE)
    header = None
    if beginning.columns[0] == "column_1":
        header = sum(_is_name(str(cell), recipe) for cell in beginning.iloc[0]) > 1
    elif not any(_is_name(name, recipe) or _lowest(beginning[name]) is not None for name in beginning.columns):
        header = False
    if header is not None:
        beginning = read_table(path, text=True, header=header, rows=SAMPLE)
    roles = find_roles(beginning, recipe, str(path), answers)
    kinds = {name: "category" for name in (roles.user, roles.item, roles.rating) if name}
    if roles.time:
        kinds[roles.time] = "str" if _lowest(beginning[roles.time]) is None else "float64"
    try:
        return read_table(path, text=True, header=header, columns=kinds), roles
    except UserError:
        raise
    except ValueError:  # a time further down is no number
        return read_table(path, text=True, header=header, columns={**kinds, str(roles.time): "str"}), roles


def read_rows_like(path: Path, trained: CollabRecipe, answers: bool = True) -> tuple[pd.DataFrame, Roles]:
    """`read_rows` by the columns of training, where this table has them, else by names of such columns; a table without a
    header by their places.

    Raises UserError where there is no such user or item: nobody would see that another column was taken.
    """
    present = set(read_table(path, text=True, rows=1).columns)
    names = {role: getattr(trained, role) for role in KNOWN}
    user, item, rating, time = (name if name in present else None for name in names.values())
    frame, roles = read_rows(path, replace(trained, user=user, item=item, rating=rating, time=time), answers)
    guessed = {role for role in roles.inferred if not _is_told(getattr(roles, role), role)}
    for role in ROLES:
        if role in guessed:
            raise UserError(
                f"{path} has no column {names[role]!r} for the {role}s, as the training rows have: rename one of its "
                f"columns ({some(sorted(present), 12)})"
            )
    rating, time = (None if role in guessed else getattr(roles, role) for role in ("rating", "time"))
    return frame, replace(roles, rating=rating, time=time)


def _is_told(name: str, role: str) -> bool:
    """Whether a column's role follows from its name, or from its place in a table without a header."""
    return plain_name(name) in KNOWN[role] or bool(HEADLESS.fullmatch(name))


def _is_name(cell: str, recipe: CollabRecipe) -> bool:
    chosen = (recipe.user, recipe.item, recipe.rating, recipe.time)
    return cell in chosen or any(plain_name(cell) in names for names in KNOWN.values())


def is_count(name: str) -> bool:
    """Whether a column of this name counts or measures use."""
    return plain_name(name) in COUNTS


def _named(name: str, names: list[str], role: str, place: str) -> str:
    if name not in names:
        raise UserError(f"{place} has no column {name!r} for --{role}; its columns are {some(names, 12)}")
    return name


def plain_name(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _by_name(role: str, free: pd.DataFrame) -> str | None:
    """The first free column of a name that people give this one."""
    return next((name for name in free.columns if plain_name(name) in KNOWN[role]), None)


def _by_position(role: str, free: pd.DataFrame) -> str | None:
    """The first free column for user and item; for rating and time the first free one with such numbers."""
    if role in ROLES:
        return next(iter(free.columns), None)
    for name in free.columns:
        lowest = _lowest(free[name])
        if lowest is not None and (lowest > EPOCH) == (role == "time"):
            return str(name)
    return None


def _lowest(column: pd.Series) -> float | None:
    """The least number of a column's beginning; None where it holds something else."""
    import pandas as pd

    numbers = pd.to_numeric(column.head(SAMPLE).dropna(), errors="coerce")
    return float(numbers.min()) if len(numbers) and not numbers.isna().any() else None
