"""Models without a given place: each run has a folder of its own, and leaves none empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.__main__ import main
from apps.places import own_folder
from shared.errors import UserError
from tests.apps.tabular.tables import write_loans


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_never_share_a_folder(here: Path) -> None:
    with (
        own_folder("text", "some/reviews.csv.gz", resume=False) as first,
        own_folder("text", "reviews.csv", resume=False) as second,
    ):
        assert (first, second) == (Path("models/text-reviews"), Path("models/text-reviews-2"))
        (second / "artifact.json").write_text("{}")
    assert not first.exists() and second.exists()
    with own_folder("text", "reviews.csv", resume=False) as third:
        assert third == first


def test_the_latest_unfinished_run_is_resumed(here: Path) -> None:
    for name in ("text-a", "text-a-2", "text-a-10", "text-a-b", "text-a-b-11"):
        (here / "models" / name).mkdir(parents=True)
        (here / "models" / name / "checkpoint.pt").write_bytes(b"")
    (here / "models" / "text-a-12").mkdir()
    with own_folder("text", "a.csv", resume=True) as folder:
        assert folder == Path("models/text-a-10")


@pytest.mark.parametrize("arguments", [["--target", "nobody"], ["--resume"]])
def test_a_run_that_writes_nothing_leaves_nothing(here: Path, arguments: list[str]) -> None:
    source = write_loans(here / "loans.csv")
    assert main(["tabular", "train", str(source), "--quiet", "--trees", "none", *arguments]) == 2
    assert [path.name for path in here.iterdir()] == ["loans.csv"]


def test_a_place_that_cannot_be_written_is_said(here: Path) -> None:
    (here / "models").write_text("in the way")
    with pytest.raises(UserError, match="models.* cannot be written .* --out"), own_folder("text", "a", resume=False):
        pass


def test_an_empty_place_is_refused_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["train", ""], ["train", "digits", "--out", ""], ["predict", "model", "a.png", "--csv", ""]):
        assert main(["vision", *words, "--quiet"]) == 2
        assert "empty" in capsys.readouterr().err or words == ["train", ""]
    assert not (tmp_path / "models").exists()
