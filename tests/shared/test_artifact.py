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
