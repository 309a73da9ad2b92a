"""The command line, `glance` or `python -m apps`: the only place where apps, shared and data meet.

Results go to stdout, everything else to stderr. Exit codes: 0 done; 2 the input or arguments are at fault, or
the run was stopped; 1 a fault of the program.
"""

from __future__ import annotations

import argparse
import atexit
import errno
import json
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

from apps import NAMES, load_app, load_recipe
from apps.places import folder_for
from apps.showing import INPUTS, Parser, answer_line, lack_of_memory, open_streams, show_training, training_result
from data import EMBEDDED, DataError, cards, embedded_set, locate
from shared.display import Clock, Display, metric_rows
from shared.errors import UserError, as_path
from shared.flags import add_flags, given_dials
from shared.garbage import uncollected
from shared.interrupts import let_imports_finish

if TYPE_CHECKING:
    from shared.model import Model

FAULT, DONE = 2, 0
STOPPED = "glance: stopped; nothing unfinished is kept"


def entry() -> None:
    """The process's own main: ends without taking the libraries apart piece by piece, which takes a second."""
    open_streams()
    let_imports_finish()
    try:
        code = main()
    except KeyboardInterrupt:  # before the command, or once more while the first is told
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(STOPPED, file=sys.stderr)
        code = FAULT
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to stop
    atexit._run_exitfuncs()  # temporary files go
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    warnings.simplefilter("ignore")  # other libraries' deprecations tell a user of ours nothing
    given = sys.argv[1:] if arguments is None else arguments
    parsed, unknown = build_parser(given).parse_known_args(given)
    if unknown:  # told by the command: the help of `glance` lists none of its flags
        parsed.refuse(f"unrecognized arguments: {' '.join(unknown)}")
    places = [f"--{name}" for name in ("json", "csv", "parquet") if getattr(parsed, name, None) not in (None, False)]
    if len(places) > 1:
        parsed.refuse(f"{' and '.join(places)}: the answers go to one place, name that alone")
    try:
        code: int = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except (UserError, DataError) as error:
        print(f"glance: {error}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return FAULT
    except (MemoryError, RuntimeError) as error:
        if not (said := lack_of_memory(error)):
            raise
        print(f"glance: {said}", file=sys.stderr)
        return FAULT
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # the reader of our output has gone, as `| head` does
            return DONE
        print("glance: the results could not be written: the disk is full; free some space", file=sys.stderr)
        return FAULT


def build_parser(given: list[str]) -> argparse.ArgumentParser:
    """The parser. Only the recipe of the app that `given` names is imported, and torch never."""
    parser = Parser(
        prog="glance", description="Four applications on one learner: train a strong model from your own data."
    )
    apps = parser.add_subparsers(metavar="APP", required=True)
    about = {"vision": "pictures", "text": "texts", "tabular": "rows of a table", "collab": "recommendations"}
    for name in NAMES:
        app = apps.add_parser(name, help=f"models of {about[name]}")
        if name in given:
            _add_app(app, name)
    _add_data(apps.add_parser("data", help="known data sets"))
    return parser


def _add_app(parser: argparse.ArgumentParser, name: str) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    train = _command(commands, "train", name, run_train, "train a model, measure it and save it")
    train.add_argument("source", nargs="?", help=f"a path or a known name (default: {EMBEDDED[name]}, embedded)")
    train.add_argument("--valid", metavar="PATH", help='validation rows; "none" for none (default: split off)')
    train.add_argument("--test", metavar="PATH", help="test rows (default: split off, unless --valid is given)")
    train.add_argument("--out", metavar="DIR", help=f"where the model goes (default: models/{name}-...)")
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    train.add_argument("--start-from", metavar="ARTIFACT", help="start from an earlier model's weights")
    add_flags(train, load_recipe(name))
    evaluate = _command(commands, "evaluate", name, run_evaluate, "measure a model on labelled rows")
    evaluate.add_argument("artifact", help="the folder that training wrote")
    evaluate.add_argument("source", help="a path or a known name")
    predict = _command(commands, "predict", name, run_predict, "answer inputs")
    predict.add_argument("artifact", help="the folder that training wrote")
    predict.add_argument("input", nargs="+", help=INPUTS[name])
    predict.add_argument("--csv", metavar="FILE", help="write the answers there")
    if name == "collab":
        from apps.collab.command import add_recommend_flags, add_similar_flags

        add_recommend_flags(_command(commands, "recommend", name, run_collab, "the best unseen items of users"))
        add_similar_flags(_command(commands, "similar", name, run_collab, "the items most like others"))
    if name == "vision":
        from apps.vision.command import add_review_flags

        meaning = "a page of what a model takes for what, and its worst errors"
        add_review_flags(_command(commands, "review", name, run_review, meaning))
    if name == "tabular":
        from apps.tabular.command import add_explain_flags

        add_explain_flags(
            _command(commands, "explain", name, run_explain, "which columns the answers hang on, and how")
        )


def _command(commands: Any, name: str, app: str, run: Any, meaning: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=meaning, description=meaning.capitalize() + ".")
    parser.set_defaults(run=run, app=app, command=name, refuse=parser.error)
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="all known data sets")
    listing.add_argument("--json", action="store_true", help="as JSON on stdout")
    listing.set_defaults(run=run_data_list, refuse=listing.error)
    get = commands.add_parser("get", help="fetch one and print where it is")
    get.add_argument("name")
    get.set_defaults(run=run_data_get, refuse=get.error)


