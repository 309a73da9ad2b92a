"""Whether speed and memory hold on a large table: generated rows, trained on, rows a second and peak memory reported.

    python -m benchmarks.tabular_scale 100000 1000000 [--columns 30] [--epochs 1] [--trees auto]

`loop` is the network's training alone, `run` everything from the file on. Memory is the process's growth over what the
libraries took, divided by the size of the encoded tensors of all rows. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PAGE = 4096


class Peak:
    """The greatest resident memory, in bytes, while the block runs."""

    def __enter__(self) -> Peak:
        self.start = self.greatest = resident()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.greatest = max(self.greatest, resident())

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    @property
    def growth(self) -> int:
        return self.greatest - self.start


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def write_table(path: Path, rows: int, columns: int) -> None:
    """Numbers and a few categories; the target is a noisy function of some of them."""
    draws = np.random.default_rng(0)
    frame = pd.DataFrame(draws.normal(size=(rows, columns - 5)).astype(np.float32)).add_prefix("x")
    for i in range(5):
        frame[f"c{i}"] = draws.integers(0, 4**i + 2, rows).astype(str)
        frame[f"c{i}"] = "v" + frame[f"c{i}"]
    signal = frame["x0"] * frame["x1"] + np.sin(2 * frame["x2"]) + (frame["c2"] == "v3")
    frame["target"] = np.where(signal + draws.normal(size=rows) > 0, "yes", "no")
    frame.to_csv(path, index=False, float_format="%.5f")


def measure(path: Path, rows: int, epochs: int, trees: str) -> None:
    """Prints one JSON line; runs in a process of its own."""
    import fastai.learner  # noqa: F401 (the libraries' own memory is not the table's)
    import lightgbm  # noqa: F401

    from apps.tabular import bagging
    from apps.tabular.app import APP
    from shared.run import train

    inside: dict[str, float] = {}
    whole_fit = bagging.fit

    def fit(setup: Any, *rest: Any) -> None:
        kept = sum(t.nbytes for t in setup.train.inputs.tensors) + setup.train.targets.nbytes
        inside["tensors"] = kept / len(setup.train) * rows
        start = time.perf_counter()
        with Peak() as peak:
            whole_fit(setup, *rest)
        inside["seconds"], inside["growth"] = time.perf_counter() - start, peak.growth
        inside["rows"] = len(setup.train) * epochs

    bagging.fit = fit  # type: ignore[assignment]
    recipe = APP.recipe.make({"target": "target", "epochs": epochs, "trees": trees, "precision": "fp32"})
    start = time.perf_counter()
    with Peak() as peak:
        model = train(APP, path, recipe)
    found = {
        "rows": rows,
        "tensors_mb": round(inside["tensors"] / 1e6),
        "loop_rows_per_second": round(inside["rows"] / inside["seconds"]),
        "loop_memory": round(inside["growth"] / inside["tensors"], 2),
        "run_seconds": round(time.perf_counter() - start, 1),
        "run_memory": round(peak.growth / inside["tensors"], 2),
        "auc": round(model.facts.metrics["auc"], 4),
    }
    print(json.dumps(found), flush=True)


def in_own_process(call: Callable[..., None], *values: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=call, args=values)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--trees", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            path = Path(folder) / f"{rows}.csv"
            in_own_process(write_table, path, rows, given.columns)
            in_own_process(measure, path, rows, given.epochs, given.trees)


if __name__ == "__main__":
    main()
