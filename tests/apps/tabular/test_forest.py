"""Trees kept as tensors answer as the library that grew them does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from apps.tabular import forest as forests
from apps.tabular.boosting import Options, Rows, grow, installed, parse
from apps.tabular.forest import Forest, joined
from apps.tabular.recipe import TabularRecipe
from apps.tabular.sizes import PROBE, growth

pytestmark = pytest.mark.skipif(not installed(), reason="needs LightGBM")


OPTIONS = Options(growth(TabularRecipe(), 400, 4, 1, 1), sizes=[6], classes=0, seed=1, first=3)


def made(rows: int = 500) -> tuple[torch.Tensor, torch.Tensor]:
    draws = np.random.default_rng(0)
    numbers, codes = draws.normal(size=(rows, 3)), draws.integers(0, 6, rows)
    signal = numbers[:, 0] * numbers[:, 1] + (codes % 2) * 2
    features = np.column_stack([numbers, codes]).astype(np.float32)
    return torch.from_numpy(features), torch.from_numpy(signal.astype(np.float32))


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_forest_answers_as_lightgbm(classes: int) -> None:
    import lightgbm as lgb

    features, signal = made()
    targets = (
        signal if not classes else torch.bucketize(signal, torch.quantile(signal, torch.arange(1, classes) / classes))
    )
    options = {"verbose": -1, "min_data_in_leaf": 5, "seed": 0}
    options |= {"objective": "multiclass", "num_class": classes} if classes > 2 else {}
    options |= {"objective": "binary"} if classes == 2 else {}
    data = lgb.Dataset(features.numpy(), targets.numpy(), categorical_feature=[3], params={"verbose": -1})
    booster = lgb.train(options, data, 12)
    forest = Forest(classes if classes > 2 else 1)
    forest.plant(parse(booster.model_to_string()), 1.0)
    strange = torch.cat([features, torch.tensor([[0.0, 1e6, -1e6, 77.0], [0.0, 0.0, 0.0, 0.0]])])
    expected = booster.predict(strange.numpy(), raw_score=True).reshape(len(strange), -1)
    assert forest(strange).numpy() == pytest.approx(expected, abs=1e-5)


def test_forest_grows_by_validation_and_survives_its_state() -> None:
    features, signal = made()
    grown = grow(Rows(features[:400], signal[:400]), Rows(features[400:], signal[400:]), OPTIONS)
    forest, again = Forest(1), Forest(1)
    forest.plant(grown, 0.25)
    again.load_state_dict(forest.state_dict())
    assert torch.equal(forest(features), again(features)) and float(again.share) == 0.25
    error = (forest(features[400:]).squeeze(1) - signal[400:]).square().mean()
    assert error < 0.5 * signal.var()


def test_trees_stop_before_they_unlearn_the_weights_of_classes() -> None:
    draws = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 4, generator=draws)
    targets = (torch.rand(4000, generator=draws) < (2 * features[:, 0] - 3.5).sigmoid()).long()  # one in eleven
    options = replace(OPTIONS, growth=PROBE, sizes=[], classes=2, first=4, class_weights="auto")
    forest = Forest(1)
    forest.plant(grow(Rows(features[:1500], targets[:1500]), Rows(features[1500:2000], targets[1500:2000]), options), 1)
    said, truth = forest(features[2000:]).squeeze(1) > 0, targets[2000:] == 1
    assert float(said[truth].float().mean() + (~said[~truth]).float().mean()) / 2 > 0.71


def test_deep_ends_are_walked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    import lightgbm as lgb

    features, signal = made(3000)
    signal = signal + features[:, 0].exp() ** 3
    options = {"verbose": -1, "min_data_in_leaf": 1, "num_leaves": 127}
    booster = lgb.train(options, lgb.Dataset(features.numpy(), signal.numpy(), params={"verbose": -1}), 5)
    forest = Forest(1)
    forest.plant(parse(booster.model_to_string()), 1.0)
    assert int(forest.depth.max()) > 2 * forests.STEPS
    at_once = booster.predict(features.numpy(), raw_score=True)
    assert forest(features).squeeze(1).numpy() == pytest.approx(at_once, rel=1e-5, abs=1e-3)
    by_steps = forest(features)
    monkeypatch.setattr(forests, "STEPS", 1000)
    assert torch.equal(forest(features), by_steps)


def test_damaged_trees_are_refused() -> None:
    features, signal = made()
    forest = Forest(1)
    forest.plant(grow(Rows(features, signal), Rows(features[:0], signal[:0]), OPTIONS), 0.5)
    state = forest.state_dict()
    state["value"] = state["value"][:-1]
    with pytest.raises(RuntimeError, match="do not fit"):
        Forest(1).load_state_dict(state)


def test_joined_forests_answer_their_mean() -> None:
    features, signal = made()
    grown = [
        grow(Rows(features[i::2].contiguous(), signal[i::2].contiguous()), Rows(features[:0], signal[:0]), OPTIONS)
        for i in range(2)
    ]
    answers = []
    for planted in (*grown, joined(grown, [0.5, 0.5])):
        forest = Forest(1)
        forest.plant(planted, 1.0)
        answers.append(forest(features))
    assert len(grown[0]["member"]) and torch.allclose(answers[2], (answers[0] + answers[1]) / 2, atol=1e-5)


@pytest.mark.parametrize(("part", "wrong"), [("child", 10**6), ("feature", -1), ("root", -2), ("subset", 10**6)])
def test_trees_that_lead_astray_are_refused(part: str, wrong: int) -> None:
    features, signal = made()
    forest = Forest(1)
    forest.plant(grow(Rows(features, signal), Rows(features[:0], signal[:0]), OPTIONS), 0.5)
    state = forest.state_dict()
    state[part] = torch.full_like(state[part], wrong)
    with pytest.raises(RuntimeError, match="do not fit"):
        Forest(1).load_state_dict(state)
