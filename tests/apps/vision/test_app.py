"""What the app says of its own work is so."""

from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from apps import vision
from apps.vision.app import APP
from apps.vision.recipe import VisionRecipe
from shared import artifact as artifacts
from shared.display import Clock
from shared.run import Options, prepare
from tests.apps.vision.draw import stripes, write_classes


def test_classes_of_an_earlier_head_count_only_where_they_fit(tmp_path: Path) -> None:
    """Pictures of 8 pixels need fewer groups of convolutions, and so a narrower head, than those of 32."""
    small, large = write_classes(tmp_path / "8", each=4), write_classes(tmp_path / "32", each=4, side=32)
    vision.train(small, weights="none", epochs=1, out=tmp_path / "model")
    earlier = artifacts.read(tmp_path / "model")
    earlier.network["head.linear.bias"].fill_(5)
    earlier.preprocessor["labels"]["names"][0] = "cafe\u0301"
    for source in (small, large):
        (source / "level").rename(source / "caf\u00e9")
    for source, said in ((small, "and 2 classes"), (large, "and 0 classes")):
        prepared = prepare(APP, source, VisionRecipe.make({"weights": "none"}), Options(), Clock())
        network = prepared.setup.network
        assert APP.adopt(network, prepared.preprocessor, earlier).endswith(said)
        assert bool((network.state_dict()["head.linear.bias"] == 5).all()) == (source is small)


def test_an_earlier_model_sees_pixels_as_it_did(tmp_path: Path) -> None:
    """Its weights fit its own mean and spread: those of fewer, darker pictures would change its answers."""
    source, dark = write_classes(tmp_path / "all", each=8, side=32), tmp_path / "dark"
    for path in sorted(source.rglob("*.png"))[::2]:
        (dark / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.open(path).point(lambda value: value // 4).save(dark / path.parent.name / path.name)
    earlier = vision.train(source, weights="none", epochs=1, batch_size=4, out=tmp_path / "model")
    vision.train(
        dark, weights="none", epochs=0, views=earlier.recipe.views, start_from=tmp_path / "model", out=tmp_path / "more"
    )
    asked = sorted(source.rglob("*.png"))
    assert vision.load(tmp_path / "more").predict(asked) == earlier.predict(asked)


def test_pictures_measured_that_were_trained_on_are_told(tmp_path: Path) -> None:
    source, dials = write_classes(tmp_path / "own"), {"weights": "none", "epochs": 1, "batch_size": 8}
    for label in ("upright", "level"):  # plain ones, which many have, are no copies
        Image.new("L", (8, 8), 255).save(source / label / "plain.png")
        Image.new("L", (8, 8), 255).save(tmp_path / f"{label}.png")
        stripes(label == "upright", 1000 + (label == "level")).save(tmp_path / f"new {label}.png")
    lines = [f"{name}{label}.png,{label}" for label in ("upright", "level") for name in ("", "new ")]
    (tmp_path / "others.csv").write_text("\n".join(["path,label", *lines]))
    vision.train(source, **dials).save(tmp_path / "model")
    model = vision.load(tmp_path / "model")
    seen = len(model.preprocessor.seen)
    assert model.facts.rows["train"] - 2 <= seen < 66
    (told,) = (note for note in model.evaluate(source)["notes"] if "training pictures" in note)
    assert (
        told == f"{seen} of 82 measured pictures also stand in the training pictures: results look better than they are"
    )
    assert not any("training pictures" in note for note in model.evaluate(tmp_path / "others.csv")["notes"])


def test_fine_tuning_keeps_the_statistics_of_pretrained_weights(tmp_path: Path) -> None:
    """Those of a few batches of a few pictures are noise: fine-tuning lost to the head alone where it gains without."""
    known = timm.create_model("test_resnet").state_dict()
    save_file(known, tmp_path / "test_resnet.safetensors")
    source, weights = write_classes(tmp_path / "own", each=12, side=32), str(tmp_path / "test_resnet.safetensors")
    model = vision.train(
        source, weights=weights, image_size=32, epochs=1, lr=0.01, enough=2.0, ema=0.0, frozen_epochs=0
    )
    found = model.predictor.network.body.network.state_dict()
    assert model.facts.chosen == "train epoch 1" and not torch.equal(found["conv1.0.weight"], known["conv1.0.weight"])
    kept = [name for name in found if "running" in name]
    assert kept and all(torch.equal(found[name], known[name]) for name in kept)
