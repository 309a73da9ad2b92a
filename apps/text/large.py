"""Tables of texts too large to hold: a repeatable random share of their rows, read chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.tables import COMPRESSED, kind_of, read_chunks, read_table

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 200_000_000
"""Of a table that is read whole; of a larger one as much is kept. More texts than that teach a model of n-grams
little, and a hundred bytes of text become a kilobyte of n-grams."""

ROWS = 20_000
PACKED = 3  # times that a compressed file grows, about


def unpacked_size(path: Path) -> int:
    """Bytes of the table, guessed where it is compressed."""
    packed = path.suffix.lower() in (*COMPRESSED, ".zip") or kind_of(path) in (".parquet", ".pq")
    return path.stat().st_size * (PACKED if packed else 1)


def read_rows(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The table as text, whole or a share of its rows, and what to say of that. Raises UserError as `read_table`."""
    size = unpacked_size(path) if path.is_file() else 0
    if size <= MOST_BYTES:
        return read_table(path, text=True), []
    import pandas as pd

    share, draws, seen = MOST_BYTES / size, np.random.default_rng(0), 0
    kept = []
    for chunk in read_chunks(path, ROWS):
        seen += len(chunk)
        kept.append(chunk[draws.random(len(chunk)) < share])
    frame = pd.concat(kept, ignore_index=True)
    return frame, [f"{path.name} is large: {len(frame):,} of its {seen:,} rows are taken, at random"]


def columns_of(path: Path) -> list[str]:
    """The names of a table's columns, from its beginning."""
    return list(next(read_chunks(path, ROWS)).columns)
