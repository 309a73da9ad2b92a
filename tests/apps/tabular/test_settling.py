"""Calibration, intervals, texts, suspects and reasons: each does what it says on data whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from apps.tabular import load, train
from apps.tabular.app import APP
from apps.tabular.columns import column_of
from apps.tabular.intervals import Intervals
from apps.tabular.kinds import find_kinds
from apps.tabular.reasons import best_thresholds, contributions, explain
from apps.tabular.recipe import TabularRecipe
from apps.tabular.settling import best_share
from apps.tabular.sizes import expected_seconds, growth, sized
from apps.tabular.suspects import find_suspects
from apps.tabular.texts import TextProjection
from shared import checkpoint as checkpoints
from shared.display import Display
from shared.errors import UserError
from shared.predict import Predictor
from shared.protocol import Encoded, Examples
from shared.run import Options
from shared.run import train as run
from tests.apps.tabular.tables import write_loans, write_prices
from tests.apps.tabular.test_contract import SMALL
from tests.machine import ROUNDING


def test_intervals_hold_their_share_of_new_rows() -> None:
    draws = torch.Generator().manual_seed(0)
    predicted = torch.rand(4000, generator=draws) * 10
    targets = predicted + torch.randn(4000, generator=draws) * (0.1 + predicted)  # wider where greater
    intervals = Intervals()
    intervals.fit(predicted[:2000], targets[:2000], 0.8)
    _, low, high = intervals(predicted[2000:]).T
    held = (targets[2000:] >= low) & (targets[2000:] <= high)
    assert 0.77 < float(held.float().mean()) < 0.83
    width, small = high - low, predicted[2000:] < 2
    assert float(width[small].mean()) < 0.5 * float(width[~small].mean())
    again = Intervals()
    again.load_state_dict(intervals.state_dict())
    assert torch.equal(again(predicted), intervals(predicted))


def test_too_few_rows_leave_no_interval() -> None:
    intervals = Intervals()
    intervals.fit(torch.arange(5.0), torch.arange(5.0), 0.9)
    assert intervals(torch.ones(3)).shape == (3,)


def test_a_rare_class_is_answered_from_a_lower_probability_on() -> None:
    draws = np.random.default_rng(0)
    probability = draws.beta(1, 9, 4000)
    targets = (draws.random(4000) < probability).astype(int)
    found = best_thresholds(np.stack([1 - probability, probability], 1), targets, ("no", "yes"))
    best = next(entry for entry in found if entry["metric"] == "balanced_accuracy")
    assert best["class"] == "yes" and best["threshold"] < 0.2 and best["value"] > best["at_half"] + 0.1


def test_the_better_gets_the_greater_share() -> None:
    targets = torch.randn(500, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(500, generator=torch.Generator().manual_seed(1))
    assert best_share(targets + noise, targets + 0.1 * noise, targets) > 0.9
    assert best_share(targets + 0.1 * noise, targets + noise, targets) < 0.1


def test_sizes_grow_with_the_table_and_given_ones_stay() -> None:
    small, large = sized(TabularRecipe(), 1_000), sized(TabularRecipe(), 1_000_000)
    assert small.batch_size < large.batch_size and small.epochs > large.epochs
    assert sized(TabularRecipe(epochs=3, batch_size=7), 10**6).epochs == 3
    numbers, classes = (sized(TabularRecipe(task=task), 500).dropout for task in ("regression", "classification"))
    assert numbers < classes and sized(TabularRecipe(dropout=0.5), 500).dropout == 0.5
    of_small, of_large = growth(TabularRecipe(), 1_000, 10, 1, 1), growth(TabularRecipe(), 10**6, 50, 7, 1)
    assert of_small.rounds > of_large.rounds and of_small.rate < of_large.rate
    assert growth(TabularRecipe(forests=1), 1_000, 10, 1, 1).rate > of_small.rate
    assert sized(TabularRecipe(), 500_000).epochs == 3 and sized(TabularRecipe(), 10**7).epochs == 2


def test_best_grows_two_forests_of_each_shape_where_there_is_time() -> None:
    plain, best = (TabularRecipe(preset=preset, folds=5) for preset in ("default", "best"))
    assert growth(best, 20_000, 14, 1, 6).forests == 2 * growth(plain, 2_000, 14, 1, 6).forests
    assert growth(best, 2_000_000, 14, 1, 6).forests == 1


def test_measuring_is_part_of_the_time_foretold() -> None:
    recipe = sized(TabularRecipe(task="classification", folds=1, valid_fraction=0.1), 400_000)
    alone, measured = (expected_seconds(recipe, (400_000, rows, rows), 2, 1, 2) for rows in (0, 50_000))
    assert measured > 1.1 * alone > 0
    assert expected_seconds(recipe, (400_000, 50_000, 50_000), 2, 1, 4) == pytest.approx(measured / 2)


def test_texts_of_one_matter_stand_together() -> None:
    draws = np.random.default_rng(0)
    words = (["rain", "cloud", "storm", "wind"], ["goal", "match", "team", "score"])
    texts = column_of([" ".join(draws.choice(words[i % 2], 5)) for i in range(200)] + [None])
    numbers = np.stack(list(TextProjection.fit(texts).encode(texts).values()), 1)
    assert np.isnan(numbers[-1]).all()
    rain, goal = numbers[0:200:2].mean(0), numbers[1:200:2].mean(0)
    nearer = np.linalg.norm(numbers[:200] - rain, axis=1) < np.linalg.norm(numbers[:200] - goal, axis=1)
    assert (nearer == (np.arange(200) % 2 == 0)).mean() > 0.95


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_column_that_gives_the_target_away_is_a_suspect(task: str) -> None:
    draws = np.random.default_rng(0)
    signal = draws.normal(size=300)
    columns = {"copy": signal * 3 + 1, "hint": signal + draws.normal(size=300), "noise": draws.normal(size=300)}
    targets = signal if task == "regression" else np.where(signal > 0, "yes", "no").astype(object)
    assert find_suspects(Examples(columns, targets), find_kinds(columns), task) == ["copy"]


def test_reasons_name_the_columns_that_matter(tmp_path: Path) -> None:
    model = train(write_loans(tmp_path / "loans.csv"), **SMALL, forests=1, target="repaid")
    found = explain(model, write_loans(tmp_path / "new.csv", seed=1), single=[7])
    assert [entry["column"] for entry in found["importance"]][:2] == ["income", "city"]
    assert found["importance"][0]["mean"] > 0 and found["importance"][0]["spread"] >= 0
    cities = {entry["value"]: entry["mean"] for entry in found["dependence"]["city"]}
    assert cities["Ulm"] > cities["Bonn"] and found["dependence_class"] == "y"
    assert sum(entry["rows"] for entry in found["reliability"]) == found["rows"] == 300
    assert {entry["metric"] for entry in found["thresholds"]} == {"accuracy", "balanced_accuracy", "f1_macro"}
    rows = [{"income": 20.0 + 10 * i, "city": "Bonn"} for i in range(8)]
    one = contributions(model, {"income": 120.0, "city": "Ulm"}, rows)[0]
    answer = model.predict({"income": 120.0, "city": "Ulm"})
    assert one["class"] == answer["prediction"] == "y"
    assert one["answer"] == pytest.approx(answer["probabilities"]["y"], abs=1e-3)
    assert one["mean"] + sum(one["contributions"].values()) == pytest.approx(one["answer"])
    assert one["contributions"]["income"] > 0
    seventh = found["contributions"][0]
    assert seventh["row"] == 7
    assert seventh["mean"] + sum(seventh["contributions"].values()) == pytest.approx(seventh["answer"])
    with pytest.raises(UserError, match="no labelled row 301"):
        explain(model, tmp_path / "new.csv", single=[301])
    capitals = tmp_path / "capitals.csv"
    header, rest = (tmp_path / "new.csv").read_text(encoding="utf-8").split("\n", 1)
    capitals.write_text(f"{header.replace('income', 'INCOME')}\n{rest}", encoding="utf-8")
    assert explain(model, capitals, single=[7]) == found


BAGGED = {**SMALL, "folds": 2, "patience": 0, "forests": 1}


class StopInSecond(Display):
    """Presses Ctrl-C once the second network has an epoch behind it."""

    def say(self, sentence: str) -> None:
        if sentence.startswith("train 2: epoch"):
            raise KeyboardInterrupt


def test_bag_that_is_stopped_answers_as_it_is_saved_and_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    source, out, recipe = write_prices(tmp_path / "prices.csv"), tmp_path / "out", TabularRecipe.make(BAGGED)
    stopped = run(APP, source, recipe, Options(out=out, display=StopInSecond(quiet=True)))
    asked = {"size": 100, "age": 10}
    assert stopped.facts.interrupted and load(out).predict(asked) == stopped.predict(asked)
    resumed = run(APP, source, recipe, Options(out=out, resume=True))
    whole = run(APP, source, recipe)
    assert resumed.facts.metrics == pytest.approx(whole.facts.metrics, rel=ROUNDING, abs=1e-9)
    assert ROUNDING or resumed.predict(asked) == whole.predict(asked)


def test_bag_that_is_stopped_while_it_settles_answers_as_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Predictor):
        def outputs(self, inputs: Encoded) -> torch.Tensor:
            raise KeyboardInterrupt

    monkeypatch.setattr("apps.tabular.settling.Predictor", Stopped)
    source, out = write_prices(tmp_path / "prices.csv"), tmp_path / "out"
    stopped = run(APP, source, TabularRecipe.make(BAGGED), Options(out=out))
    asked = {"size": 100, "age": 10}
    assert stopped.facts.interrupted and load(out).predict(asked) == stopped.predict(asked)


def test_bagged_regression_answers_with_intervals(tmp_path: Path) -> None:
    model = train(write_prices(tmp_path / "prices.csv"), **BAGGED, valid="none")
    assert model.facts.metrics["rmse"] < 0.5 * model.facts.baseline["rmse"]
    assert {entry["stage"] for entry in model.facts.journal} == {"train", "train 2"}
    answer = model.predict({"size": 100, "age": 10})
    assert answer["interval"][0] <= answer["value"] <= answer["interval"][1]
