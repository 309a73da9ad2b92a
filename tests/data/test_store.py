"""A data set appears in the cache in one step, or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from data import store


def test_a_built_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    place = tmp_path / "set"
    with store.building(place) as temporary:
        assert temporary is not None
        (temporary / "file").write_text("whole")
        assert not place.exists()
    assert (place / "file").read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.building(tmp_path / "set") as temporary:
        assert temporary is not None
        (temporary / "file").write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".set-abc" / "half").mkdir(parents=True)
    with store.building(tmp_path / "set"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with store.building(tmp_path / "set") as temporary:
        assert temporary is None


def test_who_comes_second_to_the_rename_keeps_the_first(tmp_path: Path) -> None:
    place = tmp_path / "set"
    with store.building(place) as temporary:
        assert temporary is not None
        (temporary / "file").write_text("second")
        place.mkdir()
        (place / "file").write_text("first")
    assert (place / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_the_second_waits_for_the_lock_and_says_so(tmp_path: Path) -> None:
    held, release, said = threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        with store._locked(tmp_path / "set", said.append):
            held.set()
            release.wait(10)

    first = threading.Thread(target=hold)
    first.start()
    held.wait(10)
    threading.Timer(0.1, release.set).start()
    with store._locked(tmp_path / "set", said.append):
        assert release.is_set()
    first.join(10)
    assert said == ["another process is getting set; waiting for it"]


def test_the_second_waits_as_long_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = iter([False] * 50 + [True]), list[str]()
    monkeypatch.setattr(store, "_lock", lambda file: next(asked))
    monkeypatch.setattr(store, "_PAUSE", 0)
    with store._locked(tmp_path / "set", said.append):
        assert not list(asked) and len(said) == 1
