"""A file that is not the stated one is refused; where nothing is stated, the first one is remembered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from data.checksum import verify
from data.errors import DataError
from data.registry import Archive, Checksum

ADDRESS = "https://publisher.example/set.zip"
CONTENT = b"x" * (1 << 20) + b"beyond the first MiB"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "set.zip"
    path.write_bytes(CONTENT)
    return path


def archive(algorithm: str, value: str, size: int | None = None) -> Archive:
    return Archive(ADDRESS, size, Checksum(algorithm, value, "the publisher"))


STATED = [
    archive("sha256", hashlib.sha256(CONTENT).hexdigest()),
    archive("md5", hashlib.md5(CONTENT).hexdigest()),
    archive("md5-first-mib", hashlib.md5(CONTENT[: 1 << 20]).hexdigest(), len(CONTENT)),
]
WRONG = [
    archive("sha256", "0" * 64),
    archive("md5", "0" * 32),
    archive("md5-first-mib", "0" * 32, len(CONTENT)),
    archive("md5-first-mib", hashlib.md5(CONTENT[: 1 << 20]).hexdigest(), len(CONTENT) - 1),
]


@pytest.mark.parametrize("right", STATED, ids=str)
def test_the_stated_file_is_accepted_without_a_word(file: Path, right: Archive) -> None:
    lines: list[str] = []
    verify(file, right, file.with_suffix(".json"), lines.append)
    assert not lines


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_another_file_is_refused_and_removed(file: Path, wrong: Archive) -> None:
    with pytest.raises(DataError, match="is not the file that the publisher describes"):
        verify(file, wrong, file.with_suffix(".json"), print)
    assert not file.exists() and not file.with_suffix(".json").exists()


def test_the_first_sha256_is_recorded_and_said_where_none_is_stated(file: Path) -> None:
    lines: list[str] = []
    verify(file, Archive(ADDRESS), file.with_suffix(".json"), lines.append)
    record = json.loads(file.with_suffix(".json").read_text())
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert record["address"] == ADDRESS and record["date"] and record["stated"] is None
    assert len(lines) == 1 and record["sha256"] in lines[0]


def test_a_later_file_that_differs_from_the_record_is_refused(file: Path) -> None:
    record = file.with_suffix(".json")
    verify(file, Archive(ADDRESS), record, print)
    file.write_bytes(b"another")
    with pytest.raises(DataError, match="has changed since .* delete .*set.json"):
        verify(file, Archive(ADDRESS), record, print)


def test_a_record_of_another_address_or_in_pieces_is_no_reason_to_refuse(file: Path) -> None:
    record = file.with_suffix(".json")
    record.write_text('{"address": "https://elsewhere.example", "sha256": "0"}')
    verify(file, Archive(ADDRESS), record, print)
    record.write_text('{"address"')
    verify(file, Archive(ADDRESS), record, print)
