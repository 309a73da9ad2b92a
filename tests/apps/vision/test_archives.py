"""An archive of pictures is unpacked whole or refused: a part of it would be trained on as if it were all."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.vision.archives import unpack
from shared.errors import UserError
from tests import damage


@pytest.mark.parametrize("kind", damage.KINDS)
def test_no_damaged_archive_is_unpacked_in_part(tmp_path: Path, kind: str) -> None:
    refused = 0
    for number, (archive, held) in enumerate(damage.archives(tmp_path, kind, 60)):
        out = tmp_path / f"out{number}"
        out.mkdir()
        try:
            unpack(archive, out)
        except UserError as error:
            refused += 1
            assert str(archive) in str(error) and "\n" not in str(error)
            continue
        found = damage.files_of(out)
        assert set(found) == set(held) if kind == "tar" else found == held
    assert refused > 60
