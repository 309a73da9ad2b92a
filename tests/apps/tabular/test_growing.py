"""Unlike forests, neighbours and means of categories: each has the share that it earns, and is the same after saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from apps.tabular import load, train
from apps.tabular.boosting import installed
from apps.tabular.columns import from_rows
from apps.tabular.ensemble import Ensemble
from apps.tabular.growing import best_weights
from apps.tabular.preprocessor import fit
from apps.tabular.recipe import TabularRecipe
from shared.protocol import Examples

needs_trees = pytest.mark.skipif(not installed(), reason="LightGBM is not installed")


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
