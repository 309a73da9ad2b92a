"""The command line beyond what every app's contract asks: faults, Ctrl-C, names of models, recommend, data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apps import NAMES, load_recipe, text
from apps.__main__ import main
from shared import artifact
from shared.display import Display
from shared.errors import UserError
from tests.apps.collab.patterns import write_ratings
from tests.apps.tabular.tables import write_loans
from tests.apps.text.writing import write_csv
from tests.contract import ROOT, StoppingDisplay

QUICK = ["--epochs", "3", "--members", "2", "--width", "16", "--batch-size", "32", "--trees", "none", "--patience", "0"]


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    return write_loans(tmp_path / "loans.csv")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained collab model."""
    folder = tmp_path_factory.mktemp("shop")
    dials = ["--samples", "5", "--burn", "2", "--factors", "2", "--strength", "10", "--quiet"]
    assert main(["collab", "train", str(write_ratings(folder / "r.csv")), "--out", str(folder / "m"), *dials]) == 0
    return folder / "m"


def test_help_of_everything_ends_well() -> None:
    for words in ([], ["data"], ["vision", "train"], ["collab", "recommend"], ["text", "predict"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0


@pytest.mark.parametrize("app", NAMES)
def test_help_promises_stdin_only_where_it_is_read(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([app, "predict", "--help"])
    assert ("- for" in capsys.readouterr().out) == (app != "vision")


@pytest.mark.parametrize("words", [[], ["sound"], ["vision"], ["text", "train", "--no-such-flag"], ["data", "get"]])
def test_words_that_are_no_command_are_the_users_fault(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("glance: ") and said.count("\n") == 1 and "--help" in said


def test_closing_table_names_model_and_next_command(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), *QUICK]) == 0
    shown = capsys.readouterr()
    assert not shown.out and "\r" not in shown.err
    for part in (
        "measured on the test rows",
        "accuracy",
        "baseline",
        f"model: {tmp_path / 'm'}",
        "next: glance tabular",
    ):
        assert part in shown.err


def test_numbers_of_training_rows_come_with_a_warning(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "three.csv").write_text("a,b,y\n1,x,yes\n2,y,no\n3,x,yes\n")
    for words in ([str(tmp_path / "three.csv")], [str(loans), "--valid", "none"]):
        assert main(["tabular", "train", *words, "--out", str(tmp_path / "m"), "--quiet", *QUICK]) == 0
        said = capsys.readouterr().err
        assert "no rows were held back" in said and "rows that training saw" in said and "--test" in said


def test_quiet_says_nothing(loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), "--quiet", *QUICK]) == 0
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_keeps_the_best_and_ends_with_2(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.__main__.Display", lambda quiet=False: StoppingDisplay(2))
    code = main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), "--json", *QUICK])
    shown = capsys.readouterr()
    assert code == 2 and json.loads(shown.out)["interrupted"] and "kept the best weights so far" in shown.err
    assert main(["tabular", "evaluate", str(tmp_path / "m"), str(loans), "--json"]) == 0


def test_ctrl_c_before_training_writes_nothing(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Display, sentence: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Display, "say", interrupted)
    assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), *QUICK]) == 2
    assert "nothing unfinished is kept" in capsys.readouterr().err and not (tmp_path / "m").exists()


def test_ctrl_c_pressed_again_is_no_traceback() -> None:
    lines = "import apps.__main__ as roof\ndef main():\n    raise KeyboardInterrupt\nroof.main = main\nroof.entry()"
    ended = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1) and "stopped" in ended.stderr


def test_wrong_artifact_is_one_line_and_2(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["tabular", "predict", str(shop), "x"], ["collab", "evaluate", str(tmp_path), str(tmp_path)]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said.startswith("glance: ") and len(said.splitlines()) == 1 and "Traceback" not in said


def test_full_disk_ends_with_2_and_leaves_no_half(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shared.artifact._put", full)
    assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), "--quiet", *QUICK]) == 2
    assert "No space left" in capsys.readouterr().err
    assert [entry.name for entry in (tmp_path / "m").iterdir()] == ["checkpoint.pt"]  # --resume goes on from there


def test_ctrl_c_while_the_model_is_written_is_too_late_to_lose_it(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put, earlier = artifact._put, signal.signal(signal.SIGINT, signal.default_int_handler)

    def pressed(path: Path, content: bytes) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        put(path, content)

    monkeypatch.setattr("shared.artifact._put", pressed)
    try:
        assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), *QUICK]) == 2
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert "kept the best weights" in capsys.readouterr().err
    assert {entry.name for entry in (tmp_path / "m").iterdir()} == {artifact.JSON, artifact.WEIGHTS}


