"""Tables of texts too large to hold: a repeatable random share of their rows, read chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.tables import format_of, read_chunks, read_table
from shared.zips import COMPRESSED

if TYPE_CHECKING:
    import pandas as pd

ROWS = 20_000
PACKED = 3  # times that a compressed file grows, about


def unpacked_size(path: Path) -> int:
    """Bytes of the table, guessed where it is compressed."""
    packed = path.suffix.lower() in (*COMPRESSED, ".zip") or format_of(path) in (".parquet", ".pq")
    return path.stat().st_size * (PACKED if packed else 1)


def read_rows(path: Path, megabytes: float) -> tuple[pd.DataFrame, list[str]]:
    """The table as text, whole or about so much of it, and what to say of that. Raises UserError as `read_table`.

    A hundred bytes of text become a kilobyte of n-grams, and beyond a million texts they learn little from more.
    """
    size, most = unpacked_size(path) if path.is_file() else 0, 1e6 * megabytes
    if size <= most:
        return read_table(path, text=True), []
    import pandas as pd

    share, draws, seen = most / size, np.random.default_rng(0), 0
    kept = []
    for chunk in read_chunks(path, ROWS):
        seen += len(chunk)
        kept.append(chunk[draws.random(len(chunk)) < share])
    frame = pd.concat(kept, ignore_index=True)
    note = f"{path.name} is large: {len(frame):,} of its {seen:,} rows are taken, at random (--megabytes {megabytes:g})"
    return frame, [note]


def columns_of(path: Path) -> list[str]:
    """The names of a table's columns, from its beginning."""
    return list(next(read_chunks(path, ROWS)).columns)
