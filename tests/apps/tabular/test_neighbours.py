"""Neighbours, unlike forests and transforms: taken where they help, and the same after saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.tabular import load, train
from apps.tabular.boosting import installed
from apps.tabular.columns import from_rows
from apps.tabular.ensemble import Ensemble
from apps.tabular.growing import best_weights
from apps.tabular.means import PRIOR_ROWS, CategoryMeans, unseen_means
from apps.tabular.neighbours import SIZES, Neighbours, unseen_features
from apps.tabular.preprocessor import fit
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import NumberTarget, target_from
from apps.tabular.transforms import restored, transformed
from shared.errors import UserError
from shared.protocol import Examples

needs_trees = pytest.mark.skipif(not installed(), reason="LightGBM is not installed")


def scattered(rows: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(rows, 3, generator=draws), torch.randn(rows, generator=draws)


def test_neighbours_answer_what_the_nearest_rows_had() -> None:
    numbers, targets = scattered(300)
    neighbours = Neighbours()
    assert neighbours(numbers).shape == (300, 0)
    neighbours.place([0, 2], numbers, targets)
    found = neighbours(numbers[:9])
    assert found.shape == (9, 3 * len(SIZES))
    far = (numbers[0, [0, 2]] - numbers[:, [0, 2]]).norm(dim=1)
    expected = targets[far.argsort()[: SIZES[1]]].mean()
    assert float(found[0, 3]) == pytest.approx(float(expected), abs=1e-5)
    assert torch.allclose(found, neighbours.of_many(numbers[:9]), atol=1e-4)
    again = Neighbours()
    again.load_state_dict(neighbours.state_dict())
    assert torch.equal(again(numbers[:9]), found)


def test_a_row_does_not_see_its_own_target() -> None:
    numbers, targets = scattered(200)
    parts = list(torch.arange(200).split(40))
    before = unseen_features([0, 1], numbers, targets, parts)
    targets[7] += 1000
    after = unseen_features([0, 1], numbers, targets, parts)
    assert torch.equal(before[parts[0]], after[parts[0]]) and not torch.equal(before, after)


def test_neighbours_that_do_not_fit_are_refused() -> None:
    neighbours = Neighbours()
    neighbours.place([0, 2], *scattered(100))
    state = neighbours.state_dict()
    state["targets"] = state["targets"][:5]
    with pytest.raises(RuntimeError, match="do not fit"):
        Neighbours().load_state_dict(state)


def test_means_are_those_of_categories_and_of_pairs() -> None:
    codes, targets = torch.tensor([[1, 1], [1, 2], [2, 2]] * 40), torch.tensor([1.0, 0.0, 0.0] * 40)
    means = CategoryMeans()
    assert means(codes).shape == (120, 0)
    means.place([3, 4], codes, targets)
    prior = PRIOR_ROWS / 3
    expected = [(40 + prior) / (80 + PRIOR_ROWS), (40 + prior) / (40 + PRIOR_ROWS), (40 + prior) / (40 + PRIOR_ROWS)]
    assert means(codes[:1])[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert means(torch.tensor([[0, 3]]))[0].tolist() == pytest.approx([1 / 3] * 3, abs=1e-6)  # never seen
    again = CategoryMeans()
    again.load_state_dict(means.state_dict())
    assert torch.equal(again(codes), means(codes))
    parts = list(torch.arange(120).split(30))
    before = unseen_means([3, 4], codes, targets, parts)
    targets[0] = 99
    assert torch.equal(before[parts[0]], unseen_means([3, 4], codes, targets, parts)[parts[0]])


@needs_trees
def test_one_forest_sees_means_instead_of_codes(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    rows = [
        {"a": f"a{i}", "b": f"b{j}", "x": x}
        for i, j, x in zip(*draws.integers(0, 6, (2, 2500)), draws.random(2500), strict=True)
    ]
    table = tmp_path / "pairs.csv"
    lines = [
        f"{r['a']},{r['b']},{r['x']:.3f},{'yes' if (int(r['a'][1]) * int(r['b'][1])) % 3 == 1 else 'no'}" for r in rows
    ]
    table.write_text("a,b,x,target\n" + "\n".join(lines) + "\n")
    model = train(table, out=tmp_path / "model", epochs=0, folds=1)
    network = model.predictor.network
    assert isinstance(network, Ensemble) and len(network.means.first) == 3
    assert model.facts.metrics["accuracy"] > 0.95
    again = load(tmp_path / "model")
    assert again.predict(rows[0]) == model.predict(rows[0])


@needs_trees
def test_a_map_of_many_small_places_takes_neighbours(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    place = draws.uniform(0, 1, (3000, 2))
    height = draws.normal(size=(12, 12))[(place[:, 0] * 12).astype(int), (place[:, 1] * 12).astype(int)]
    table = tmp_path / "map.csv"
    rows = np.column_stack([place, draws.normal(size=3000), height + 0.05 * draws.normal(size=3000)])
    np.savetxt(table, rows, delimiter=",", header="x,y,noise,height", comments="")
    model = train(table, out=tmp_path / "model", epochs=0, folds=1)
    network = model.predictor.network
    assert isinstance(network, Ensemble) and network.neighbours.columns.tolist() == [0, 1]
    asked = {"x": 0.31, "y": 0.77, "noise": 0.0}
    assert load(tmp_path / "model").predict(asked) == model.predict(asked)


def test_weights_prefer_the_better_forest() -> None:
    ensemble = _ensemble()
    targets = torch.randn(400, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))
    good, bad = targets.unsqueeze(1) + 0.1 * noise, targets.unsqueeze(1) + noise
    weights = best_weights(ensemble, [bad, good], targets)
    assert sum(weights) == pytest.approx(1) and weights[1] > 0.9


def _ensemble() -> Ensemble:
    from apps.tabular.app import APP

    recipe = TabularRecipe(task="regression", dropout=0.0)
    preprocessor = fit(Examples(from_rows([{"x": i * 7 % 50} for i in range(50)]), np.arange(50.0)), recipe)
    network = APP.model(preprocessor, recipe, False)
    assert isinstance(network, Ensemble)
    return network


@pytest.mark.parametrize("name", ["none", "root", "log"])
def test_transforms_undo_themselves_and_survive_the_state(name: str) -> None:
    values = torch.tensor([0.0, 0.3, 7.0, 1e4], dtype=torch.double)
    moved = transformed(values, name)
    assert torch.allclose(restored(moved, name), values, atol=1e-6) and bool((moved.diff() > 0).all())
    target = NumberTarget(0.5, 2.0, 0.0, 1e4, 0.1, 9.0, 3.0, name)
    assert target_from(target.state()) == target
    assert torch.allclose(target.values(target.standard(values)), values, rtol=1e-4, atol=1e-4)


@needs_trees
def test_a_price_is_learnt_by_its_logarithm_where_that_helps() -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(size=2000)
    price = np.exp(2 * x + 0.3 * draws.normal(size=2000))
    examples = Examples({"x": x, "y": draws.normal(size=2000)}, price)
    recipe = TabularRecipe(task="regression")
    target = fit(examples, recipe).target
    assert isinstance(target, NumberTarget) and target.transform in ("root", "log")
    plain = fit(examples, replace(recipe, target_transform="none")).target
    assert isinstance(plain, NumberTarget) and plain.transform == "none"
    with pytest.raises(UserError, match="0 or more"):
        fit(Examples(examples.inputs, price - 9), replace(recipe, target_transform="log"))
