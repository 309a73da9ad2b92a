"""The commands that only collab has: `recommend` and `similar`. No torch: `--help` reads this file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.model import Model


def add_recommend_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `recommend`."""
    parser.add_argument("artifact", help="the folder that training wrote")
    parser.add_argument(
        "--user", nargs="+", metavar="ID", help="raw user ids (default: all of --history, else all known)"
    )
    parser.add_argument("--history", metavar="TABLE", help="user,item[,rating] that users bring: answered untrained")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="items a user (default 10)")
    parser.add_argument("--allow", metavar="FILE", help="recommend only these items: one id a line")
    parser.add_argument("--deny", metavar="FILE", help="never recommend these items: one id a line")
    parser.add_argument("--seen", action="store_true", help="also items that the user has already")
    parser.add_argument("--diversity", type=float, default=0.0, metavar="D", help="0: the best; 1: the most different")
    parser.add_argument("--why", action="store_true", help="name the user's own items that speak for each")
    _add_outputs(parser)


def add_similar_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `similar`."""
    parser.add_argument("artifact", help="the folder that training wrote")
    parser.add_argument("item", nargs="+", help="raw item ids")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="items each (default 10)")
    _add_outputs(parser)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", metavar="FILE", help="write a table there, one row an item")
    parser.add_argument("--parquet", metavar="FILE", help="the same as Parquet")


def recommend(model: Model, parsed: argparse.Namespace) -> str:
    """Answers `recommend`; returns what was written where, or "" when the answers were printed."""
    from apps.collab.asking import ask, read_ids, unknown_items
    from apps.collab.recommending import Wish
    from shared.display import Display

    allow, deny = read_ids(parsed.allow), read_ids(parsed.deny) or []
    wish = Wish(parsed.k, allow, deny, parsed.seen, parsed.diversity, parsed.why)
    for path, ids in ((parsed.allow, allow or []), (parsed.deny, deny)):
        for note in unknown_items(model, ids, path):
            Display(parsed.quiet).say(note)
    return _put(ask(model, parsed.user, wish, parsed.history), "user", parsed)


def similar(model: Model, parsed: argparse.Namespace) -> str:
    """Answers `similar`; returns what was written where, or "" when the answers were printed."""
    from apps.collab.recommending import similar as answer

    return _put(answer(model, parsed.item, parsed.k), "item", parsed)


def _put(found: Iterable[dict[str, Any]], asked: str, parsed: argparse.Namespace) -> str:
    from shared.answers import write_csv, write_parquet
    from shared.errors import as_path

    if parsed.csv or parsed.parquet:
        write, path = (write_csv, parsed.csv) if parsed.csv else (write_parquet, parsed.parquet)
        return f"{write(_rows(found, asked), as_path(path, '--csv or --parquet')):,} rows: {path}"
    for answer in found:
        if parsed.json:
            print(json.dumps(answer, ensure_ascii=False))
            continue
        print(f"{asked} {answer[asked]} ({answer['basis']}, {answer['support']} interactions)")
        for place, line in enumerate(answer["items"], 1):
            because = f"  because of {', '.join(line['because'])}" if line.get("because") else ""
            print(f"  {place:>3}  {line['item']}  {line['score']:.4g}{because}")
    return ""


def _rows(found: Iterable[dict[str, Any]], asked: str) -> Iterator[dict[str, Any]]:
    """One row for each item: who asked, on what basis, rank, and the item's own columns as `item`, `score`, ..."""
    for answer in found:
        head = {asked: answer[asked], "basis": answer["basis"], "support": answer["support"]}
        for rank, line in enumerate(answer["items"], 1):
            named = {
                "similar" if name == asked else f"item_{name}" if name in head else name: value
                for name, value in line.items()
            }
            yield {**head, "rank": rank, **named}
