"""What a person sees while training and after: a live line on a terminal, plain lines otherwise.

Everything goes to stderr, so that stdout holds results alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

TINY = 1e-8
"""What is nearer to 0 from below is an error of rounding; from above it may be an error in a tiny target's unit."""

PARTS = {"test": "test", "valid": "validation", "train": "training"}
"""What a person reads for a part of the rows."""


class Display:
    """Says what happens. `quiet` says nothing but warnings."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet, self.stream = quiet, stream or sys.stderr
        self.live = not quiet and self.stream.isatty()
        self._shown = 0.0

    def say(self, sentence: str) -> None:
        """One plain line."""
        if not self.quiet:
            self._clear()
            print(sentence, file=self.stream, flush=True)

    def warn(self, sentence: str) -> None:
        """A line that `quiet` does not hide."""
        self._clear()
        print(f"warning: {sentence}", file=self.stream, flush=True)

    def progress(self, what: str, done: int, total: int) -> None:
        """A bar that is redrawn at most ten times a second; nothing where the stream is not a terminal."""
        if not self.live or (done < total and time.monotonic() - self._shown < 0.1):
            return
        self._shown = time.monotonic()
        filled = 30 * done // max(total, 1)
        bar = "━" * filled + "╌" * (30 - filled)
        print(f"\r\033[K{what} {bar} {done}/{total}", end="", file=self.stream, flush=True)

    def _clear(self) -> None:
        if self.live:
            print("\r\033[K", end="", file=self.stream)

    def table(self, rows: Sequence[Sequence[str]], title: str = "") -> None:
        """Rows of cells, the first row a header, aligned."""
        if self.quiet:
            return
        self._clear()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        if title:
            print(title, file=self.stream)
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            print("  " + "  ".join(cells).rstrip(), file=self.stream, flush=True)


class Forecast:
    """Foretells after a few steps how long a stage will take, and says so where that is long enough to wonder."""

    steps, from_seconds = 20, 20.0

    def __init__(self, display: Display, stage: str) -> None:
        self.display, self.stage = display, stage
        self.times: list[float] = []

    def step(self, left: int) -> None:
        """After each step; `left` steps are still to go. The first step, which sets things up, is not counted."""
        if len(self.times) > self.steps:
            return
        self.times.append(time.monotonic())
        if len(self.times) > self.steps:
            seconds = (self.times[-1] - self.times[0]) / self.steps * left
            if seconds >= self.from_seconds:
                about = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
                self.display.say(f"{self.stage}: about {about} more at most")


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - start, 3)

    def total(self) -> dict[str, float]:
        """The stages and their `total` since the clock was made."""
        return {**self.seconds, "total": round(time.perf_counter() - self._start, 3)}


def number(value: float) -> str:
    """A metric as people read it: four significant digits or so, and nothing small is called nothing."""
    if 0 < value < 5e-5 or -5e-5 < value <= -TINY:
        return f"{value:.1g}"
    rounded = round(value, 4) + 0.0  # which makes 0.0 of -0.0
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}" if abs(value) >= 10 else f"{rounded:.4f}"


def metric_rows(metrics: Mapping[str, float], baseline: Mapping[str, float], headline: str) -> list[list[str]]:
    """The closing table's rows, the headline first. What `baseline` calls `KIND:NAME` is another naive answer's: each
    kind has a column of its own."""
    order = [headline, *(name for name in metrics if name != headline)]
    kinds = list(dict.fromkeys(name.partition(":")[0] for name in baseline if ":" in name))
    rows = [
        [name, number(metrics[name])]
        + [number(baseline[key]) if key in baseline else "" for key in (name, *(f"{kind}:{name}" for kind in kinds))]
        for name in order
        if name in metrics
    ]
    return [["metric", "model", "baseline", *kinds], *rows]
