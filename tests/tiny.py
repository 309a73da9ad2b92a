"""The smallest real app, for testing the core alone: points of a plane in two classes, a csv of x,y,label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shared.artifact import Artifact
from shared.head import BodyHead, LinearHead
from shared.labels import Labels
from shared.loaders import Tensors
from shared.metrics import Classification
from shared.protocol import Answer, Data, Examples, Field, Group, Inputs, Splits
from shared.recipe import Recipe, Stages, dial
from shared.splits import complete
from shared.tables import read_table


@dataclass(frozen=True)
class TinyRecipe(Recipe):
    frozen_epochs: int | None = dial(None, "epochs of the head alone; none: to convergence", least=0)
    dropout: float = dial(0.0, "share of hidden units dropped", least=0)

    def stages(self) -> Stages:
        return Stages(self.frozen_epochs)


@dataclass(frozen=True)
class TinyPreprocessor:
    labels: Labels
    mean: Tensor

    def encode(self, inputs: Inputs) -> Tensors:
        points = torch.tensor(np.stack([inputs["x"], inputs["y"]], 1), dtype=torch.float)
        return Tensors(points - self.mean)

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        return self.labels.encode(targets)

    def decode(self, outputs: Tensor, inputs: Inputs) -> list[Answer]:
        return self.labels.answers(outputs.softmax(1))

    def fields(self) -> list[Field]:
        return [Field("x", "number"), Field("y", "number")]

    def state(self) -> dict[str, Any]:
        return {"labels": self.labels.state()}

    def tensors(self) -> dict[str, Tensor]:
        return {"mean": self.mean}


class TinyNetwork(BodyHead):
    def __init__(self, classes: int, dropout: float) -> None:
        body = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Dropout(dropout))
        super().__init__(body, LinearHead(32, classes))


class TinyApp:
    name = "tiny"
    recipe = TinyRecipe

    def read(self, source: Path, recipe: Recipe, valid: Path | str | None, test: Path | None) -> Splits:
        train = self.read_examples(source, recipe)
        none = train.take(np.arange(0)) if valid == "none" else None
        parts = complete(
            train, none, None if test is None else self.read_examples(test, recipe), (0.2, 0.2), recipe.seed
        )
        return Splits(*parts, recipe, ("points of a plane",))

    def read_examples(self, source: Path, recipe: Recipe) -> Examples:
        frame = read_table(source)
        points = {name: frame[name].to_numpy(float) for name in ("x", "y")}
        return Examples(points, frame["label"].to_numpy(str))

    def read_inputs(self, sources: Sequence[str], recipe: Recipe) -> Iterator[tuple[list[Any], Inputs]]:
        for source in sources:
            points = self.read_examples(Path(source), recipe).inputs
            yield [f"{source}:{i}" for i in range(len(points["x"]))], points

    def inputs(self, value: Any, recipe: Recipe) -> tuple[Inputs, bool]:
        single = isinstance(value, tuple)
        points = np.array([value] if single else value, dtype=float)
        return {"x": points[:, 0], "y": points[:, 1]}, single

    def fit(self, train: Examples, recipe: Recipe) -> TinyPreprocessor:
        mean = torch.tensor([train.inputs["x"].mean(), train.inputs["y"].mean()], dtype=torch.float)
        return TinyPreprocessor(Labels.fit(train.targets), mean)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TinyPreprocessor:
        return TinyPreprocessor(Labels.from_state(state["labels"]), tensors["mean"])

    def model(self, preprocessor: TinyPreprocessor, recipe: TinyRecipe, pretrained: bool) -> TinyNetwork:
        return TinyNetwork(len(preprocessor.labels.names), recipe.dropout)

    def adopt(self, network: nn.Module, preprocessor: TinyPreprocessor, earlier: Artifact) -> str:
        network.load_state_dict(dict(earlier.network))
        return "all weights"

    def initialise(self, network: nn.Module, train: Data, recipe: Recipe) -> None:
        """Nothing to tell."""

    def groups(self, network: TinyNetwork, recipe: Recipe) -> list[Group]:
        return [Group(list(network.body.parameters()), 0.3), Group(list(network.head.parameters()))]

    def objective(self, preprocessor: TinyPreprocessor, recipe: Recipe) -> Classification:
        return Classification(preprocessor.labels)

    def callbacks(self, recipe: Recipe) -> list[Any]:
        return []


APP = TinyApp()


def write_rings(path: Path, rows: int = 400, seed: int = 0) -> Path:
    """A ring around a disc: no line tells them apart, a small network does."""
    draws = np.random.default_rng(seed)
    inner = draws.random(rows) < 0.5
    radius, angle = np.where(inner, 0.7 * draws.random(rows), 1.3 + draws.random(rows)), 6.283 * draws.random(rows)
    lines = [
        f"{r * np.cos(a):.5f},{r * np.sin(a):.5f},{'in' if i else 'out'}"
        for r, a, i in zip(radius, angle, inner, strict=True)
    ]
    path.write_text("x,y,label\n" + "\n".join(lines) + "\n")
    return path
