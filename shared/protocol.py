"""What an application supplies and the core calls: the contract between `apps` and `shared`.

No base classes: an app is any value with these parts. Importing this file loads numpy, never torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

    from shared.artifact import Artifact
    from shared.checkpoint import Checkpoint
    from shared.progress import Progress, Setup, Steps
    from shared.recipe import Recipe

Columns = dict[str, np.ndarray]
"""A table as arrays of one length: float64 for numbers, object (str or None) for the rest."""

Inputs = Any
"""Columnar inputs: an array (texts), a table's Columns, or any value with `len` and `[array of positions]`."""

Answer = dict[str, Any]
"""One prediction as JSON values: `prediction` and `probabilities` or `value`, and what the app adds."""


def count(inputs: Inputs) -> int:
    """The number of rows."""
    return len(next(iter(inputs.values()), ())) if isinstance(inputs, dict) else len(inputs)


def pick(inputs: Inputs, rows: np.ndarray) -> Inputs:
    """The rows at these positions, in this order."""
    if isinstance(inputs, dict):
        return {name: column[rows] for name, column in inputs.items()}
    return inputs[rows]


@dataclass(frozen=True)
class Examples:
    """Inputs with the right answers: `targets` is an array of labels (str) or numbers, one a row.

    `weights`, where there are some, say how much each row counts in training; measuring counts all rows alike. `notes`: what
    a person who measures on them should hear of how they were read.
    """

    inputs: Inputs
    targets: np.ndarray
    weights: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return count(self.inputs)

    def take(self, rows: np.ndarray) -> Examples:
        weights = None if self.weights is None else self.weights[rows]
        return Examples(pick(self.inputs, rows), self.targets[rows], weights)


@dataclass(frozen=True)
class Splits:
    """Train, valid and test; the latter two may be empty. Test is touched once, after training.

    `recipe` is the asked recipe with what reading found out filled in (which column is the target, ...).
    `notes` are sentences about what was inferred, skipped or looks wrong: shown, and kept in the facts.
    """

    train: Examples
    valid: Examples
    test: Examples
    recipe: Recipe
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One input of a form: what a page asks a person for."""

    name: str
    kind: str  # "image", "text", "number", "choice"
    choices: tuple[str, ...] = ()
    default: Any = None


class Encoded(Protocol):
    """Inputs as tensors, batched by position: `batch(rows)` gives what the network's forward takes."""

    lengths: Tensor | None  # cost of each row where rows differ (tokens), for batches of like lengths

    def __len__(self) -> int: ...
    def batch(self, rows: Tensor) -> tuple[Tensor, ...]: ...


@dataclass(frozen=True)
class Data:
    """One split, encoded: inputs and the targets tensor, shape (rows,) or (rows, labels).

    With `weights`, shape (rows,), a training batch ends with them and the objective's loss takes them third.
    """

    inputs: Encoded
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)


class Preprocessor(Protocol):
    """Raw input <-> tensors. Fitted on the training rows only; takes any value without raising."""

    def encode(self, inputs: Inputs) -> Encoded: ...
    def encode_targets(self, targets: np.ndarray) -> Tensor:
        """Raises UserError that names labels never seen in training, with their counts."""
        ...

    def decode(self, outputs: Tensor, inputs: Inputs) -> list[Answer]: ...
    def fields(self) -> list[Field]: ...
    def state(self) -> dict[str, Any]:
        """All that was fitted, as JSON values (no NaN)."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What is large or numeric, kept beside the weights."""
        ...


@runtime_checkable
class Spends(Protocol):
    """A preprocessor that can encode a split and give its inputs up on the way, so that a large one is not held twice."""

    def spend(self, inputs: Inputs) -> Encoded:
        """As `encode`, but leaves `inputs` empty, or with what is not encoded."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A preprocessor that can tell how inputs differ from those of training: the columns that they lack, say."""

    def differences(self, inputs: Any) -> list[str]: ...


@runtime_checkable
class Recalls(Protocol):
    """A preprocessor that can tell which rows it saw in training, as what is measured on them flatters; `of` names it where
    it is an earlier model's."""

    def recalled(self, examples: Examples, of: str = "") -> list[str]: ...


class Outputs(Protocol):
    """Gives the network's outputs for encoded rows: a `Predictor`, or outputs that are there already."""

    def outputs(self, inputs: Encoded) -> Tensor: ...


