"""The artifact's folder: what cannot be read or written is the user's to mend, and said at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from shared import artifact as artifacts
from shared.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artifacts.write(artifacts.Artifact("tiny", {}, {}, {}, {"w": torch.ones(2)}, {}), tmp_path / "m")
    return tmp_path / "m"


def test_folder_in_the_place_of_a_file_is_said(folder: Path) -> None:
    (folder / artifacts.JSON).unlink()
    (folder / artifacts.JSON).mkdir()
    with pytest.raises(UserError, match=r"artifact\.json cannot be read"):
        artifacts.read(folder)


@pytest.mark.parametrize("name", [artifacts.JSON, artifacts.WEIGHTS])
def test_file_that_may_not_be_read_is_named(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(UserError, match=rf"{name} cannot be read \(Permission denied\)"):
        artifacts.read(folder)


@pytest.mark.parametrize("below", ["file/m", "file/deeper/m", "x" * 300])
def test_place_that_cannot_be_written_is_said_before_any_work(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written .* --out"):
        artifacts.check_target(tmp_path / below)


def test_folder_without_the_right_to_write_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(artifacts, "TemporaryFile", refused)
    with pytest.raises(UserError, match=r"cannot be written \(Permission denied\)"):
        artifacts.check_target(folder)


def test_looking_at_a_place_leaves_nothing_there(tmp_path: Path, folder: Path) -> None:
    artifacts.check_target(tmp_path / "models" / "new")
    artifacts.check_target(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"] and len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("fails", "said", "kept"), [(1, "nothing there was changed", 1.0), (2, "the new model is there", 2.0)]
)
def test_what_a_failed_move_leaves_is_told_as_it_is(
    folder: Path, fails: int, said: str, kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[str] = []

    def replace(source: Path, target: Path) -> None:
        moves.append(target.name)
        if len(moves) == fails:
            raise PermissionError(13, "Permission denied")
        source.rename(target)

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", replace)
    new = artifacts.Artifact("tiny", {}, {}, {}, {"w": torch.full((2,), 2.0)}, {})
    with pytest.raises(UserError, match=said):
        artifacts.write(new, folder)
    assert artifacts.read(folder).network["w"].tolist() == [kept, kept]
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(UserError, match="nothing there was changed"):
        artifacts.write(new, folder)
    assert artifacts.read(folder).network["w"].tolist() == [kept, kept]


def test_a_model_whose_weights_wait_outlives_the_next_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / artifacts.WEIGHTS).rename(folder / artifacts.WAITING)  # a crash between the two moves

    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "_put", full)
    with pytest.raises(UserError, match="nothing there was changed"):
        artifacts.write(artifacts.Artifact("tiny", {}, {}, {}, {"w": torch.zeros(2)}, {}), folder)
    assert artifacts.read(folder).network["w"].tolist() == [1.0, 1.0]


def test_a_folder_is_one_runs_at_a_time(tmp_path: Path, folder: Path) -> None:
    for place in (folder, tmp_path / "models" / "new"):
        with artifacts.reserved(place):
            with pytest.raises(UserError, match="another run trains into it"), artifacts.reserved(place):
                pass
            with artifacts.reserved(tmp_path / "beside"):
                pass
        with artifacts.reserved(place):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]


def test_a_run_that_died_holds_no_folder(folder: Path) -> None:
    code = (
        f"import os, pathlib, shared.artifact as a; a.reserved(pathlib.Path({str(folder)!r})).__enter__(); os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 1
    with artifacts.reserved(folder):
        pass
