"""The importable face: what is no path is said to be none, wherever a path is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps import NAMES, load
from shared.errors import UserError, as_path
from shared.face import Face


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a.csv", "b.csv"], "a list"),
        (pd.DataFrame({"x": [1]}), "a DataFrame; .* as by frame.to_csv"),
        (b"a,b", "a bytes"),
        (None, "None"),
        ("", "an empty one"),
    ],
)
@pytest.mark.parametrize("app", NAMES)
def test_a_source_that_is_no_path_is_said(app: str, given: Any, said: str) -> None:
    for use in (Face(app).train, Face(app).learner):
        with pytest.raises(UserError, match=f"source: .* not {said}"):
            use(given)


def test_a_part_of_a_number_is_not_cut_off_in_silence() -> None:
    recipe = Face("tabular").app().recipe
    assert recipe.make({"epochs": 2.0}).epochs == 2
    with pytest.raises(UserError, match=r"epochs=2\.7: expected int"):
        recipe.make({"epochs": 2.7})
    with pytest.raises(UserError, match="expected int"):  # as a search of numpy draws it
        recipe.make({"epochs": np.float32(2.7)})


@pytest.mark.parametrize(
    ("use", "named"),
    [
        (lambda face, place: face.load([place]), "folder"),
        (lambda face, place: face.train(place, valid=[place]), "valid"),
        (lambda face, place: face.train(place, test=[place]), "test"),
        (lambda face, place: face.train(place, out=[place]), "out"),
        (lambda face, place: face.train(place, start_from=[place]), "start_from"),
    ],
)
def test_every_place_that_is_no_path_is_named(use: Callable[[Face, Path], object], named: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{named}: .* not a list"):
        use(Face("tabular"), tmp_path)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/m", "out") == tmp_path / "m" and as_path("a~b", "out") == Path("a~b")


def test_a_face_is_loaded_by_name() -> None:
    assert all(callable(getattr(load(name), word)) for name in NAMES for word in ("train", "load", "learner"))
    with pytest.raises(ValueError, match="choose one of vision"):
        load("sound")
