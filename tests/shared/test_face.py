"""What Python callers hand in where a path belongs."""

from __future__ import annotations

import pandas as pd
import pytest

from apps import tabular
from shared.errors import UserError

FRAME = pd.DataFrame({"a": [1, 2], "t": ["x", "y"]})


def test_a_frame_is_no_source_and_the_mend_is_said() -> None:
    for call in (tabular.train, tabular.learner):
        with pytest.raises(UserError, match="a DataFrame is no source: .*to_csv"):
            call(FRAME)  # type: ignore[arg-type]
    for part in ("valid", "test"):
        with pytest.raises(UserError, match="a DataFrame is no source"):
            tabular.train("a.csv", **{part: FRAME})
    with pytest.raises(UserError, match="a NoneType is no source: give the path of a file or folder$"):
        tabular.train(None)  # type: ignore[arg-type]
