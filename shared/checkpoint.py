"""Checkpoints of an unfinished run: enough to go on as if nothing had happened. Tensors and plain values only."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from shared.errors import UserError, first_line
from shared.interrupts import interrupts_wait

NAME = "checkpoint.pt"
SECONDS = 5.0
"""Least time between two checkpoints: short epochs do not wait for the disk."""


class Checkpoint:
    """The checkpoint in a run's folder. `identity` tells whether it is of this very run."""

    def __init__(self, folder: Path, identity: str, resume: bool) -> None:
        self.path, self.identity, self.resume = folder / NAME, identity, resume
        self.unread = resume  # until the stage is reached that it continues
        self._saved = 0.0
        if resume and not self.path.exists():
            raise UserError(f"{folder}: nothing to resume there; run without --resume to start anew")

    def save(self, stage: str, state: Callable[[], dict[str, Any]]) -> None:
        """Replaces the checkpoint in one step, whose end Ctrl-C awaits, when the last is old enough. Raises UserError, once,
        where it cannot be written: later calls do nothing."""
        if time.monotonic() - self._saved < SECONDS:
            return
        waiting = self.path.with_suffix(".new")
        try:
            with interrupts_wait():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                torch.save({"identity": self.identity, "stage": stage, **state()}, waiting)
                os.replace(waiting, self.path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            self._saved = math.inf
            with suppress(OSError):
                waiting.unlink()
            raise UserError(
                f"{self.path.parent}: the checkpoint to --resume from could not be written ({first_line(error)})"
            ) from error
        self._saved = time.monotonic()

    def load(self, stage: str) -> dict[str, Any] | None:
        """The state saved in `stage`, or None. Raises UserError when it is of another run or damaged."""
        if not self.resume:
            return None
        try:
            saved = torch.load(self.path, weights_only=True, map_location="cpu")
            identity, saved_stage = saved["identity"], saved["stage"]
        except Exception as error:
            raise UserError(f"{self.path} is damaged ({type(error).__name__}): run without --resume") from error
        if identity != self.identity:
            raise UserError(f"{self.path} is of a run with other data or dials: repeat those, or leave out --resume")
        if saved_stage != stage:
            return None
        self.unread = False
        return dict(saved)

    def remove(self) -> None:
        """Once the artifact stands the checkpoint has served."""
        self.path.unlink(missing_ok=True)
