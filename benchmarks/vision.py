"""Glance beside stock fastai on the same pictures and weights, alternating; and how busy the network is kept.

    python benchmarks/vision.py DATA/train DATA/val --weights vit_tiny_patch16_224 [--runs 2]
    python benchmarks/vision.py DATA/train --feeding [--weights none]
    python benchmarks/vision.py FOLDER --many 100000       writes that many JPEGs there, trains to the first step, deletes them

Every run is a process of its own; seconds are told as wall time and as processor time (which other programs on
the machine disturb less). Stock fastai is `ImageDataLoaders`, `vision_learner` and `fine_tune` as its tutorial has them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TURNS, STEPS = 3, 15
"""Of the feeding measurement: passes of each kind, and the steps of one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="class folders to train on")
    parser.add_argument("test", type=Path, nargs="?", help="class folders to measure on")
    parser.add_argument("--weights", default="vit_tiny_patch16_224")
    parser.add_argument("--runs", type=int, default=2, help="runs of each side")
    parser.add_argument("--epochs", type=int, default=3, help="argument of stock fastai's fine_tune")
    parser.add_argument("--feeding", action="store_true", help="images/s of training over those of random tensors")
    parser.add_argument(
        "--many", type=int, metavar="N", help="seconds and memory until the first step on N drawn pictures"
    )
    parser.add_argument("--stock", type=int, metavar="SEED", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.stock is not None:
        print(json.dumps(stock(parsed)))
    elif parsed.many:
        print(json.dumps(first_step(parsed.train, parsed.many)))
    elif parsed.feeding:
        print(json.dumps(feeding(parsed.train, parsed.weights)))
    elif parsed.test is None:
        parser.error("name the test pictures too")
    else:
        compare(parsed)


def compare(parsed: argparse.Namespace) -> None:
    """Runs the two sides in turn and prints each, the means and the ratios."""
    own = [sys.executable, "-m", "apps", "vision", "train", str(parsed.train), "--valid", "none", "--quiet", "--json"]
    own += ["--test", str(parsed.test), "--weights", parsed.weights]
    stock_side = [sys.executable, __file__, str(parsed.train), str(parsed.test), "--weights", parsed.weights]
    stock_side += ["--epochs", str(parsed.epochs)]
    found: dict[str, list[dict[str, float]]] = {"glance": [], "fastai": []}
    for seed in range(parsed.runs):
        with tempfile.TemporaryDirectory() as out:
            found["glance"].append(timed([*own, "--seed", str(seed), "--out", f"{out}/model"]))
        found["fastai"].append(timed([*stock_side, "--stock", str(seed)]))
        for side, runs in found.items():
            print(side, {name: round(value, 4) for name, value in runs[-1].items()}, flush=True)
    means = {
        side: {name: statistics.mean(run[name] for run in runs) for name in runs[0]} for side, runs in found.items()
    }
    print(json.dumps({**means, "ratio": {n: means["fastai"][n] / means["glance"][n] for n in ("wall", "processor")}}))


def timed(command: list[str]) -> dict[str, float]:
    """Accuracy, wall and processor seconds of a command whose last line is JSON."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    accuracy = json.loads(shown.splitlines()[-1])["metrics"]["accuracy"]
    return {"accuracy": accuracy, "wall": time.perf_counter() - start, "processor": processor}


def stock(parsed: argparse.Namespace) -> dict[str, Any]:
    """fastai's own recipe, at its defaults but for the weights' place."""
    from fastai.vision.all import ImageDataLoaders, Resize, accuracy, aug_transforms, set_seed, vision_learner

    from apps.vision import backbones

    weights, _ = backbones.find_weights(parsed.weights)
    assert weights is not None
    set_seed(parsed.stock, reproducible=True)
    root = Path(os.path.commonpath([parsed.train.resolve(), parsed.test.resolve()]))
    parts = {"train": parsed.train.resolve().relative_to(root), "valid": parsed.test.resolve().relative_to(root)}
    loaders = ImageDataLoaders.from_folder(
        root,
        **{name: str(part) for name, part in parts.items()},
        item_tfms=Resize(256),
        batch_tfms=aug_transforms(size=backbones.pretrained_backbone(weights, None).size),
        num_workers=0,
    )
    learner = vision_learner(
        loaders,
        backbones.architecture(weights.name),
        metrics=accuracy,
        pretrained_cfg_overlay={"file": str(weights.path), "custom_load": False, "hf_hub_id": None, "url": ""},
    )
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(parsed.epochs)
        return {"metrics": {"accuracy": float(learner.validate()[1])}}


def feeding(train: Path, weights: str) -> dict[str, float]:
    """Images/s of training from pictures, and of the same steps on random tensors, in turn; the first turn warms up."""
    import torch
    from fastai.callback.core import Callback, CancelTrainException, CancelValidException
    from fastai.data.core import DataLoaders

    from apps import vision
    from shared.loaders import Loader
    from shared.protocol import Data

    class Noise:
        """Random views, ready made, in the place of pictures."""

        lengths = None

        def __init__(self, rows: int, batch_size: int, size: int) -> None:
            self.rows, self.views = rows, torch.rand(batch_size + 1, size, size, 3) * 255

        def __len__(self) -> int:
            return self.rows

        def batch(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return (self.views[: len(rows)],)

    class Timer(Callback):
        """Times up to STEPS steps of a pass and leaves validation out."""

        def before_train(self) -> None:
            self.seen, self.start = 0, time.perf_counter()

        def after_batch(self) -> None:
            self.seen += len(self.yb[0])
            if self.iter + 1 >= STEPS:
                raise CancelTrainException

        def after_train(self) -> None:
            self.rate = self.seen / (time.perf_counter() - self.start)

        def before_validate(self) -> None:
            raise CancelValidException

    learner = vision.learner(train, weights=weights, valid="none", epochs=1)
    pictures, augment, timer = learner.dls.train, learner.augment, Timer()
    data, size = pictures.data, learner.augment.size
    augment.first = size  # both sides see pictures of one size
    noise = Loader(
        Data(Noise(len(data), pictures.batch_size, size), data.targets), pictures.batch_size, 0, str(pictures.device)
    )
    rates: dict[str, list[float]] = {"pictures": [], "random": []}
    learner.remove_cb(augment)
    with learner.no_bar(), learner.no_logging():
        for _ in range(TURNS + 1):
            for kind, loader in (("random", noise), ("pictures", pictures)):
                learner.dls = DataLoaders(loader, pictures)
                learner.fit(1, cbs=[timer, *([augment] if kind == "pictures" else [])])
                rates[kind].append(timer.rate)
    best = {kind: max(found[1:]) for kind, found in rates.items()}
    return {**best, "ratio": best["pictures"] / best["random"]}


def first_step(folder: Path, count: int) -> dict[str, float]:
    """Seconds from reading to the end of the first step, and the most memory in bytes; in a process of its own."""
    folder.mkdir(parents=True)
    try:
        draw(folder, count)
        command = [sys.executable, "-c", FIRST_STEP, str(folder)]
        shown = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        found: dict[str, float] = json.loads(shown.splitlines()[-1])
        return found
    finally:
        shutil.rmtree(folder)


FIRST_STEP = """
import json, resource, sys, time
start = time.perf_counter()
from fastai.callback.core import Callback, CancelFitException
from apps import vision

class First(Callback):
    def after_batch(self): raise CancelFitException

learner = vision.learner(sys.argv[1], weights="none")
with learner.no_bar(), learner.no_logging():
    learner.fit(1, cbs=[First()])
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": time.perf_counter() - start, "memory": memory, "rows": len(learner.dls.train.data)}))
"""


def draw(folder: Path, count: int) -> None:
    """Class folders of JPEGs of 96 to 128 pixels a side: blocks of colour under noise."""
    import numpy as np
    from PIL import Image

    draws = np.random.default_rng(0)
    noise = draws.integers(-30, 30, (160, 160, 3))
    for label in range(10):
        (folder / f"class{label}").mkdir()
    for i in range(count):
        height, width, top, left = *draws.integers(96, 129, 2), *draws.integers(0, 32, 2)
        blocks = draws.integers(40, 215, (4, 4, 3)).repeat(32, 0).repeat(32, 1)[:height, :width]
        blocks[:, :, i % 3] //= 1 + i % 10
        picture = (blocks + noise[top : top + height, left : left + width]).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"class{i % 10}" / f"{i:06d}.jpg", quality=85)


if __name__ == "__main__":
    main()
