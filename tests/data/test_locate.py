"""`locate` looks in its places in order, and says what to do when a name is nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import data
from data import DataError, cards, locate, registry, store
from data.registry import Archive, Card
from tests.data.server import Server


@pytest.fixture
def published(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """A data set called `tiny` that the server publishes."""
    with zipfile.ZipFile(tmp_path / "served", "w") as packed:
        packed.writestr("tiny-1.0/ratings.csv", "user,item\n1,2\n")
        packed.writestr("tiny-1.0/README", "hello")
    server.content = (tmp_path / "served").read_bytes()
    card = Card("tiny", "collab", "Tiny", "CC0", "two", (Archive(server.address("tiny.zip")),))
    monkeypatch.setitem(registry.CARDS, "tiny", card)
    return card


def test_a_path_is_used_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    assert locate(str(tmp_path / "digits")) == tmp_path / "digits"
    monkeypatch.chdir(tmp_path)
    assert locate("digits") == Path("digits")


def test_the_shelf_comes_before_embedded_cached_and_published(
    published: Card, server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    (shelf / "digits").mkdir(parents=True)
    (shelf / "tiny.csv").write_text("user,item\n")
    (cache / "data" / "tiny").mkdir(parents=True)
    monkeypatch.setenv("GLANCE_DATA", str(shelf))
    assert locate("digits") == shelf / "digits"
    assert locate("tiny") == shelf / "tiny.csv"
    assert not server.asked


def test_the_cache_comes_before_the_publisher(published: Card, server: Server, cache: Path) -> None:
    (cache / "data" / "tiny").mkdir(parents=True)
    assert locate("tiny") == cache / "data" / "tiny"
    assert not server.asked


def test_a_download_is_unpacked_kept_and_not_repeated(published: Card, server: Server, cache: Path) -> None:
    lines: list[str] = []
    folder = locate("tiny", progress=lines.append)
    assert folder == cache / "data" / "tiny" == locate("tiny")
    assert sorted(path.name for path in folder.iterdir()) == ["README", "ratings.csv"]
    assert len(server.asked) == 1
    assert any("sha256" in line for line in lines) and any("CC0" in line for line in lines)
    record = json.loads((cache / "downloads/tiny/tiny.zip.json").read_text())
    assert record["address"] == published.archives[0].address
    assert [path.name for path in (cache / "data").iterdir() if path.is_dir()] == ["tiny"]


def test_a_card_with_an_entry_gives_that_file(published: Card, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.CARDS, "tiny", replace(published, entry="ratings.csv"))
    assert locate("tiny") == cache / "data" / "tiny" / "ratings.csv"


def test_an_entry_that_did_not_come_leaves_nothing(
    published: Card, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.CARDS, "tiny", replace(published, entry="absent.csv"))
    with pytest.raises(DataError, match="came without its file absent.csv"):
        locate("tiny")
    assert not (cache / "data" / "tiny").exists()


def test_a_damaged_archive_leaves_nothing_and_is_fetched_anew(published: Card, server: Server, cache: Path) -> None:
    good, server.content = server.content, b"<html>sign in</html>"
    with pytest.raises(DataError, match="neither a tar nor a zip"):
        locate("tiny")
    assert not [path for path in (cache / "data").iterdir() if path.is_dir()]
    (cache / "downloads/tiny/tiny.zip.json").unlink()
    server.content = good
    assert locate("tiny").is_dir()


def test_an_unknown_name_is_answered_with_near_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"did you mean ml-100k.*python -m apps data list"):
        locate("ml-100")
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path))
    (tmp_path / "birds.csv").write_text("a")
    with pytest.raises(DataError, match="did you mean birds"):
        locate("bird")
    with pytest.raises(DataError, match="no known name is near it"):
        locate("qqqqqqqq")


@pytest.mark.parametrize("name", ["../secret", "..", "/no/such/place", "a\0b", "", " ", "x" * 5000, "a/b", "~nobody/x"])
def test_a_name_never_climbs_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shelf" / "here").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path / "shelf"))
    monkeypatch.chdir("/")  # where `..` is the root itself
    if name == "..":
        assert locate(name) == Path("..")
        return
    with pytest.raises(DataError, match="no file or folder at") as caught:
        locate(name)
    assert len(str(caught.value)) < 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(some.text(max_size=60) | some.from_regex(r"[.\\/a-z]{1,12}", fullmatch=True))
def test_any_text_is_a_path_or_a_clear_error(tmp_path: Path, name: str) -> None:
    try:
        assert locate(name).exists()
    except DataError as error:
        assert "\n" not in str(error)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="keeping diabetes failed.*XDG_CACHE_HOME"):
        locate("diabetes")


def test_cards_say_what_is_here(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path / "shelf"))
    (tmp_path / "shelf" / "imdb").mkdir(parents=True)
    (cache / "data" / "ml-1m").mkdir(parents=True)
    here = {card.name for card in cards() if card.present}
    assert here == {"imdb", "ml-1m"}


def test_every_app_has_an_embedded_set() -> None:
    assert set(data.EMBEDDED) == {"vision", "text", "tabular", "collab"}
    for app, name in data.EMBEDDED.items():
        assert registry.CARDS[name].embedded and registry.CARDS[name].app == app


def test_what_stands_by_the_name_of_an_embedded_set_is_not_taken_for_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, tmp_path / "shelf"):
        (folder / "breast-cancer").mkdir(parents=True)
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path / "shelf"))
    monkeypatch.chdir(tmp_path)
    assert data.embedded_set("tabular").parent.parent == cache / "embedded"


def test_a_cached_set_without_its_file_is_told(cache: Path) -> None:
    locate("diabetes").unlink()
    with pytest.raises(DataError, match="delete"):
        locate("diabetes")


def test_a_near_name_is_meant_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ml-100k").mkdir()
    monkeypatch.setenv("GLANCE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="did you mean ml-100k"):
        locate("ml-100")
    with pytest.raises(DataError) as refused:
        locate("ml-100")
    assert str(refused.value).count("ml-100k") == 1


def test_importing_data_costs_nothing_heavy() -> None:
    code = "import data, sys; print(sorted({name.split('.')[0] for name in sys.modules}))"
    root = Path(data.__file__).parents[1]
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=dict(os.environ)
    ).stdout
    for heavy in ("numpy", "pandas", "PIL", "sklearn", "torch", "fastai", "http", "ssl", "apps", "shared"):
        assert f"'{heavy}'" not in listed


def test_two_processes_at_once_make_one(cache: Path) -> None:
    code = (
        "import time, data, data.embedded as made\n"
        "def make(name, folder): time.sleep(0.5); (folder / 'diabetes.csv').write_text(str(time.time_ns()))\n"
        "made.make = make\n"
        "print(data.locate('diabetes').read_text())"
    )
    root = Path(data.__file__).parents[1]
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
    ]
    answers = {process.communicate(timeout=120)[0] for process in running}
    assert len(answers) == 1 and answers.pop().strip()
    assert len([path for path in (cache / "embedded").iterdir() if path.is_dir()]) == 1


def test_a_failed_making_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from data import embedded

    def fail(name: str, folder: Path) -> None:
        (folder / "half").write_text("half")
        raise DataError("no")

    monkeypatch.setattr(embedded, "make", fail)
    with pytest.raises(DataError):
        locate("digits")
    assert not [path for path in (cache / "embedded").iterdir() if path.is_dir()]
    assert not store.is_here(registry.CARDS["digits"])
