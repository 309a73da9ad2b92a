"""A transform of the target undoes itself, and is taken where it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.tabular import load, train
from apps.tabular.boosting import installed
from apps.tabular.preprocessor import fit
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import NumberTarget, target_from
from apps.tabular.transforms import restored, transformed
from shared.errors import UserError
from shared.protocol import Examples

needs_trees = pytest.mark.skipif(not installed(), reason="LightGBM is not installed")


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


@needs_trees
@pytest.mark.parametrize(("transform", "interval"), [("log", 0.9), ("root", 0)])
def test_answers_have_the_mean_of_the_targets(tmp_path: Path, transform: str, interval: float) -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(size=6000)
    price = 10 * np.exp(0.5 * x + 0.8 * draws.normal(size=6000))
    (tmp_path / "t.csv").write_text("x,price\n" + "".join(f"{a},{b}\n" for a, b in zip(x[:3000], price, strict=False)))
    quick = {"folds": 1, "forests": 1, "members": 1, "width": 16, "epochs": 4}
    model = train(tmp_path / "t.csv", target="price", target_transform=transform, interval=interval, **quick)
    model.save(tmp_path / "model")
    found = load(tmp_path / "model").predict([{"x": float(value)} for value in x[3000:]])
    assert 0.9 < np.mean([answer["value"] for answer in found]) / price[3000:].mean() < 1.1
    if interval:
        assert all(answer["interval"][0] <= answer["value"] <= answer["interval"][1] for answer in found)
