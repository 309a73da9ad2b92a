"""An archive of pictures is unpacked whole or refused: a part of it would be trained on as if it were all."""

from __future__ import annotations

import zipfile
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


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "shift-jis", "cp437"])
def test_names_in_a_zip_without_the_mark_of_utf8(tmp_path: Path, encoding: str) -> None:
    """As macOS and Windows pack them. zipfile itself marks names, so they are put in afterwards."""
    names = {"cp437": ["naïve/café.png"], "shift-jis": ["いぬ/一枚目.png", "ねこ/二枚目.png"]}.get(
        encoding, ["红色的花/第一张图片.png", "蓝色的花/第二张图片.png"]
    )
    written = {f"{i}" * len(name.encode(encoding)): name for i, name in enumerate(names)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for plain in written:
            packed.writestr(plain, "x")
        packed.writestr("marked/ü.png", "y")
    content = (tmp_path / "a.zip").read_bytes()
    for plain, name in written.items():
        content = content.replace(plain.encode(), name.encode(encoding))
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "a.zip", tmp_path / "out")
    found = [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")]
    assert sorted(found) == sorted([*names, "marked/ü.png"])
