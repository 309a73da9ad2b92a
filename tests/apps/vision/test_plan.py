"""The dials that the pictures decide."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from apps.vision.pictures import Survey
from apps.vision.plan import FEW, plan
from apps.vision.recipe import VisionRecipe
from shared import precision
from shared.errors import UserError


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose names tell the network; planning does not open them."""
    for name in ("vit_tiny_patch16_224", "resnet18"):
        save_file({"x": torch.zeros(1)}, tmp_path / f"{name}.safetensors")
    monkeypatch.setenv("GLANCE_WEIGHTS", str(tmp_path))
    return tmp_path


def planned(side: int = 300, grey: bool = False, rows: int = 100, **dials: Any) -> VisionRecipe:
    return plan(VisionRecipe.make(dials), Survey(side, grey), rows)[0]


def test_second_views_are_taken_where_they_are_cheap(weights: Path) -> None:
    transfer = {"weights": "vit_tiny_patch16_224"}
    assert planned(**transfer).views == "scales"
    assert planned(**transfer, views="one").views == "one"
    assert planned(**transfer, rows=2 * FEW).views == "one"
    assert planned(**transfer, rows=2 * FEW, preset="best").views == "scales"
    assert planned(**transfer, preset="fast").views == "one"
    assert planned(32, weights="none").views == "moved"
    assert planned(32, grey=True, weights="none").views == "one"
    assert planned(300, weights="none").views == "one"


@pytest.mark.parametrize(("side", "grey", "mirror"), [(28, True, "no"), (28, False, "yes"), (300, True, "yes")])
@pytest.mark.parametrize("body", ["vit_tiny_patch16_224", "none"])
def test_drawn_signs_are_not_mirrored(weights: Path, body: str, side: int, grey: bool, mirror: str) -> None:
    assert planned(side, grey, weights=body).mirror == mirror


def test_training_grows_where_the_network_takes_any_size(weights: Path) -> None:
    assert planned(weights="none").first_size == 96
    assert planned(32, weights="none").first_size == 24
    assert planned(8, weights="none").first_size == 8
    assert planned(weights="resnet18").first_size == 224
    assert planned(weights="resnet18", preset="best").first_size == 160
    assert planned(weights="resnet18", first_size=128).first_size == 128
    assert planned(weights="vit_tiny_patch16_224", preset="best").first_size == 224
    with pytest.raises(UserError, match="one size only"):
        planned(weights="vit_tiny_patch16_224", first_size=128)


@pytest.mark.parametrize(("ratio", "tiles", "epochs"), [(0.5, False, 6), (6.0, False, 14), (2.5, True, 20)])
def test_faster_units_see_more(ratio: float, tiles: bool, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bfloat16_ratio", lambda device: ratio)
    monkeypatch.setattr(precision, "multiplies_tiles", lambda: tiles)
    assert planned(32, rows=50_000, weights="none", device="cpu").epochs == epochs
    assert planned(32, rows=50_000, weights="none", device="cpu", precision="fp32").epochs == 6


@pytest.mark.parametrize(
    ("rows", "dials", "batch", "together"),
    [
        (50_000, {"epochs": 24}, 500, 4),
        (50_000, {"epochs": 2}, 500, 1),
        (20_000, {"epochs": 20}, 500, 4),
        (500, {}, 16, 4),
        (50_000, {"epochs": 24, "accumulate": 1}, 500, 1),
        (50_000, {"epochs": 24, "batch_size": 2_000}, 2_000, 3),
    ],
)
def test_batches_move_the_weights_together_while_there_are_steps(
    rows: int, dials: dict[str, int], batch: int, together: int
) -> None:
    found = planned(32, rows=rows, weights="none", **dials)
    assert (found.batch_size, found.accumulate) == (batch, together)
    assert planned(300, rows=rows, weights="none", **dials).accumulate == dials.get("accumulate", 1)


def test_small_sets_are_seen_more_often() -> None:
    assert planned(32, rows=500, weights="none").epochs == 40
    assert planned(32, rows=500, weights="none", epochs=3).epochs == 3


def test_a_gpu_sees_more_than_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "resolve_device", lambda device: "cuda")
    assert planned(32, rows=50_000, weights="none").epochs == 20
    assert planned(300, rows=10_000, weights="none").epochs == 10


def test_fine_tuning_of_many_pictures_sees_some(weights: Path) -> None:
    transfer = {"weights": "resnet18"}
    found = {rows: planned(rows=rows, **transfer) for rows in (100, 2_000, 24_000, 24_002, 1_000_000)}
    assert [recipe.tune_rows for recipe in found.values()] == [None, None, None, 24_000, 24_000]
    assert [recipe.epochs for recipe in found.values()] == [8, 4, 1, 1, 1]
    assert planned(rows=1_000_000, preset="best", **transfer).tune_rows == 180_000
    assert planned(rows=1_000_000, epochs=2, **transfer).tune_rows is None
    assert planned(rows=1_000_000, tune_rows=1_000, **transfer).epochs == 8
    assert planned(rows=100, tune_rows=1_000, **transfer).epochs == 8
    assert planned(rows=1_000_000, weights="none").tune_rows is None
