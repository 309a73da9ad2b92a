"""How the command line shows what was trained, answered, and wrong in what it was told."""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from shared.display import PARTS, Display, metric_rows

if TYPE_CHECKING:
    from shared.measuring import Facts

NEXT = {
    "vision": "predict {} PICTURE",
    "text": 'predict {} "a text"',
    "tabular": "predict {} TABLE.csv --csv answers.csv",
    "collab": "recommend {} --user ID",
}
"""What a person does with a new model of each app."""

INPUTS = {
    "vision": "pictures, folders or archives of them, or tables with a column of paths",
    "text": "texts, files or folders of them, tables, or - for a text a line on stdin",
    "tabular": "tables, rows as JSON, or - for csv on stdin",
    "collab": "user,item pairs, tables of them, or - for a pair a line on stdin",
}
"""What `predict` answers, by app."""


TORCH_LACKS = ("can't allocate memory", "out of memory")

LONGEST = 80
"""Letters of an input that are shown with its answer."""


def training_result(app: str, out: Path, facts: Facts) -> dict[str, Any]:
    """The object that `train --json` prints."""
    return {
        "app": app,
        "artifact": str(out),
        "headline": facts.headline,
        "metrics": facts.metrics,
        "baseline": facts.baseline,
        "rows": facts.rows,
        "seconds": facts.seconds,
        "measured_on": facts.measured_on,
        "chosen": facts.chosen,
        "interrupted": facts.interrupted,
        "notes": facts.notes,
    }


def show_training(display: Display, app: str, out: Path, facts: Facts) -> None:
    """The closing table."""
    if facts.interrupted:
        display.warn(f"stopped by Ctrl-C; kept the best weights so far ({facts.chosen})")
    if facts.metrics:
        where = f"measured on the {PARTS[facts.measured_on]} rows"
        display.table(metric_rows(facts.metrics, facts.baseline, facts.headline), f"\n{where}")
        if facts.measured_on == "train":
            display.warn("no rows were held back: these numbers are of rows that training saw; name others with --test")
    else:
        display.warn(f"it was not measured: glance {app} evaluate {shlex.quote(str(out))} LABELLED_ROWS does so")
    rows = ", ".join(f"{number:,} {part}" for part, number in facts.rows.items())
    display.say(f"rows: {rows}; {facts.seconds['total']:.1f} s; weights of: {facts.chosen}")
    display.say(f"model: {out}")
    display.say(f"next: glance {app} {NEXT[app].format(shlex.quote(str(out)))}")


def answer_line(answer: dict[str, Any]) -> str:
    """One answer for a person to read."""
    prediction, probabilities = answer["prediction"], answer.get("probabilities")
    given = prediction if isinstance(prediction, list) else [prediction]
    shown = ", ".join(f"{name}  {probabilities.get(name, 0):.1%}" if probabilities else str(name) for name in given)
    remarks = "".join(f"  ({answer[part]})" for part in ("basis", "error") if part in answer)
    return f"{_shortened(str(answer['input']))}\t{shown or 'no label'}{remarks}"


def _shortened(given: str) -> str:
    """Its beginning and its end, where a path has its name."""
    return given if len(given) <= LONGEST else f"{given[: LONGEST // 2 - 3]} ... {given[2 - LONGEST // 2 :]}"


class Parser(argparse.ArgumentParser):
    """Tells a wrong argument in one line: the usage before it fills the screen."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"glance: {message}; `{self.prog} --help` lists what there is\n")


def open_streams() -> None:
    """A stream that whoever started us has closed leads nowhere: Python has None in its place, and would end at the first
    line. Letters that stdout has not are escaped."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    never_refuse(sys.stdout)


def never_refuse(stream: TextIO) -> None:
    """Letters that the stream's encoding has not (names of files may be any bytes, a pipe on Windows knows few) are written
    as JSON escapes them, so that JSON stays JSON. Without it one of them would end the answers."""

    def escaped(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        return json.dumps(error.object[error.start : error.end])[1:-1], error.end

    codecs.register_error("json", escaped)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="json")


def lack_of_memory(error: MemoryError | RuntimeError) -> str:
    """What to say of Python's and NumPy's, or torch's on a processor or a GPU, known by its words alone; "" of other faults."""
    if not isinstance(error, MemoryError) and not any(words in str(error) for words in TORCH_LACKS):
        return ""
    return (
        "the memory does not suffice: give a smaller --batch-size, smaller inputs (--image-size of pictures, --max-tokens of "
        "texts) or fewer rows, or end other programs"
    )
