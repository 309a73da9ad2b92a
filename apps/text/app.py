"""The text app: what the core calls, from reading texts to the blend of the two experts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.text import blend, encoder, inputs, preprocessor, reading, warm
from apps.text.awd_lstm import KIND
from apps.text.consistency import Consistent
from apps.text.doubt import cascades, narrowed
from apps.text.encoded import Texts
from apps.text.model import TextNetwork
from apps.text.preprocessor import TextPreprocessor
from apps.text.recipe import TextRecipe
from apps.text.repeats import marks
from shared.artifact import Artifact
from shared.classes import objective_of
from shared.progress import CLOSED_FORM, Progress, Setup
from shared.protocol import Data, Examples, Group, Objective, Splits


class TextApp:
    """Texts in, one class of two or more out."""

    name = "text"
    recipe = TextRecipe

    def read(self, source: Path, recipe: TextRecipe, valid: Path | str | None, test: Path | None) -> Splits:
        return reading.read(source, recipe, valid, test)

    def read_examples(self, source: Path, recipe: TextRecipe) -> Examples:
        return reading.read_examples(source, recipe)

    def read_inputs(self, sources: Sequence[str], recipe: TextRecipe) -> Iterator[tuple[list[Any], np.ndarray]]:
        return inputs.read_inputs(sources, recipe)

    def inputs(self, value: Any, recipe: TextRecipe) -> tuple[np.ndarray, bool]:
        return inputs.as_texts_given(value, recipe)

    def fit(self, train: Examples, recipe: TextRecipe) -> TextPreprocessor:
        return preprocessor.fit(train, recipe)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TextPreprocessor:
        return preprocessor.restore(state, tensors)

    def model(self, fitted: TextPreprocessor, recipe: TextRecipe, pretrained: bool) -> TextNetwork:
        classes, features = len(fitted.labels.names), len(fitted.buckets)
        if fitted.spec is None:
            return TextNetwork(classes, max(features, 1), None, 0, 0.0)
        weights = encoder.find_weights(recipe.weights)[0] if pretrained else None
        body = encoder.build(fitted.spec, recipe.dropout, weights)
        network = TextNetwork(classes, features, body, encoder.width(fitted.spec), recipe.dropout)
        network.draws = 2 if recipe.consistency else 1
        return network

    def adopt(self, network: TextNetwork, fitted: TextPreprocessor, earlier: Artifact) -> str:
        return warm.adopt(network, fitted, earlier)

    def initialise(self, network: TextNetwork, train: Data, recipe: TextRecipe) -> None:
        """The n-gram expert is fitted to convergence before the first step."""
        if network.has_grams:
            assert isinstance(train.inputs, Texts)
            network.grams.fit(train.inputs.grams, train.targets, recipe.class_weights == "auto")

    def prepare(self, setup: Setup, fitted: TextPreprocessor, progress: Progress) -> Setup:
        """The encoder learns the language of the texts first and reads only those that the n-grams leave in doubt, each
        where the plan says so."""
        network, recipe = setup.network, setup.recipe
        assert isinstance(network, TextNetwork) and isinstance(recipe, TextRecipe)
        if network.has_grams:  # fitted already: all that a run has which is stopped now
            progress.keep(network, CLOSED_FORM)
        if not network.has_encoder:
            return setup
        if cascades(network, recipe):
            setup = narrowed(setup)
            of_these = f"{len(setup.train):,} training and {len(setup.valid):,} validation texts"
            progress.display.say(
                f"the encoder learns from and is judged by what the n-grams leave in doubt: {of_these}"
            )
        if recipe.language_epochs:
            from apps.text import language

            from_scratch = fitted.spec is not None and fitted.spec.config.get("model_type") == KIND
            (language.learn if from_scratch else language.learn_where_it_pays)(setup, fitted, progress)
        return setup

    def groups(self, network: TextNetwork, recipe: TextRecipe) -> list[Group]:
        """The encoder's layers, each slower than the next; without an encoder the n-gram expert."""
        if not network.has_encoder:
            return [Group(list(network.grams.parameters()), decay=0.0)]
        return encoder.layer_groups(network.body, recipe.layer_decay) + [
            Group(list(network.head.parameters()), encoder.rate(network.body))
        ]

    def objective(self, fitted: TextPreprocessor, recipe: TextRecipe) -> Objective:
        plain = objective_of(fitted.labels, recipe.smoothing, recipe.class_weights)
        return Consistent(plain, recipe.consistency) if recipe.consistency else plain

    def callbacks(self, recipe: TextRecipe) -> list[Any]:
        if not recipe.unfreeze:
            return []
        from apps.text.callbacks import Unfreezing

        return [Unfreezing(recipe.unfreeze)]

    def settle(
        self, network: TextNetwork, fitted: TextPreprocessor, train: Data, valid: Data, recipe: TextRecipe
    ) -> str:
        """Validation decides the strength of the n-grams' penalty and the weights of the blend."""
        if not len(valid):
            return ""
        if _closed(network, recipe):
            blend.tune(network, train, valid, recipe)
        return blend.choose(network, valid, recipe)

    def complete(self, network: TextNetwork, setup: Setup) -> str:
        assert isinstance(setup.recipe, TextRecipe)
        if not len(setup.valid) or not _closed(network, setup.recipe):
            return ""
        return blend.complete(network, setup.train, setup.valid, setup.recipe)

    def remember(self, preprocessor: TextPreprocessor, held: Sequence[Data]) -> None:
        """See shared.protocol.Remembers: the validation texts, first of these, were chosen by, and often learnt from."""
        valid = held[0].inputs
        assert isinstance(valid, Texts)
        known = torch.from_numpy(valid.marks[valid.marks != marks([""])])
        preprocessor.seen = torch.cat([preprocessor.seen, known])


def _closed(network: TextNetwork, recipe: TextRecipe) -> bool:
    """Whether there are n-grams whose fit in closed form no epoch has changed."""
    return network.has_grams and (network.has_encoder or not recipe.epochs)


APP = TextApp()
