"""The artifact's folder: what cannot be read or written is the user's to mend, and said at once."""

from __future__ import annotations

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
