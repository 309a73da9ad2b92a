"""Nothing that an archive holds lands outside its folder, and none is unpacked without end."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from data.errors import DataError
from data.unpack import BadArchive, Limits, _check_name, unpack
from tests import damage

Pack = Callable[..., Path]
CLIMBING = [
    "../out.txt",
    "a/../../out.txt",
    "/out.txt",
    "..\\out.txt",
    "C:\\out.txt",
    "C:out.txt",
    "\\\\host\\share\\x",
]


def tar_of(path: Path, *members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd" if kind != tarfile.REGTYPE else ""
            tar.addfile(info, io.BytesIO(content))
    return path


def zip_of(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked_whatever_its_name(tmp_path: Path, mode: str) -> None:
    unpack(tar_of(tmp_path / "odd", ("a/b.txt", b"text"), ("c.txt", b""), mode=mode), tmp_path / "out")
    assert files(tmp_path / "out") == ["a/b.txt", "c.txt"]


def test_a_zip_is_unpacked_whatever_its_name(tmp_path: Path) -> None:
    unpack(zip_of(tmp_path / "odd", ("a/", b""), ("a/b.txt", b"text"), ("c.txt", b"")), tmp_path / "out")
    assert files(tmp_path / "out") == ["a/b.txt", "c.txt"]
    assert (tmp_path / "out/a/b.txt").read_bytes() == b"text"


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_a_member_that_climbs_out_is_refused(tmp_path: Path, name: str, pack: Pack) -> None:
    archive = pack(tmp_path / "x", (name, b"bad"))
    with pytest.raises(BadArchive, match="climbs out"):
        unpack(archive, tmp_path / "in/out")
    assert files(tmp_path) == ["x"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(BadArchive, match="is a link or a device"):
        unpack(tar_of(tmp_path / "x", ("link", b""), kind=kind), tmp_path / "out")
    assert files(tmp_path) == ["x"]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(BadArchive, match="is a link"):
        unpack(tmp_path / "x", tmp_path / "out")


@pytest.mark.parametrize("pack", [tar_of, zip_of], ids=["tar", "zip"])
def test_bombs_are_stopped(tmp_path: Path, pack: Pack) -> None:
    large = pack(tmp_path / "large", ("zeros", bytes(5_000_000)))
    assert large.stat().st_size < 20_000
    with pytest.raises(BadArchive, match="more than .* bytes"):
        unpack(large, tmp_path / "out", Limits(bytes=1_000_000))
    many = pack(tmp_path / "many", *((f"{i}", b"") for i in range(20)))
    with pytest.raises(BadArchive, match="more than 10 members"):
        unpack(many, tmp_path / "out2", Limits(members=10))


@pytest.mark.parametrize("pack", [tar_of, zip_of], ids=["tar", "zip"])
@pytest.mark.parametrize("cut", [0.02, 0.5, 0.98])
def test_a_cut_archive_is_called_damaged(tmp_path: Path, pack: Pack, cut: float) -> None:
    noise = bytes((i * i * 7 + i // 3) % 251 for i in range(60_000))
    whole = pack(tmp_path / "x", ("a", noise), ("b", noise[::-1]))
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(BadArchive, match="damaged"):
        unpack(whole, tmp_path / "out")


@pytest.mark.parametrize("pack", [tar_of, zip_of], ids=["tar", "zip"])
def test_flipped_bytes_are_called_damaged(tmp_path: Path, pack: Pack) -> None:
    noise = bytes((i * i * 7 + i // 3) % 251 for i in range(60_000))
    whole = pack(tmp_path / "x", ("a", noise))
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    whole.write_bytes(content)
    with pytest.raises(BadArchive):
        unpack(whole, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"<html>sign in to the network</html>", b"PK\x03\x04", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadArchive, match="neither a tar nor a zip|damaged"):
        unpack(tmp_path / "x", tmp_path / "out")


def test_a_fault_of_the_disk_is_not_blamed_on_the_archive(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x", ("a", b"1"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError) as caught:
        unpack(archive, tmp_path / "file" / "out")
    assert not isinstance(caught.value, BadArchive)


@settings(deadline=None)
@given(some.text(min_size=1, max_size=40))
def test_a_name_that_passes_stays_inside(name: str) -> None:
    try:
        _check_name(Path("x"), name)
    except (BadArchive, UnicodeEncodeError):
        return
    root = Path("/somewhere/inside")
    assert (root / name).is_relative_to(root) and ".." not in (root / name).parts


@pytest.mark.parametrize("kind", damage.KINDS)
def test_no_damaged_archive_is_unpacked_in_part(tmp_path: Path, kind: str) -> None:
    damage.check_none_in_part(unpack, BadArchive, tmp_path, kind)
