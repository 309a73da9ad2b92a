"""The command that only tabular has: `explain`. No torch: `--help` reads this file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.display import Display
    from shared.model import Model


def add_explain_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `explain`."""
    parser.add_argument("artifact", help="the folder that training wrote")
    parser.add_argument("source", help="labelled rows that the model was not trained on")
    parser.add_argument(
        "--row", type=int, nargs="+", default=[], help="also what each column adds to these rows' answers"
    )


def explain(model: Model, source: Path, parsed: argparse.Namespace) -> None:
    """Answers `explain` by the labelled rows at `source`."""
    from apps.tabular import reasons
    from shared.display import Display

    found = reasons.explain(model, source, single=parsed.row)
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False))
    _show(found, Display(parsed.quiet))


def _show(found: dict[str, Any], display: Display) -> None:
    for note in found["notes"]:
        display.say(note)
    shown = [[entry["column"], f"{entry['mean']:.4g}", f"{entry['spread']:.2g}"] for entry in found["importance"]]
    title = f"growth of {found['metric']} when a column is shuffled, {found['rows']:,} rows"
    display.table([["column", "growth", "spread"], *shown], title)
    for best in found.get("thresholds", ()):
        display.say("{metric} {value:.4f} with {class!r} from {threshold} on, {at_half:.4f} from 0.5".format(**best))
    for told in found["contributions"]:
        added = [[name, f"{value:+.4g}"] for name, value in told["contributions"].items()]
        what = f"the probability of {told['class']!r}" if "class" in told else "the answer"
        mean = f"on average {told['mean']:.4g}"
        display.table([["column", "adds"], *added], f"row {told['row']}: {what} is {told['answer']:.4g}, {mean}")