def run_train(parsed: argparse.Namespace) -> int:
    recipe = load_recipe(parsed.app)
    dials = recipe.make(given_dials(parsed, recipe))
    display = Display(parsed.quiet)
    name = EMBEDDED[parsed.app] if parsed.source is None else parsed.source
    if parsed.source is None:
        source = embedded_set(parsed.app, progress=display.say)
        display.say(f"no data given: {name}, a real data set out of the installed packages")
    else:
        source = locate(name, progress=display.say)

    with uncollected():
        from shared.run import Options, train

        app = load_app(parsed.app)
    valid = parsed.valid if parsed.valid in (None, "none") else locate(parsed.valid)
    test = None if parsed.test is None else locate(parsed.test)
    start_from = None if parsed.start_from is None else as_path(parsed.start_from, "--start-from")
    with folder_for(parsed.out, parsed.app, name, parsed.resume) as out:
        options = Options(valid, test, out=out, resume=parsed.resume, start_from=start_from, display=display)
        facts = train(app, source, dials, options).facts
    if parsed.json:
        print(json.dumps(training_result(parsed.app, out, facts)))
    show_training(display, parsed.app, out, facts)
    return FAULT if facts.interrupted else DONE


def run_evaluate(parsed: argparse.Namespace) -> int:
    display, clock = Display(parsed.quiet), Clock()
    source = locate(parsed.source, progress=display.say)
    with clock.stage("load"):
        model = _model(parsed)
    with clock.stage("measure"):
        result = model.evaluate(source)
    for note in result.pop("notes"):
        display.say(note)
    if parsed.json:
        found = {"app": parsed.app, "artifact": parsed.artifact, **result, "seconds": clock.total()}
        print(json.dumps(found))
    rows = metric_rows(result["metrics"], result["baseline"], result["headline"])
    display.table(rows, f"{result['rows']['test']:,} rows of {source}")
    return DONE


def run_predict(parsed: argparse.Namespace) -> int:
    files = [os.path.realpath(given) for given in parsed.input if os.path.isfile(given)]  # a text has no place
    table = None if parsed.csv is None else as_path(parsed.csv, "--csv")
    if table and os.path.realpath(table) in files:
        raise UserError(f"--csv {parsed.csv} is the input itself, whose cells would be lost: name another file")
    answers = _model(parsed).predict_sources(parsed.input, Display(parsed.quiet).say)
    if table:
        from shared.answers import write_csv

        written = write_csv(answers, table)
        Display(parsed.quiet).say(f"{written:,} answers: {parsed.csv}")
        return DONE
    for answer in answers:
        print(json.dumps(answer, ensure_ascii=False) if parsed.json else answer_line(answer))
    return DONE


def _model(parsed: argparse.Namespace) -> Model:
    with uncollected():
        from shared.model import load

        return load(load_app(parsed.app), parsed.artifact)


def run_collab(parsed: argparse.Namespace) -> int:
    from apps.collab import command

    answer = {"recommend": command.recommend, "similar": command.similar}[parsed.command]
    if written := answer(_model(parsed), parsed):
        Display(parsed.quiet).say(written)
    return DONE


def run_review(parsed: argparse.Namespace) -> int:
    from apps.vision.command import review

    review(_model(parsed), locate(parsed.source, progress=Display(parsed.quiet).say), parsed)
    return DONE


def run_explain(parsed: argparse.Namespace) -> int:
    from apps.tabular.command import explain

    explain(_model(parsed), locate(parsed.source, progress=Display(parsed.quiet).say), parsed)
    return DONE


def run_data_list(parsed: argparse.Namespace) -> int:
    for card in cards():
        if parsed.json:
            print(json.dumps({name: str(getattr(card, name)) for name in ("name", "app", "title", "licence")}))
        else:
            print(f"{card.name:<20} {card.app:<8} {'here' if card.present else '':<5} {card.title}")
    return DONE


def run_data_get(parsed: argparse.Namespace) -> int:
    print(locate(parsed.name, progress=Display().say))
    return DONE


if __name__ == "__main__":
    entry()
