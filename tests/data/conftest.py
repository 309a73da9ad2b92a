"""Every test has its own cache and no shelf; a small server on the loopback misbehaves on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data import connection, download
from tests.data.server import Server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of the test. Proxies are unset: a loopback address must not be sent to one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GLANCE_DATA", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    return tmp_path / "cache" / "glance"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running
