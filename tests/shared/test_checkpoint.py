"""A checkpoint that cannot be gone on from is refused in one sentence."""

from pathlib import Path

import pytest

from shared.checkpoint import NAME, Checkpoint
from shared.errors import UserError


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\x03\x04 cut off"])
def test_damaged_checkpoint_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(UserError, match="damaged .*: run without --resume") as refused:
        Checkpoint(tmp_path, "identity", resume=True).load("train")
    assert len(str(refused.value).splitlines()) == 1 and "torch" not in str(refused.value)
