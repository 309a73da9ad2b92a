"""The recipe: the only list of a run's dials. Flags, Python keywords and the artifact derive from it.

Importing this file costs nothing (no torch), so that `--help` answers at once.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, ClassVar, TypeVar

from shared.errors import UserError

R = TypeVar("R", bound="Recipe")


BELOW = {int: 2**31, float: math.inf}
"""What a number stays below where its dial names no bound: tensors count with no more, and infinity is no dial."""


def dial(
    default: Any,
    meaning: str,
    choices: tuple[str, ...] = (),
    least: float = -math.inf,
    below: float | None = None,
) -> Any:
    """A dataclass field with what the command line's help and the checks need."""
    return field(default=default, metadata={"help": meaning, "choices": choices, "least": least, "below": below})


def settled() -> Any:
    """A field that a run settles by its data and no person gives: the artifact keeps it for answering."""
    return field(default=None)


def dials(cls: type[Recipe]) -> list[Field[Any]]:
    """The fields that a person may give."""
    return [its for its in fields(cls) if its.metadata]


@dataclass(frozen=True)
class Stages:
    """How a network of a body and a head is trained: the head on the frozen body's features, then the whole."""

    frozen_epochs: int | None = None  # of the head alone; None: to convergence; 0: left out
    head_rows: int | None = None  # that the head is fitted to, drawn at random; None: all
    enough: float = math.inf  # headline of the head alone from which the whole is not trained
    tune_rows: int | None = None  # that the whole is trained on, drawn at random; None: all
    seeds: int = 1  # trainings of the whole whose weights are averaged


@dataclass(frozen=True)
class Recipe:
    """The dials that every application has. Each application's own recipe adds a handful."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"fast": {}, "default": {}, "best": {}}

    preset: str = dial("default", "how much time to spend for how much accuracy", ("fast", "default", "best"))
    epochs: int = dial(5, "passes over the training rows in the main stage", least=0)
    batch_size: int = dial(64, "rows in a step", least=1)
    lr: float = dial(1e-3, "highest learning rate of the one-cycle schedule", least=0)
    weight_decay: float = dial(0.01, "decoupled weight decay (AdamW)", least=0)
    patience: int = dial(3, "epochs without a better validation score before training stops; 0: never", least=0)
    ema: float = dial(
        0.0, "decay per step of the averaged weights that are kept; 0: the plain weights", least=0, below=1
    )
    accumulate: int = dial(1, "steps whose gradients are added up before the weights move", least=1)
    precision: str = dial("auto", "arithmetic of the network; auto measures the processor", ("auto", "fp32", "bf16"))
    device: str = dial("auto", "where to compute: auto, cpu, cuda or cuda:N")
    seed: int = dial(0, "repeats split, order and initial weights", least=0, below=2**32)
    weights: str = dial("auto", "pretrained weights: a name, a path, auto or none")
    valid_fraction: float = dial(0.1, "share of rows for validation when none is given", least=0, below=1)
    test_fraction: float = dial(0.1, "share of rows for the test when none is given", least=0, below=1)

    def stages(self) -> Stages:
        """What an application's own dials say of them."""
        return Stages()

    @classmethod
    def make(cls: type[R], given: Mapping[str, Any]) -> R:
        """Defaults, then the preset's dials, then the `given` ones. Raises UserError at a wrong name or value."""
        known = {dial.name for dial in dials(cls)}
        for name in given:
            if name not in known:
                raise UserError(f"no dial named {name!r}; there are: {', '.join(sorted(known))}")
        preset = str(given.get("preset", "default"))
        if preset not in cls.PRESETS:
            raise UserError(f"preset {preset!r}: choose one of {', '.join(cls.PRESETS)}")
        asked = {**cls.PRESETS[preset], **given}
        return replace(cls(), **{name: _checked(cls, name, value) for name, value in asked.items()})


def dial_type(cls: type[Recipe], name: str) -> type:
    """The plain type of a dial: `int | None` gives int."""
    hint = typing.get_type_hints(cls)[name]
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    return typing.cast(type, hint)


def _checked(cls: type[Recipe], name: str, value: Any) -> Any:
    metadata = cls.__dataclass_fields__[name].metadata
    kind = dial_type(cls, name)
    optional = cls.__dataclass_fields__[name].default is None
    if value is None and optional:
        return None
    try:
        converted = kind(value)
        if not isinstance(value, str) and kind is int and converted != value:  # int() cuts 2.7 to 2
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{name}={value!r}: expected {kind.__name__}") from None
    value = converted
    if metadata["choices"] and value not in metadata["choices"]:
        raise UserError(f"{name}={value!r}: choose one of {', '.join(metadata['choices'])}")
    if kind in BELOW:
        least, below = metadata["least"], BELOW[kind] if metadata["below"] is None else metadata["below"]
        if not least <= value < below:
            raise UserError(f"{name}={value}: give a number from {least} to below {below}")
    return value