class Objective(Protocol):
    """What good means. `measure` and `baseline` give metrics by name over a whole split."""

    headline: str

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor: ...
    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]: ...
    def baseline(self, data: Data) -> dict[str, float]:
        """The same metrics of the naive answer that needs no learning, fitted on the training rows."""
        ...

    def score(self, metrics: Mapping[str, float]) -> float:
        """One number to choose weights by; greater is better."""
        ...


@runtime_checkable
class Judges(Protocol):
    """An objective of which part is enough to tell which weights are better, where measuring all takes long."""

    def judge(self, predictor: Outputs, data: Data) -> dict[str, float]:
        """Of `measure` the headline and what `score` looks at."""
        ...


@runtime_checkable
class Chooses(Protocol):
    """An objective whose `score` looks at another metric than the headline: training shows that one."""

    chosen_by: str


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate: `recipe.lr * rate`. Ordered from input to output."""

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    decay: float = 1.0


class App(Protocol):
    """A stateless value: everything that the loop cannot know about one field."""

    name: str
    recipe: type[Recipe]

    def read(self, source: Path, recipe: Recipe, valid: Path | str | None, test: Path | None) -> Splits:
        """Reads every layout; `valid` may be "none". Raises UserError naming file, row, problem and mend."""
        ...

    def read_examples(self, source: Path, recipe: Recipe) -> Examples:
        """Labelled rows to evaluate on: the source's test part when it has parts."""
        ...

    def read_inputs(self, sources: Sequence[str], recipe: Recipe) -> Iterator[tuple[list[Any], Inputs]]:
        """Blocks of (what each input is called in the answer, inputs). Tables may be read whole first: types show in all of a column."""
        ...

    def inputs(self, value: Any, recipe: Recipe) -> tuple[Inputs, bool]:
        """Python values handed to `model.predict`, as inputs, and whether `value` was a single one."""
        ...

    def fit(self, train: Examples, recipe: Recipe) -> Preprocessor: ...
    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Preprocessor: ...
    def model(self, preprocessor: Preprocessor, recipe: Recipe, pretrained: bool) -> nn.Module:
        """With a pretrained part its children are `body` and `head`; the core caches at that seam."""
        ...

    def adopt(self, network: nn.Module, preprocessor: Preprocessor, earlier: Artifact) -> str:
        """Warm start: takes over what an earlier artifact knows of the same things; says how much."""
        ...

    def initialise(self, network: nn.Module, train: Data, recipe: Recipe) -> None:
        """Whatever the training data tells before the first step, in closed form."""
        ...

    def groups(self, network: nn.Module, recipe: Recipe) -> list[Group]: ...
    def objective(self, preprocessor: Preprocessor, recipe: Recipe) -> Objective: ...
    def callbacks(self, recipe: Recipe) -> list[Any]:
        """fastai callbacks for training only: augmentation and the like."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """An app that teaches its network something of its own before the stages: the language of the texts, say."""

    def prepare(self, setup: Setup, preprocessor: Any, progress: Progress) -> Setup:
        """Called once before the first stage, with what the loop works on; leaves the weights to start from. Returns the
        setup of the stages: what they learn from may be less than what `settle` gets."""
        ...


@runtime_checkable
class Settles(Protocol):
    """An app that learns something more once the weights are chosen: a blend with another model, a calibration."""

    def settle(self, network: nn.Module, preprocessor: Any, train: Data, valid: Data, recipe: Any) -> str:
        """Called once, after the last step, unless that was interrupted. Returns a sentence, or "" for none."""
        ...


@runtime_checkable
class Completes(Protocol):
    """An app that, once everything is chosen, fits a part anew to the validation rows as well."""

    def complete(self, network: nn.Module, setup: Setup) -> str:
        """Called after validation was measured and before the test rows are. Returns a sentence, or "" for none."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """An app whose answers or notes respect rows held back: nobody wants what they have recommended."""

    def remember(self, preprocessor: Any, held: Sequence[Data]) -> None:
        """Called once, after measuring, with the source's rows that were held back from training."""
        ...


@runtime_checkable
class Trains(Protocol):
    """An app that runs the main stage itself, as one that trains several networks does."""

    def train(self, setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
        """Offers the weights to keep to `progress`; what was offered last but not finished survives Ctrl-C."""
        ...


@runtime_checkable
class Moves(Protocol):
    """An app that moves its weights in another way than AdamW's, at least with some dials."""

    def steps(self, recipe: Any) -> Steps: ...
