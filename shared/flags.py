"""Flags of the command line, derived from a recipe: one flag a dial, no list kept twice."""

from __future__ import annotations

import argparse
from typing import Any

from shared.recipe import Recipe, dial_type, dials


def add_flags(parser: argparse.ArgumentParser, recipe: type[Recipe]) -> None:
    """Adds `--batch-size N` and the like; only flags that are given appear in the parsed values."""
    for dial in dials(recipe):
        kind = dial_type(recipe, dial.name)
        default = "" if dial.default is None else f" (default {dial.default})"
        options: dict[str, Any] = {"default": argparse.SUPPRESS, "help": dial.metadata["help"] + default}
        if dial.metadata["choices"]:
            options["choices"] = dial.metadata["choices"]
        else:
            options |= {"type": kind, "metavar": {int: "N", float: "X"}.get(kind, "NAME")}
        parser.add_argument("--" + dial.name.replace("_", "-"), **options)


def given_dials(arguments: argparse.Namespace, recipe: type[Recipe]) -> dict[str, Any]:
    """The dials that the person gave."""
    return {f.name: getattr(arguments, f.name) for f in dials(recipe) if hasattr(arguments, f.name)}
