"""The collab app: users, items and ratings in; predicted ratings or ranked items out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from apps.collab.blend import Blend
from apps.collab.fitting import fit_closed_form, measure_noise
from apps.collab.inputs import from_python, from_sources
from apps.collab.layouts import find_tables
from apps.collab.learning import train_blend
from apps.collab.linked import train_linked
from apps.collab.model import RatingNetwork, build
from apps.collab.objective import RatingError, TopItems
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.reading import read_part, read_splits
from apps.collab.recipe import CollabRecipe
from apps.collab.warm import adopt
from shared.artifact import Artifact
from shared.progress import CLOSED_FORM
from shared.protocol import Data, Examples, Group, Inputs, Objective, Preprocessor, Splits
from shared.recipe import Recipe

if TYPE_CHECKING:
    from shared.checkpoint import Checkpoint
    from shared.progress import Progress, Setup

SAMPLED = "posterior sampling"
"""What weights are that the sampler fitted."""

FLATTERING = (
    "`uncertainty` is measured on the training rows, which flatters it: --valid-fraction 0.1 measures it on others"
)


class CollabApp:
    """See shared.protocol.App."""

    name = "collab"
    recipe: type[Recipe] = CollabRecipe

    def read(self, source: Path, recipe: Recipe, valid: Path | str | None, test: Path | None) -> Splits:
        assert isinstance(recipe, CollabRecipe)
        return read_splits(source, recipe, valid, test)

    def read_examples(self, source: Path, recipe: Recipe) -> Examples:
        assert isinstance(recipe, CollabRecipe)
        tables = find_tables(source)
        return read_part(tables.get("test") or tables.get("valid") or tables["train"], recipe)

    def read_inputs(self, sources: Sequence[str], recipe: Recipe) -> Iterator[tuple[list[Any], Inputs]]:
        assert isinstance(recipe, CollabRecipe)
        return from_sources(sources, recipe)

    def inputs(self, value: Any, recipe: Recipe) -> tuple[Inputs, bool]:
        assert isinstance(recipe, CollabRecipe)
        return from_python(value, recipe)

    def fit(self, train: Examples, recipe: Recipe) -> CollabPreprocessor:
        assert isinstance(recipe, CollabRecipe)
        return CollabPreprocessor.fit(train, recipe.task)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CollabPreprocessor:
        return CollabPreprocessor.restore(state, tensors)

    def model(self, preprocessor: Preprocessor, recipe: Recipe, pretrained: bool) -> nn.Module:
        assert isinstance(preprocessor, CollabPreprocessor) and isinstance(recipe, CollabRecipe)
        return build(preprocessor, recipe)

    def adopt(self, network: nn.Module, preprocessor: Preprocessor, earlier: Artifact) -> str:
        assert isinstance(preprocessor, CollabPreprocessor)
        return adopt(network, preprocessor, earlier)

    def initialise(self, network: nn.Module, train: Data, recipe: Recipe) -> None:
        assert isinstance(recipe, CollabRecipe)
        fit_closed_form(network, train, recipe)

    def groups(self, network: nn.Module, recipe: Recipe) -> list[Group]:
        if isinstance(network, Blend):
            return [Group(list(network.autoencoder.parameters()), rate=0.2, decay=1 / 30)]
        trained = network.factors() if isinstance(network, RatingNetwork) else list(network.parameters())
        return [Group(trained)]

    def objective(self, preprocessor: Preprocessor, recipe: Recipe) -> Objective:
        assert isinstance(preprocessor, CollabPreprocessor)
        return RatingError(preprocessor) if preprocessor.task == "ratings" else TopItems(preprocessor)

    def train(self, setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
        """See shared.protocol.Trains."""
        if isinstance(setup.network, Blend):
            train_blend(setup, progress, checkpoint)
        elif setup.recipe.epochs:
            train_linked(setup, progress, checkpoint)
        else:
            progress.keep(setup.network, SAMPLED if isinstance(setup.network, RatingNetwork) else CLOSED_FORM)

    def settle(
        self, network: nn.Module, preprocessor: CollabPreprocessor, train: Data, valid: Data, recipe: CollabRecipe
    ) -> str:
        """See shared.protocol.Settles. The test rows are asked for without the validation rows in the lists."""
        preprocessor.remember([valid])
        if isinstance(network, RatingNetwork):
            network.rows = None
            if recipe.epochs:
                measure_noise(network, valid if len(valid) else train)
                return "" if len(valid) else FLATTERING
        return ""

    def remember(self, preprocessor: CollabPreprocessor, held: Sequence[Data]) -> None:
        """See shared.protocol.Remembers."""
        preprocessor.remember(held)

    def callbacks(self, recipe: Recipe) -> list[Any]:
        assert isinstance(recipe, CollabRecipe)
        from apps.collab.callbacks import Divergence, OnlyKnownUsers

        found: list[Any] = [OnlyKnownUsers()] if recipe.split == "users" else []
        return [*found, Divergence()] if recipe.task == "ranking" and recipe.epochs else found


APP = CollabApp()