def test_a_full_disk_of_checkpoints_does_not_end_the_run(
    loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.save", full)
    assert main(["tabular", "train", str(loans), "--out", str(tmp_path / "m"), "--quiet", *QUICK]) == 0
    said = capsys.readouterr().err
    assert "No space left on device); training goes on without one" in said and len(said.splitlines()) == 1
    assert {entry.name for entry in (tmp_path / "m").iterdir()} == {artifact.JSON, artifact.WEIGHTS}


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="the system has no full device")
def test_results_that_a_full_disk_does_not_take_are_told(shop: Path) -> None:
    command = [sys.executable, "-m", "apps", "collab", "predict", str(shop), "user 1,x", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "disk is full" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "lack",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), RuntimeError("CUDA out of memory.")],
)
def test_lack_of_memory_is_told_with_its_mend(
    lack: Exception, loans: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: object) -> None:
        raise lack

    monkeypatch.setattr("shared.run.train", run)
    assert main(["tabular", "train", str(loans)]) == 2
    said = capsys.readouterr().err
    assert "smaller --batch-size" in said and len(said.splitlines()) == 1


def test_other_faults_of_the_program_are_not_the_users(loans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr("shared.run.train", run)
    with pytest.raises(RuntimeError, match="illegal"):
        main(["tabular", "train", str(loans)])


def test_recommends_unseen_items_and_names_the_basis(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collab", "recommend", str(shop), "--user", "user 1", "nobody", "--k", "3", "--json"]) == 0
    known, unknown = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert known["basis"] == "personal" and unknown["basis"] == "popular" and len(known["items"]) == 3
    had = {row.split(",")[1] for row in (shop.parent / "r.csv").read_text().splitlines() if row.startswith("user 1,")}
    assert not had & {item["item"] for item in known["items"]}  # also those that were held out to measure
    assert main(["collab", "recommend", str(shop), "--user", "user 1", "--k", "0"]) == 2


def test_known_data_sets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"ml-100k", "imdb", "digits"} <= {card["name"] for card in listed} and all(
        card["licence"] for card in listed
    )
    assert main(["data", "get", "no-such-set"]) == 2 and "no-such-set" in capsys.readouterr().err


def test_reader_that_goes_away_is_no_fault() -> None:
    command = f"{sys.executable} -m apps data list | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_a_fault_of_the_program_is_not_blamed_on_the_user(loans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.__main__.load_app", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # Python ends with a traceback and exit code 1
        main(["tabular", "train", str(loans), "--quiet"])


@pytest.mark.parametrize(
    ("app", "dials"),
    [
        ("vision", {"smoothing": 5, "cutmix": "inf", "ema": 2}),
        ("text", {"dropout": 3, "smoothing": -1, "unfreeze": -1, "ema": 1}),
        ("tabular", {"dropout": 1, "label_smoothing": 1.5, "unknown_rate": 2, "interval": 90, "ema": 1}),
        ("collab", {"valid_fraction": 5, "positive": "nan"}),
    ],
)
def test_dial_beyond_its_bounds_is_refused(app: str, dials: dict[str, object]) -> None:
    for name, value in dials.items():
        with pytest.raises(UserError, match=name):
            load_recipe(app).make({name: value})


def test_unknown_dial_value_is_said_before_any_work(loans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tabular", "train", str(loans), "--lr", "-1"]) == 2
    assert "lr" in capsys.readouterr().err


def test_answers_are_not_written_over_the_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("path,label\na.png,b\n")
    again = str(tmp_path / "x" / ".." / "mine.csv")
    for app in ("vision", "text", "tabular", "collab"):
        assert main([app, "predict", str(tmp_path / "model"), str(table), "--csv", again]) == 2
        assert "is the input itself" in capsys.readouterr().err
    assert table.read_text() == "path,label\na.png,b\n"


def test_a_text_that_names_the_place_of_its_answer_is_no_input_to_lose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text.train(write_csv(tmp_path / "reviews.csv", 40), weights="none").save("model")
    words = ["text", "predict", "model", "good", "--csv", "good"]
    assert [main(words), main(words)] == [0, 2]  # the second time a file lies there: that is asked then
    assert Path("good").read_text().startswith("input,prediction")


def test_what_a_table_to_answer_lacks_is_told(loans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact, small, other = str(tmp_path / "m"), tmp_path / "small.csv", tmp_path / "other.csv"
    assert main(["tabular", "train", str(loans), "--out", artifact, "--quiet", *QUICK]) == 0
    header, *rows = loans.read_text().splitlines()
    first = header.split(",").index("income")
    cells = [[cell for i, cell in enumerate(line.split(",")) if i != first] for line in (header, *rows[:20])]
    small.write_text("\n".join(",".join(row) for row in cells) + "\n")
    other.write_text("review,stars\ngood,5\n")
    for command in ("predict", "evaluate"):
        assert main(["tabular", command, artifact, str(small), "--json"]) == 0
        assert "are lacking, taken as missing: income" in capsys.readouterr().err
    assert main(["tabular", "predict", artifact, str(other)]) == 2
    shown = capsys.readouterr()
    assert not shown.out and len(shown.err.splitlines()) == 1 and "other.csv:1: none of the columns" in shown.err


def test_the_places_of_recommend_may_begin_with_a_tilde(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves it as it is after the sign of equality."""
    monkeypatch.setenv("HOME", str(shop.parent))
    (shop.parent / "ids.txt").write_text("item 1\n")
    places = ["--allow=~/ids.txt", "--history=~/r.csv", "--csv=~/lists.csv"]
    assert main(["collab", "recommend", str(shop), "--user", "user 1", "--quiet", *places]) == 0
    assert (shop.parent / "lists.csv").is_file()
