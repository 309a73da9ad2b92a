"""The vision app: what the core calls, from reading pictures to the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from apps.vision import backbones, reading, scratch, warm
from apps.vision.augment import Views
from apps.vision.backbones import Backbone
from apps.vision.calibrate import calibrate
from apps.vision.duplicates import learnt_marks
from apps.vision.given import as_pictures
from apps.vision.inputs import read_inputs
from apps.vision.model import Body, VisionNetwork, layer_groups, plain_groups, whiten
from apps.vision.muon import Muon
from apps.vision.pictures import Encoded, Pictures
from apps.vision.plan import SCRATCH_CROP, growing_step
from apps.vision.preprocessor import VisionPreprocessor
from apps.vision.recipe import VisionRecipe
from apps.vision.review import review
from shared.artifact import Artifact
from shared.classes import fit_classes, objective_of
from shared.labels import Labels
from shared.precision import units
from shared.predict import Predictor
from shared.progress import Steps
from shared.protocol import Data, Examples, Group, Objective, Splits
from shared.sampling import evenly

SAMPLE = 2000
"""Pictures looked at for the mean and spread of pixels and for the whitening of the first layer."""


class VisionApp:
    """Pictures in, one class of two or more out; or, from a csv, any number of labels."""

    name = "vision"
    recipe = VisionRecipe

    def read(self, source: Path, recipe: VisionRecipe, valid: Path | str | None, test: Path | None) -> Splits:
        return reading.read_splits(source, recipe, valid, test)

    def read_examples(self, source: Path, recipe: VisionRecipe) -> Examples:
        return reading.read_labelled(source, recipe, ("test", "valid"))

    def read_inputs(self, sources: Sequence[str], recipe: VisionRecipe) -> Iterator[tuple[list[Any], Pictures]]:
        return read_inputs(sources, recipe)

    def inputs(self, value: Any, recipe: VisionRecipe) -> tuple[Pictures, bool]:
        return as_pictures(value, recipe.stored_size or 0, recipe.white)

    def fit(self, train: Examples, recipe: VisionRecipe) -> VisionPreprocessor:
        labels, seen = fit_classes(train.targets, recipe.separator), torch.from_numpy(learnt_marks(train.inputs))
        if recipe.weights != "none":
            weights, _ = backbones.find_weights(recipe.weights)
            assert weights is not None
            return VisionPreprocessor(labels, backbones.pretrained_backbone(weights, recipe.image_size), seen)
        assert recipe.image_size is not None
        name = backbones.from_scratch(recipe.image_size, units(recipe.precision, recipe.device))
        mean, std = _pixel_statistics(train.inputs)
        crop = 1.0 if name in scratch.WIDTHS else SCRATCH_CROP
        return VisionPreprocessor(labels, Backbone(name, recipe.image_size, crop, mean, std, len(mean) == 1), seen)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> VisionPreprocessor:
        found = VisionPreprocessor.from_state(state)
        return replace(found, seen=tensors.get("seen", found.seen))

    def model(self, preprocessor: VisionPreprocessor, recipe: VisionRecipe, pretrained: bool) -> VisionNetwork:
        backbone = preprocessor.backbone
        weights = backbones.find_weights(recipe.weights)[0] if pretrained else None
        network = backbones.build_pretrained(backbone, weights) if weights else backbones.build(backbone)
        body = Body(network, backbone, recipe.views, one_length=recipe.weights != "none")
        return VisionNetwork(body, len(preprocessor.labels.names)).to(memory_format=torch.channels_last)

    def adopt(self, network: nn.Module, preprocessor: VisionPreprocessor, earlier: Artifact) -> str:
        assert isinstance(network, VisionNetwork)
        return warm.adopt(network, preprocessor, earlier)

    def initialise(self, network: nn.Module, train: Data, recipe: VisionRecipe) -> None:
        assert isinstance(network, VisionNetwork)
        if isinstance(network.body.network, scratch.SmallNetwork):
            whiten(network, train.inputs.batch(torch.from_numpy(evenly(len(train), SAMPLE)))[0])

    def groups(self, network: nn.Module, recipe: VisionRecipe) -> list[Group]:
        assert isinstance(network, VisionNetwork)
        body, head = network.body.network, Group(list(network.head.parameters()))
        if recipe.weights == "none":
            return [*plain_groups(body), head]
        return [*layer_groups(body, recipe.layer_decay), head]

    def settle(
        self, network: nn.Module, preprocessor: VisionPreprocessor, train: Data, valid: Data, recipe: VisionRecipe
    ) -> str:
        """Calibrates the probabilities; says which classes and pictures are worth a look."""
        assert isinstance(network, VisionNetwork) and isinstance(valid.inputs, Encoded)
        if not len(valid):
            return ""
        scores, targets = Predictor(network, recipe.precision).outputs(valid.inputs).clone(), valid.targets.cpu()
        temperature, said = calibrate(network, scores, targets)
        sentences = [said]
        if isinstance(preprocessor.labels, Labels):
            files = valid.inputs.pictures.names.tolist()
            sentences += review(scores / temperature, targets, preprocessor.labels.names, files)
        return "; ".join(sentence for sentence in sentences if sentence)

    def objective(self, preprocessor: VisionPreprocessor, recipe: VisionRecipe) -> Objective:
        return objective_of(preprocessor.labels, recipe.smoothing, recipe.class_weights)

    def callbacks(self, recipe: VisionRecipe) -> list[Any]:
        from apps.vision.callbacks import Augment, KeptStatistics

        assert recipe.image_size is not None and recipe.first_size is not None
        views, step = Views(recipe.augment, recipe.mirror == "yes"), growing_step(recipe.image_size)
        augment = Augment(views, (recipe.first_size, recipe.image_size, step), recipe.cutmix)
        return [augment] if recipe.weights == "none" else [augment, KeptStatistics()]

    def steps(self, recipe: VisionRecipe) -> Steps:
        """From scratch: orthogonal steps at once; the gentle cycle of AdamW around pretrained weights."""
        return Steps(Muon, (0.6, 0.6, 0.6), 0.0) if recipe.weights == "none" else Steps()


def _pixel_statistics(pictures: Pictures) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of pixels in 0..1: one number where all pictures are grey, else one a channel."""
    sums, squares, pixels, grey = np.zeros(3), np.zeros(3), 0, True
    for row in evenly(len(pictures), SAMPLE):
        seen = pictures.pixels(row[None]).reshape(-1, 3).astype(np.float32) / 255
        grey = grey and bool((seen[:, :1] == seen).all())
        sums, squares, pixels = sums + seen.sum(0), squares + np.square(seen).sum(0), pixels + len(seen)
    mean = sums / pixels
    std = np.maximum(np.sqrt(np.maximum(squares / pixels - mean**2, 0)), 1e-3)
    channels = 1 if grey else 3
    return tuple(round(float(m), 6) for m in mean[:channels]), tuple(round(float(s), 6) for s in std[:channels])


APP = VisionApp()
