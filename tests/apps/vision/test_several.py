"""Several labels a picture: learnt from a csv, measured and answered."""

from pathlib import Path

import numpy as np
from PIL import Image

from apps import vision
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


def test_cutmix_changes_what_is_learnt(tmp_path: Path) -> None:
    source = write_classes(tmp_path, each=20)
    dials = {"weights": "none", "epochs": 1, "batch_size": 8}
    plain, mixed = (vision.train(source, **dials, cutmix=alpha).facts.journal[0]["loss"] for alpha in (0.0, 1.0))
    assert plain != mixed
