"""A trained model: answers, is measured, saved and loaded. Never loads fastai."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from shared import artifact as artifacts
from shared.display import PARTS, number
from shared.errors import UserError, as_path, readable, told_of
from shared.measuring import Facts
from shared.precision import resolve, resolve_device
from shared.predict import Predictor, answers
from shared.protocol import Answer, App, Compares, Data, Examples, Inputs, Preprocessor, Recalls
from shared.recipe import Recipe


@dataclass(repr=False)
class Model:
    """What training gives and `load` gives back."""

    app: App
    recipe: Recipe
    preprocessor: Preprocessor
    predictor: Predictor
    facts: Facts

    def __repr__(self) -> str:
        """One line, where a notebook would show screens of weights."""
        name, value = self.facts.headline, self.facts.metrics.get(self.facts.headline)
        told = (
            "not measured" if value is None else f"{name} {number(value)} on the {PARTS[self.facts.measured_on]} rows"
        )
        return f"<{self.app.name} model: {told}>"

    def predict(self, value: Any) -> Answer | list[Answer]:
        """The answer to one input, or a list of answers to many (a list, an array, a DataFrame)."""
        inputs, single = self.app.inputs(value, self.recipe)
        found = list(answers(self.predictor, self.preprocessor, inputs))
        return found[0] if single else found

    def predict_sources(
        self, sources: Sequence[str] | str | os.PathLike[str], say: Callable[[str], None] | None = None
    ) -> Iterator[Answer]:
        """Answers to files, folders, tables, texts or "-" (or one of them), block by block, each with its `input`. `say` is
        told once how the inputs differ from those of training."""
        said: set[str] = set()
        many = [os.fspath(sources)] if isinstance(sources, str | os.PathLike) else sources  # not a string's letters
        for names, inputs in _readable(self.app.read_inputs(many, self.recipe)):
            if say is not None:
                for note in set(self._differences(inputs)) - said:
                    said.add(note)
                    say(note)
            with told_of(str(names[0])[:80]):
                for name, answer in zip(names, answers(self.predictor, self.preprocessor, inputs), strict=True):
                    yield {"input": name, **answer}

    def _differences(self, inputs: Inputs) -> list[str]:
        return self.preprocessor.differences(inputs) if isinstance(self.preprocessor, Compares) else []

    def _recalled(self, examples: Examples) -> list[str]:
        known = self.preprocessor
        return known.recalled(examples) if isinstance(known, Recalls) else []

    def encode(self, examples: Examples) -> Data:
        return Data(self.preprocessor.encode(examples.inputs), self.preprocessor.encode_targets(examples.targets))

    def evaluate(self, source: str | os.PathLike[str]) -> dict[str, Any]:
        """Metrics and the naive baseline's on labelled rows, the number of rows, and notes on how they were read."""
        examples = self.app.read_examples(as_path(source, "source"), self.recipe)
        with told_of(source):
            data = self.encode(examples)
        if not len(data):
            raise UserError(f"{source}: no labelled rows to evaluate on")
        objective = self.app.objective(self.preprocessor, self.recipe)
        metrics, baseline = objective.measure(self.predictor, data), objective.baseline(data)
        return {
            "headline": objective.headline,
            "metrics": metrics,
            "baseline": baseline,
            "rows": {"train": 0, "valid": 0, "test": len(data)},
            "notes": self.remarks(examples),
        }

    def remarks(self, examples: Examples) -> tuple[str, ...]:
        """How labelled rows were read, how they differ from those of training, and which of them training had."""
        return (*examples.notes, *self._differences(examples.inputs), *self._recalled(examples))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes the artifact, replacing an earlier one whole or not at all."""
        network: dict[str, Tensor] = dict(self.predictor.network.state_dict())
        artifact = artifacts.Artifact(
            self.app.name,
            asdict(self.recipe),
            self.preprocessor.state(),
            asdict(self.facts),
            network,
            self.preprocessor.tensors(),
        )
        place = as_path(folder, "folder")
        artifacts.write(artifact, place)
        return place


def _readable(blocks: Iterator[tuple[list[Any], Inputs]]) -> Iterator[tuple[list[Any], Inputs]]:
    """The blocks. Raises UserError where the system refuses to read one, as with names that are too long."""
    with readable("the input", "correct its name or the rights to it"):
        yield from blocks


def load(app: App, folder: str | os.PathLike[str]) -> Model:
    """Reads an artifact. Raises UserError at anything missing, damaged, newer, or of another app."""
    path = as_path(folder, "folder")
    stored = artifacts.read(path, app.name)
    try:
        recipe = app.recipe(**stored.recipe)
        preprocessor = app.restore(stored.preprocessor, stored.fitted)
        network = app.model(preprocessor, recipe, pretrained=False)
        facts = Facts(**stored.facts)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UserError(
            f"{path}: the model's description does not fit this program ({error}); train it again"
        ) from error
    artifacts.fill(network, stored.network, path)
    device = resolve_device("auto")
    predictor = Predictor(network.to(device).eval(), resolve(recipe.precision, device))
    return Model(app, recipe, preprocessor, predictor, facts)
