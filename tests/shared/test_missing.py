"""Every library's word for nothing is known as one."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from shared.missing import is_missing


@pytest.mark.parametrize("value", [None, math.nan, np.nan, np.float32("nan"), np.datetime64("NaT"), pd.NaT, pd.NA])
def test_nothing_is_missing(value: object) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", "nan", False, np.float32(0), b"", pd.Timestamp(0)])
def test_what_is_there_is_not(value: object) -> None:
    assert not is_missing(value)
