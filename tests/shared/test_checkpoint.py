"""A checkpoint that cannot be gone on from is refused in one sentence."""

import signal
from pathlib import Path
from typing import Any

import pytest

from shared.checkpoint import NAME, Checkpoint
from shared.errors import UserError


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\x03\x04 cut off"])
def test_damaged_checkpoint_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(UserError, match="damaged .*: run without --resume") as refused:
        Checkpoint(tmp_path, "identity", resume=True).load("train")
    assert len(str(refused.value).splitlines()) == 1 and "torch" not in str(refused.value)


@pytest.mark.usefixtures("handled")
def test_ctrl_c_while_it_is_written_leaves_it_whole(tmp_path: Path) -> None:
    def state() -> dict[str, Any]:
        signal.raise_signal(signal.SIGINT)
        return {"epoch": 1}

    with pytest.raises(KeyboardInterrupt):
        Checkpoint(tmp_path, "a", resume=False).save("train", state)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    saved = Checkpoint(tmp_path, "a", resume=True).load("train")
    assert saved is not None and saved["epoch"] == 1
