"""The command line is frozen: a flag is never added, renamed or dropped by accident. `python -m tests.test_flags` renews it."""

from __future__ import annotations

import argparse
from pathlib import Path

from apps import NAMES
from apps.__main__ import build_parser

SNAPSHOT = Path(__file__).with_name("flags.txt")


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def described() -> str:
    lines = []
    for app in (*NAMES, "data"):
        for command, parser in subparsers(subparsers(build_parser([app]))[app]).items():
            for action in parser._actions:
                words = " ".join(action.option_strings) or action.dest.upper()
                choices = f" {{{','.join(action.choices)}}}" if action.choices else ""
                lines.append(f"{app} {command} {words}{choices}")
    return "\n".join(lines) + "\n"


def test_command_line_is_the_frozen_one() -> None:
    assert described() == SNAPSHOT.read_text(), "renew on purpose: python -m tests.test_flags"


if __name__ == "__main__":
    SNAPSHOT.write_text(described())
