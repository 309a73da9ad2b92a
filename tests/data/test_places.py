"""Names cannot climb out; the shelf and the cache are where the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from data import places
from data.errors import DataError


@settings(deadline=None)
@given(some.text(max_size=120) | some.from_regex(r"[A-Za-z0-9._/\\-]{0,20}", fullmatch=True))
@example("..")
@example("../x")
@example("a/../../x")
@example("/etc/passwd")
@example("a\0b")
@example("C:x")
@example("name\n")
def test_a_name_is_one_plain_step_below_a_folder(name: str) -> None:
    if places.is_name(name):
        shelf = Path("/shelf")
        assert (shelf / name).parent == shelf and (shelf / name).name == name
        assert not set(name) & set("/\\:\0\n ") and not name.startswith(".")


@settings(deadline=None)
@given(some.text(max_size=300))
@example("\0")
@example("x" * 5000)
@example("~nobody-at-all/x")
@example("~\0")
@example("\udc80")
def test_looking_for_a_path_never_raises(text: str) -> None:
    path = places.existing(text)
    assert path is None or path.exists()


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_is_not_the_current_folder(text: str) -> None:
    assert places.existing(text) is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("imdb.csv.xz", "imdb"),
        ("cifar.tar.gz", "cifar"),
        ("a.tgz", "a"),
        ("a.ZIP", "a"),
        ("v1.2.csv", "v1.2"),
        ("set.SOURCE.txt", "set.SOURCE.txt"),
        (".csv", ".csv"),
    ],
)
def test_suffixes_of_tables_and_archives_are_dropped(file: str, name: str) -> None:
    assert places.bare_name(file) == name


def test_the_shelf_prefers_a_folder_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path))
    (tmp_path / "birds.csv").write_text("a")
    assert places.in_shelf("birds") == places.in_shelf("birds.csv") == tmp_path / "birds.csv"
    (tmp_path / "birds").mkdir()
    assert places.in_shelf("birds") == tmp_path / "birds"
    assert places.in_shelf("cats") is None


def test_a_shelf_that_is_no_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path / "missing"))
    with pytest.raises(DataError, match="GLANCE_DATA is set to .* not a folder"):
        places.in_shelf("birds")


def test_the_cache_is_where_xdg_says_and_never_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.cache_folder() == tmp_path / "glance"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.cache_folder() == tmp_path / ".cache" / "glance"
