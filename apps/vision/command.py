"""The command that only vision has: `review`. No torch: `--help` reads this file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model import Model


def add_review_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `review`."""
    parser.add_argument("artifact", help="the folder that training wrote")
    parser.add_argument("source", help="labelled pictures: a path or a known name")
    parser.add_argument("folder", help="where index.html, confusion.csv and losses.csv go")


def review(model: Model, source: Path, parsed: argparse.Namespace) -> None:
    """Answers `review` of the pictures at `source`."""
    from apps.vision.page import write_page
    from shared.display import Display
    from shared.errors import as_path

    display = Display(parsed.quiet)
    found = write_page(model, source, as_path(parsed.folder, "the folder"))
    for note in found.pop("notes"):
        display.say(note)
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False))
    display.say(f"{found['errors']:,} errors in {found['rows']:,} pictures: {found['page']}")
