"""Rows to measure on that training had are told, whatever file they stand in; what is alike by chance is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps.tabular import load, train
from apps.tabular.app import APP
from apps.tabular.kinds import Kind
from apps.tabular.repeats import row_marks
from shared.model import Model
from shared.protocol import Examples
from tests.apps.tabular.tables import write_loans, write_prices
from tests.apps.tabular.test_contract import SMALL

DIALS = {**SMALL, "trees": "none", "epochs": 1}


def told(notes: object) -> list[str]:
    assert isinstance(notes, tuple | list)
    return [note for note in notes if "also stand in the training rows" in note]


@pytest.mark.parametrize("write", [write_loans, write_prices])
def test_measured_rows_that_training_had_are_told(write: type[write_loans], tmp_path: Path) -> None:
    source = write(tmp_path / "t.csv")
    model = train(source, out=tmp_path / "model", **DIALS)
    said = f"{model.facts.rows['train']} of 300 measured rows also stand in the training rows: results look better"
    turned = pd.read_csv(source).iloc[:, ::-1]
    turned.assign(**{name: turned[name].astype("float32") for name in turned.select_dtypes("float")}).to_parquet(
        tmp_path / "turned.parquet"
    )
    for again in (model, load(tmp_path / "model")):
        for name in ("t.csv", "turned.parquet"):
            assert told(again.evaluate(tmp_path / name)["notes"])[0].startswith(said)
    assert not told(model.evaluate(write(tmp_path / "new.csv", seed=1))["notes"])


def test_training_rows_of_the_model_to_start_from_are_told(tmp_path: Path) -> None:
    source, earlier = write_prices(tmp_path / "t.csv"), tmp_path / "earlier"
    train(source, out=earlier, **DIALS)
    begun = train(source, start_from=earlier, **{**DIALS, "seed": 1})
    assert f"measured rows also stand in the training rows of {earlier}: results look" in told(begun.facts.notes)[0]
    assert not told(train(source, start_from=earlier, **DIALS).facts.notes)  # the same split


def test_rows_with_another_target_are_new(tmp_path: Path) -> None:
    source = write_prices(tmp_path / "t.csv")
    model = train(source, **DIALS)
    prices = pd.read_csv(source)
    prices.assign(price=prices["price"] + 1).to_csv(tmp_path / "new.csv", index=False)
    assert not told(model.evaluate(tmp_path / "new.csv")["notes"])


def few_valued(path: Path, seed: int) -> Path:
    draws = np.random.default_rng(seed)
    rows = [f"{'abc'[draws.integers(3)]},{draws.integers(3)},{'pq'[draws.integers(2)]}" for _ in range(300)]
    path.write_text("\n".join(["x,n,t", *rows]) + "\n")
    return path


def test_rows_of_few_values_prove_nothing(tmp_path: Path) -> None:
    source = few_valued(tmp_path / "t.csv", 0)
    model = train(source, **DIALS)
    assert not told(model.evaluate(source)["notes"])
    assert not told(model.evaluate(few_valued(tmp_path / "new.csv", 1))["notes"])


def test_a_common_row_proves_nothing(tmp_path: Path) -> None:
    prices = pd.read_csv(write_prices(tmp_path / "t.csv"))
    prices.iloc[:30] = [50.0, 40, 110.0]
    prices.to_csv(tmp_path / "t.csv", index=False)
    new = pd.read_csv(write_prices(tmp_path / "new.csv", seed=1))
    new.iloc[:200] = [50.0, 40, 110.0]
    new.to_csv(tmp_path / "new.csv", index=False)
    assert not told(train(tmp_path / "t.csv", **DIALS).evaluate(tmp_path / "new.csv")["notes"])


def test_models_of_before_are_silent(tmp_path: Path) -> None:
    source = write_prices(tmp_path / "t.csv")
    model = train(source, **DIALS)
    tensors = {name: tensor for name, tensor in model.preprocessor.tensors().items() if name != "seen"}
    old = Model(model.app, model.recipe, APP.restore(model.preprocessor.state(), tensors), model.predictor, model.facts)
    assert told(model.evaluate(source)["notes"]) and not told(old.evaluate(source)["notes"])


def test_marks_are_the_same_in_every_process() -> None:
    inputs = {"n": np.array([-0.0, 0.1, np.nan]), "w": np.array(["a", None, "\ud800"], object)}
    used = (Kind("n", "number"), Kind("w", "category"))
    found = row_marks(Examples(inputs, np.array(["p", "q", "p"], object)), used)
    assert found.tolist() == [-7035550288029233331, -390691515775340514, -8762082311832729222]
