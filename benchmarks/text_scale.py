"""Whether memory holds on a large table of texts: a csv of generated texts, trained on as the command line does.

    python -m benchmarks.text_scale 500 2000 [--preset default] [--minutes 24] [--folder FOLDER]

Sizes are megabytes. Words follow Zipf's law and a few tell the class, so that nearly every run of three words is new: more
different n-grams than in texts by people. Memory is the most that the whole process held, libraries included.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.tabular_scale import in_own_process

WORDS, TELLING = 50_000, 200
MEAN_WORDS = 230  # a film review
BLOCK = 2_000  # texts made at once


def write_table(path: Path, megabytes: float) -> None:
    """Writes texts and their labels until the file is so large; each label has telling words of its own."""
    draws, size = np.random.default_rng(0), 0
    letters = list("aeiounrstlmdk")
    words = np.array(["".join(draws.choice(letters, n)) for n in draws.integers(3, 10, WORDS)], object)
    common = np.cumsum(1 / np.arange(10, WORDS + 10))
    with path.open("w", encoding="ascii") as file:
        size += file.write("text,label\n")
        while size < megabytes * 1e6:
            counts = np.clip(draws.lognormal(np.log(MEAN_WORDS), 0.6, BLOCK), 10, 2_000).astype(int)
            chosen = np.searchsorted(common, draws.random(counts.sum()) * common[-1])
            labels, ends = draws.integers(0, 2, BLOCK), np.cumsum(counts)
            telling = draws.random(len(chosen)) < 0.01
            side = TELLING * np.repeat(labels, counts)[telling]
            chosen[telling] = 1_000 + side + draws.integers(0, TELLING, telling.sum())
            for label, end, count in zip(labels, ends, counts, strict=True):
                size += file.write(f"{' '.join(words[chosen[end - count : end]])},{'ab'[label]}\n")


def measure(path: Path, preset: str, minutes: float | None) -> None:
    """Prints one JSON line; runs in a process of its own."""
    from apps.text.app import APP
    from shared.display import Display
    from shared.run import Options, train

    start = time.perf_counter()
    dials = {"preset": preset} | ({} if minutes is None else {"minutes": minutes})
    facts = train(APP, path, APP.recipe.make(dials), Options(display=Display())).facts
    found = {
        "megabytes": round(path.stat().st_size / 1e6),
        "rows": facts.rows,
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "run_seconds": round(time.perf_counter() - start),
        "accuracy": round(facts.metrics["accuracy"], 4),
    }
    print(json.dumps(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("megabytes", nargs="*", type=float, default=[500, 2000])
    parser.add_argument("--preset", default="default", choices=("fast", "default", "best"))
    parser.add_argument("--minutes", type=float, help="most minutes for the encoder (default: the preset's)")
    parser.add_argument("--folder", type=Path, help="where the tables stand meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for megabytes in given.megabytes:
            path = Path(folder) / f"{megabytes:g}.csv"
            in_own_process(write_table, path, megabytes)
            in_own_process(measure, path, given.preset, given.minutes)
            path.unlink()


if __name__ == "__main__":
    main()
