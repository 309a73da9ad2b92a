"""What lies in a folder of data, without what programs hide there, each folder once."""

from __future__ import annotations

from pathlib import Path

from shared.walking import files_below, folders_in


def test_hidden_things_are_passed_and_links_are_followed_once(tmp_path: Path) -> None:
    for place in (
        "set/a/1.txt",
        "set/a/.2.txt",
        "set/.ipynb_checkpoints/1.txt",
        "set/__MACOSX/1.txt",
        "set/b/Thumbs.db",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "3.txt").write_text("x")
    (tmp_path / "set" / "b" / "linked").symlink_to(tmp_path / "more")
    (tmp_path / "set" / "b" / "round").symlink_to(tmp_path / "set")
    assert [path.name for path in folders_in(tmp_path / "set")] == ["a", "b"]
    assert sorted(path.name for path in files_below(tmp_path / "set")) == ["1.txt", "3.txt"]
