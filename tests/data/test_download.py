"""A download resumes where it broke off, never glues two versions, and gives up soon with a clear word."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import time
from pathlib import Path

import pytest

from data import connection, download
from data.download import fetch, readable
from data.errors import DataError
from data.registry import Archive
from tests.data.server import Server

CONTENT = bytes(range(256)) * 40


def get(server: Server, folder: Path) -> bytes:
    lines: list[str] = []
    return fetch(Archive(server.address()), folder, lines.append).read_bytes()


def test_a_file_arrives_whole_and_progress_is_said(server: Server, tmp_path: Path) -> None:
    server.content, lines = CONTENT, list[str]()
    path = fetch(Archive(server.address()), tmp_path, lines.append)
    assert path.name == "set.zip" and path.read_bytes() == CONTENT
    assert any("10.2 kB of 10.2 kB (100%)" in line for line in lines)
    assert sorted(entry.name for entry in tmp_path.glob("set*")) == ["set.zip", "set.zip.json"]


def test_a_broken_transfer_resumes_with_the_missing_bytes_only(server: Server, tmp_path: Path) -> None:
    server.content, server.break_after, server.breaks = CONTENT, 3000, 2
    assert get(server, tmp_path) == CONTENT
    assert server.asked == ["", "bytes=3000-", "bytes=6000-"]
    assert server.sent == len(CONTENT)


def test_a_later_run_resumes_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if "trying again" in line:
            raise KeyboardInterrupt

    server.content, server.break_after = CONTENT, 4000
    with pytest.raises(KeyboardInterrupt):
        fetch(Archive(server.address()), tmp_path, stop)
    assert get(server, tmp_path) == CONTENT
    assert server.asked == ["", "bytes=4000-"] and server.sent == len(CONTENT)


def test_a_file_that_changed_meanwhile_is_not_glued(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"old" * 100)
    note = {"address": server.address(), "validator": '"old"', "total": 999}
    (tmp_path / "set.zip.part.json").write_text(json.dumps(note))
    server.content = CONTENT
    assert get(server, tmp_path) == CONTENT


@pytest.mark.parametrize("note", ["", "[]", "{", '{"address": 1}'])
def test_a_part_without_a_readable_note_is_fetched_anew(server: Server, tmp_path: Path, note: str) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"unknown")
    (tmp_path / "set.zip.part.json").write_text(note)
    server.content = CONTENT
    assert get(server, tmp_path) == CONTENT
    assert server.asked == [""]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.content, server.ranges, server.break_after = CONTENT, False, 3000
    assert get(server, tmp_path) == CONTENT
    assert server.sent == 3000 + len(CONTENT)


def test_a_server_without_etag_is_never_resumed(server: Server, tmp_path: Path) -> None:
    server.content, server.etag, server.break_after = CONTENT, "", 3000
    assert get(server, tmp_path) == CONTENT
    assert server.asked == ["", ""]


def test_an_answer_from_another_place_is_not_appended(server: Server, tmp_path: Path) -> None:
    server.content, server.break_after, server.shift = CONTENT, 3000, 7
    assert get(server, tmp_path) == CONTENT
    assert server.asked == ["", "bytes=3000-", ""]


def test_a_part_that_is_already_whole_is_recognised(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    note = {"address": server.address(), "validator": server.etag, "total": len(CONTENT)}
    (tmp_path / "set.zip.part.json").write_text(json.dumps(note))
    assert get(server, tmp_path) == CONTENT
    assert server.sent == 0


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    note = {"address": server.address(), "validator": server.etag, "total": len(CONTENT)}
    (tmp_path / "set.zip.part.json").write_text(json.dumps(note))
    assert get(server, tmp_path) == CONTENT


def test_a_server_that_always_breaks_off_is_given_up_and_the_part_kept(server: Server, tmp_path: Path) -> None:
    server.content, server.break_after, server.breaks, server.etag = CONTENT, 3000, 99, ""
    with pytest.raises(DataError, match="broke off 4 times running.*GLANCE_DATA"):
        get(server, tmp_path)
    assert len(server.asked) == 1 + download.ATTEMPTS
    assert not (tmp_path / "set.zip").exists()


def test_a_passing_fault_of_the_server_is_waited_out(server: Server, tmp_path: Path) -> None:
    server.content, server.statuses = CONTENT, [503, 429]
    assert get(server, tmp_path) == CONTENT


def test_a_missing_file_is_an_error_at_once(server: Server, tmp_path: Path) -> None:
    server.statuses = [404, 404]
    with pytest.raises(DataError, match="answered 404"):
        get(server, tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_never_answers_is_given_up(server: Server, tmp_path: Path) -> None:
    server.silent = True
    start = time.monotonic()
    with pytest.raises(DataError, match="cannot be reached .no answer within 0.5 seconds"):
        get(server, tmp_path)
    assert time.monotonic() - start < 3


def test_a_host_that_does_not_connect_is_given_up_in_the_time_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))  # a silent name server
    start = time.monotonic()
    with pytest.raises(DataError, match="no connection within 0.3 seconds"):
        fetch(Archive("http://data.invalid/set.zip"), tmp_path, print)
    assert time.monotonic() - start < 3


def test_a_closed_port_is_an_error_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/set.zip"
        with pytest.raises(DataError, match="cannot be reached.*refused"):
            fetch(Archive(address), tmp_path, print)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/hostname"])
def test_a_redirect_leads_only_to_the_web(server: Server, tmp_path: Path, target: str) -> None:
    server.redirect = target
    with pytest.raises(DataError):
        get(server, tmp_path)


def test_https_is_never_left_by_a_redirect() -> None:
    import urllib.error
    import urllib.request
    from email.message import Message

    request = urllib.request.Request("https://publisher.example/set.zip")
    with pytest.raises(urllib.error.HTTPError, match="refused"):
        connection._Redirects().redirect_request(request, None, 302, "", Message(), "http://other.example/")  # type: ignore[arg-type]


def test_a_full_disk_is_said_before_the_first_byte(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = CONTENT
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(DataError, match="needs 10.2 kB and .* has 100 bytes free"):
        get(server, tmp_path)


def test_a_folder_that_cannot_be_made_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="a file stands where a folder is needed|already exists|File exists"):
        get(server, tmp_path / "file" / "deeper")


def test_an_endless_file_is_refused(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LIMIT_BYTES", 1000)
    server.content = CONTENT
    with pytest.raises(DataError, match="more than any known data set"):
        get(server, tmp_path)


def test_what_is_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT
    get(server, tmp_path)
    get(server, tmp_path)
    assert len(server.asked) == 1
    record = json.loads((tmp_path / "set.zip.json").read_text())
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (4_924_029, "4.9 MB"), (8e9, "8.0 GB"), (1e13, "10000.0 GB")]
)
def test_sizes_read_well(size: float, text: str) -> None:
    assert readable(size) == text
