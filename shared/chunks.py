"""Large tables in little memory: read block by block, with strings that repeat kept once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1 << 19
CATEGORY = "category"


def read_typed(file: IO[str], options: Mapping[str, Any], columns: Mapping[str, str]) -> pd.DataFrame:
    """`pandas.read_csv` with these types, where a "category" is of the strings as written: pandas' own takes 007
    and 7 for one number. Raises ValueError at a cell that is not of its column's type."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    texts = [name for name, kind in columns.items() if kind == CATEGORY]
    kinds = {**columns, **dict.fromkeys(texts, "str")}
    with pd.read_csv(file, **{**options, "dtype": kinds, "chunksize": ROWS}) as reader:
        parts = [part.astype(dict.fromkeys(texts, CATEGORY)) for part in reader]
    if len(parts) < 2:
        return parts[0] if parts else pd.DataFrame(columns=list(columns))
    joined = {
        name: union_categoricals([part[name] for part in parts])
        if name in texts
        else pd.concat([part[name] for part in parts])
        for name in columns
    }
    return pd.DataFrame({name: column if name in texts else column.to_numpy() for name, column in joined.items()})
