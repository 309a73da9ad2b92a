"""Several labels a picture: learnt from a csv, measured and answered."""

from pathlib import Path

import numpy as np
from PIL import Image

from apps import vision
from apps.vision.app import APP
from apps.vision.reading import read_splits
from tests.apps.vision.draw import write_classes


def test_lights_are_learnt_from_a_csv(tmp_path: Path) -> None:
    """A lamp on the left, on the right, both or none: the cells hold up to two labels."""
    rows, draws = ["path,label"], np.random.default_rng(0)
    for i in range(90):
        lit = [name for name, on in (("left", i % 4 in (0, 2)), ("right", i % 4 in (1, 2))) if on]
        pixels = draws.integers(0, 60, (8, 8), dtype=np.uint8)
        pixels[:, :4] += 150 * ("left" in lit)
        pixels[:, 4:] += 150 * ("right" in lit)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{';'.join(lit)}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    model = vision.train(tmp_path / "labels.csv", weights="none", epochs=4, batch_size=8, mirror="no")
    assert model.recipe.separator == ";" and any("several labels" in note for note in model.facts.notes)
    assert sum(model.facts.rows.values()) == 90
    assert model.facts.metrics["f1_macro"] > 0.9 > model.facts.baseline["f1_macro"]
    model.save(tmp_path / "out")
    answer = vision.load(tmp_path / "out").predict(tmp_path / "2.png")
    assert set(answer["prediction"]) == {"left", "right"}
    single = vision.train(tmp_path / "labels.csv", weights="none", epochs=1, batch_size=8, separator="none")
    assert len(single.predict(tmp_path / "2.png")["probabilities"]) == 3


def test_pictures_are_held_out_where_each_has_a_cell_of_its_own(tmp_path: Path) -> None:
    """None had been, and the numbers were those of training; a label that the test lacks is told."""
    rows = ["path,label"]
    for i in range(60):
        Image.new("L", (8, 8), 4 * i).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{'abcdef'[i % 6]};{'klmnopqrst'[i // 6]}" + ";rare" * (i == 7))
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    splits = read_splits(tmp_path / "labels.csv", APP.recipe.make({"weights": "none"}), None, None)
    assert len(splits.valid) == 6 and len(splits.test) in (5, 6) and "b;l;rare" in splits.train.targets
    (told,) = (note for note in splits.notes if "test pictures" in note)
    assert told.startswith("f1_macro counts as 0 labels without test pictures (") and "rare" in told


def test_cutmix_changes_what_is_learnt(tmp_path: Path) -> None:
    source = write_classes(tmp_path, each=20)
    dials = {"weights": "none", "epochs": 1, "batch_size": 8}
    plain, mixed = (vision.train(source, **dials, cutmix=alpha).facts.journal[0]["loss"] for alpha in (0.0, 1.0))
    assert plain != mixed
