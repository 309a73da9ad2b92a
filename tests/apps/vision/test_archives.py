"""An archive of pictures is unpacked whole or refused: a part of it would be trained on as if it were all."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.vision.archives import unpack
from shared.errors import UserError
from tests import damage


@pytest.mark.parametrize("kind", damage.KINDS)
def test_no_damaged_archive_is_unpacked_in_part(tmp_path: Path, kind: str) -> None:
    def into_new(archive: Path, out: Path) -> None:
        out.mkdir()
        unpack(archive, out)

    damage.check_none_in_part(into_new, UserError, tmp_path, kind)
