"""The tabular app keeps the contract of every app: a classification and, in short, a regression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from apps.tabular import train
from shared.model import Model
from tests.apps.tabular.tables import write_loans, write_prices
from tests.commands import CommandContract
from tests.contract import AppContract

SMALL = {"epochs": 4, "folds": 1, "members": 2, "width": 32, "bins": 8, "batch_size": 32, "lr": 0.02, "ema": 0.8}
AS_THEY_ARE = {**SMALL, "target_transform": "none"}


class TestTabular(AppContract, CommandContract):
    module = "apps.tabular.app"
    name = "tabular"
    dials = SMALL
    loop_dials = {"epochs": 3, "patience": 0, "trees": "none"}
    flags = [part for dial, value in SMALL.items() for part in ("--" + dial.replace("_", "-"), str(value))]

    def write_source(self, folder: Path) -> Path:
        return write_loans(folder / "loans.csv")

    def one_input(self, source: Path) -> dict[str, Any]:
        return {"income": 80.0, "city": "Ulm", "opened": "2012-03-11", "owner": "yes"}

    def command_input(self, source: Path) -> str:
        return '{"income": 80, "city": "Ulm"}'


def test_weights_of_an_earlier_model_that_nothing_trains_on_are_called_so(tmp_path: Path) -> None:
    source, earlier = write_prices(tmp_path / "prices.csv"), tmp_path / "earlier"
    train(source, out=earlier, **{**SMALL, "trees": "none"})
    begun = train(source, start_from=earlier, **{**SMALL, "trees": "none", "epochs": 0})
    assert begun.facts.chosen == f"{earlier}, not trained on" and begun.facts.metrics["r2"] > 0.3
    assert train(source, **{**SMALL, "trees": "none", "epochs": 0}).facts.chosen == "untrained"


@pytest.fixture(scope="module")
def flats(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A regression's model, of prices as they are."""
    return train(write_prices(tmp_path_factory.mktemp("flats") / "prices.csv"), **AS_THEY_ARE)


def test_answers_are_as_fine_as_the_targets_differ(flats: Model, tmp_path: Path) -> None:
    lines = "".join(f"{i % 20},{1_000_000 + 3 * (i % 20) + i % 2}\n" for i in range(120))
    (tmp_path / "years.csv").write_text("x,y\n" + lines)
    model = train(tmp_path / "years.csv", **SMALL)
    answers = [model.predict({"x": x})["value"] for x in range(20)]
    assert len(set(answers)) == 20 and all(len(f"{value % 1:.9f}".rstrip("0")) <= 6 for value in answers)
    value = flats.predict({"size": 30.0, "age": 70})["value"]
    assert value == round(value, 4)


@pytest.mark.parametrize(("unit", "start"), [(1, 1.7e9), (1e-9, 0), (1e25, 0)])
def test_targets_of_any_size_are_learnt_and_measured_as_those_of_a_hundred(
    flats: Model, tmp_path: Path, unit: float, start: float
) -> None:
    prices = pd.read_csv(write_prices(tmp_path / "prices.csv"))
    prices.assign(price=start + unit * prices["price"]).to_csv(tmp_path / "odd.csv", index=False)
    plain, odd = flats.facts.metrics, train(tmp_path / "odd.csv", **AS_THEY_ARE).facts.metrics
    assert odd["rmse"] == pytest.approx(unit * plain["rmse"], rel=0.01) and odd["coverage"] == plain["coverage"]


def test_regression_beats_the_mean_and_answers_within_the_span(flats: Model) -> None:
    assert flats.facts.headline == "rmse" and flats.facts.metrics["rmse"] < 0.5 * flats.facts.baseline["rmse"]
    answer = flats.predict({"size": 1e9, "age": -1e9})
    assert answer["value"] == answer["prediction"] <= 500


def test_without_intervals_no_coverage_is_measured(tmp_path: Path) -> None:
    facts = train(
        write_prices(tmp_path / "prices.csv", 80), **{**SMALL, "trees": "none"}
    ).facts  # 8 rows to calibrate on
    assert "rmse" in facts.metrics and "coverage" not in facts.metrics
    calibrated = train(write_prices(tmp_path / "prices.csv"), **{**SMALL, "trees": "none"}).facts
    assert calibrated.metrics["coverage"] > 0.5
