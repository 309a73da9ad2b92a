"""What goes to stdout arrives, whatever letters the stream knows."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from apps import NAMES
from apps.__main__ import main
from apps.showing import LONGEST, answer_line, never_refuse
from tests.contract import ROOT


@pytest.mark.parametrize(("encoding", "name"), [("ascii", "é 猫 😀"), ("cp1252", "猫"), ("utf-8", "\udcff.png")])
def test_answers_in_letters_that_the_stream_has_not_stay_json(encoding: str, name: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding)
    never_refuse(stream)
    print(json.dumps({"input": name}, ensure_ascii=False), file=stream, flush=True)
    assert json.loads(written.getvalue().decode(encoding)) == {"input": name}


def test_a_long_path_is_shown_with_its_name() -> None:
    shown = answer_line({"input": f"/home/{'x' * 200}/photo 17.jpg", "prediction": "ant"}).split("\t")[0]
    assert shown.startswith("/home/x") and shown.endswith("/photo 17.jpg") and len(shown) == LONGEST
    assert answer_line({"input": "x" * LONGEST, "prediction": "ant"}) == "x" * LONGEST + "\tant"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(closed: str) -> None:
    command = f"{sys.executable} -m apps data list --json {closed}"
    assert subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("tabular train --folders 3 x.csv", "tabular train"),
        ("data list all", "data list"),
        ("data get a b", "data get"),
    ],
)
def test_an_unknown_argument_is_told_with_the_command_whose_help_lists_what_there_is(
    given: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    said = capsys.readouterr().err
    assert said.startswith("glance: unrecognized arguments: ") and f"; `glance {command} --help` lists" in said


@pytest.mark.parametrize(
    "given",
    [
        *(f"{app} predict m x --json --csv o.csv" for app in NAMES),
        "collab recommend m --user 1 --csv= --json",
        "collab similar m 1 --csv o.csv --parquet o.parquet",
    ],
)
def test_of_two_places_for_answers_neither_is_passed_over(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    said = capsys.readouterr().err
    assert " and --" in said and "the answers go to one place" in said
