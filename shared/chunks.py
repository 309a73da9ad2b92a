"""Large tables in little memory: blocks of rows put together, with strings that repeat kept once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1 << 19
CATEGORY = "category"


def joined(parts: Iterable[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """One frame of `columns` by name and pandas type, where a "category" is of the strings as written: pandas'
    own reading takes 007 and 7 for one number."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    texts = [name for name, kind in columns.items() if kind == CATEGORY]
    small = [part.astype(dict.fromkeys(texts, CATEGORY)) for part in parts]
    if len(small) < 2:
        return small[0] if small else pd.DataFrame(columns=list(columns))
    return pd.DataFrame(
        {
            name: union_categoricals([part.pop(name) for part in small])
            if name in texts
            else pd.concat([part.pop(name) for part in small]).to_numpy()
            for name in columns
        },
        copy=False,
    )
