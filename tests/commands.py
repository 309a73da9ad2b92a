"""What every app's command line must do, once: a test class inherits this beside tests/contract.py's AppContract."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest


class CommandContract:
    """The command line of one app, beside its AppContract."""

    name: ClassVar[str]
    flags: ClassVar[list[str]] = []

    def run(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
        from apps.__main__ import main

        code = main([self.name, *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    def test_trains_evaluates_and_predicts(
        self, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = str(tmp_path / "model")
        code, shown, _ = self.run(["train", str(source), "--out", out, "--json", *self.flags], capsys)
        result = json.loads(shown.splitlines()[-1])
        assert code == 0 and result["app"] == self.name and result["artifact"] == out
        assert {"headline", "metrics", "baseline", "rows", "seconds"} <= set(result)
        code, shown, _ = self.run(["evaluate", out, str(source), "--json"], capsys)
        assert code == 0 and json.loads(shown.splitlines()[-1])["headline"] == result["headline"]
        given = self.command_input(source)  # type: ignore[attr-defined]
        code, shown, _ = self.run(["predict", out, given, "--json"], capsys)
        first = json.loads(shown.splitlines()[0])
        assert code == 0 and {"input", "prediction"} <= set(first)
        code, _, _ = self.run(["predict", out, given, "--csv", str(tmp_path / "answers.csv")], capsys)
        assert code == 0 and (tmp_path / "answers.csv").read_text().startswith("input,prediction")

    def test_fault_of_the_input_is_one_line_and_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, shown, said = self.run(["train", os.fspath(tmp_path / "nowhere"), "--out", str(tmp_path / "x")], capsys)
        assert code == 2 and not shown and len(said.strip().splitlines()) == 1
        assert not (tmp_path / "x").exists()
