"""The tabular app: how rows of a table meet the shared loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from apps.tabular import preprocessor as preprocessing
from apps.tabular import reading
from apps.tabular.columns import from_value
from apps.tabular.ensemble import Ensemble
from apps.tabular.inputs import read_inputs
from apps.tabular.model import TabularNetwork
from apps.tabular.objective import MemberClassification, MemberRegression
from apps.tabular.preprocessor import TabularPreprocessor
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import ClassTarget, NumberTarget
from apps.tabular.warmstart import adopt
from shared.artifact import Artifact
from shared.metrics import Classification, Regression
from shared.protocol import Data, Examples, Group, Inputs, Splits

if TYPE_CHECKING:
    from shared.checkpoint import Checkpoint
    from shared.progress import Progress, Setup


class TabularApp:
    """See `shared.protocol.App`."""

    name = "tabular"
    recipe = TabularRecipe

    def read(self, source: Path, recipe: TabularRecipe, valid: Path | str | None, test: Path | None) -> Splits:
        return reading.read(source, recipe, valid, test)

    def read_examples(self, source: Path, recipe: TabularRecipe) -> Examples:
        return reading.read_examples(source, recipe)

    def read_inputs(self, sources: Sequence[str], recipe: TabularRecipe) -> Iterator[tuple[list[Any], Inputs]]:
        return read_inputs(sources)

    def inputs(self, value: Any, recipe: TabularRecipe) -> tuple[Inputs, bool]:
        return from_value(value)

    def fit(self, train: Examples, recipe: TabularRecipe) -> TabularPreprocessor:
        return preprocessing.fit(train, recipe)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TabularPreprocessor:
        return preprocessing.restore(state, tensors)

    def model(self, preprocessor: TabularPreprocessor, recipe: TabularRecipe, pretrained: bool) -> Ensemble:
        flags = sum(number.flagged for number in preprocessor.numbers)
        sizes = [len(category) for category in preprocessor.categories]
        target = preprocessor.target
        classes = target.outputs if isinstance(target, ClassTarget) else 0
        networks = [
            TabularNetwork(preprocessor.edges, flags, sizes, classes, recipe) for _ in range(max(recipe.folds, 1))
        ]
        return Ensemble(networks, target if isinstance(target, NumberTarget) else None)

    def adopt(self, network: nn.Module, preprocessor: TabularPreprocessor, earlier: Artifact) -> str:
        return adopt(network, preprocessor, earlier)

    def initialise(self, network: nn.Module, train: Data, recipe: TabularRecipe) -> None:
        """The network starts from its random weights."""

    def groups(self, network: nn.Module, recipe: TabularRecipe) -> list[Group]:
        assert isinstance(network, Ensemble)
        return [Group(list(network.networks[0].parameters()))]

    def train(self, setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
        from apps.tabular.bagging import train

        train(setup, progress, checkpoint)

    def objective(self, preprocessor: TabularPreprocessor, recipe: TabularRecipe) -> Classification | Regression:
        target = preprocessor.target
        if isinstance(target, ClassTarget):
            return MemberClassification(target.labels, recipe.label_smoothing, recipe.class_weights)
        assert isinstance(target, NumberTarget)
        return MemberRegression(target, recipe.interval > 0)

    def settle(
        self, network: nn.Module, preprocessor: TabularPreprocessor, train: Data, valid: Data, recipe: TabularRecipe
    ) -> str:
        """After the last step: trees beside the networks, weighed by validation, and what calibrates the answers."""
        from apps.tabular.settling import settle

        assert isinstance(network, Ensemble)
        return settle(network, preprocessor.target, train, valid, recipe)

    def callbacks(self, recipe: TabularRecipe) -> list[Any]:
        return []


APP = TabularApp()
