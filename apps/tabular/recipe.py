"""The dials of a tabular run. Importing this costs nothing, so that `--help` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.recipe import Recipe, dial

AUTO = -1
"""A dial that is filled in when the rows and the task are known."""


@dataclass(frozen=True)
class TabularRecipe(Recipe):
    """The defaults were chosen by validation over several tables: see docs/experiments/tabular.md."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fast": {
            "epochs": 3,
            "members": 2,
            "width": 128,
            "batch_size": 512,
            "forests": 1,
            "folds": 1,
            "neighbours": "none",
        },
        "default": {},
        "best": {"folds": 5},
    }

    epochs: int = dial(AUTO, "passes over the training rows; -1: by their number", least=AUTO)
    batch_size: int = dial(AUTO, "rows in a step; -1: by the number of training rows", least=AUTO)
    lr: float = dial(8e-3, "highest learning rate of the one-cycle schedule", least=0)
    weight_decay: float = dial(0.01, "decoupled weight decay (AdamW)", least=0)
    patience: int = dial(6, "epochs without a better validation score before training stops; 0: never", least=0)
    ema: float = dial(
        0.99, "decay per step of the averaged weights that are kept; 0: the plain weights", least=0, below=1
    )
    weights: str = dial(
        "auto", "no weights from outside exist for tables; --start-from takes an earlier model's", ("auto", "none")
    )
    target: str | None = dial(None, "column to predict; none: the last")
    task: str = dial("auto", "what the target is", ("auto", "classification", "regression"))
    target_transform: str = dial(
        "auto", "how a skewed number is learnt; auto tries all on held-out rows", ("auto", "none", "root", "log")
    )
    ignore: str | None = dial(None, "columns to leave out, separated by commas (a name with commas in quotation marks)")
    group: str | None = dial(None, "column whose equal values stay in one part of a split, such as a person or a site")
    time: str | None = dial(None, "column to split by: the latest rows are the test, those before them validation")
    row_weights: str | None = dial(None, "column that says how much a row counts in training")
    members: int = dial(4, "networks that share their inner weights and are averaged", least=1)
    folds: int = dial(
        AUTO,
        "parts of cross-validated bagging, a network and trees for each; 1: none; -1: of small tables",
        least=AUTO,
        below=51,
    )
    valid_fraction: float = dial(
        AUTO, "share of rows for validation when none is given; -1: by the folds", least=AUTO, below=1
    )
    width: int = dial(256, "units of a hidden layer", least=1)
    depth: int = dial(2, "hidden layers", least=1)
    dropout: float = dial(
        AUTO, "share of units dropped in training; -1: 0.2 for classes, none for numbers", least=AUTO, below=1
    )
    bins: int = dial(128, "pieces of a number's learned piecewise-linear embedding", least=1)
    embedding: int = dial(24, "width of a number's and of a large category's embedding", least=1)
    unknown_rate: float = dial(
        0.02, "share of categories hidden in training, to learn the unseen ones' bucket", least=0, below=1
    )
    label_smoothing: float = dial(0.0, "probability taken from the right class and spread over all", least=0, below=1)
    class_weights: str = dial("none", "weigh the rows so that all classes count alike", ("none", "auto"))
    trees: str = dial("auto", "boosted trees beside the network, when LightGBM is installed", ("auto", "none"))
    forests: int = dial(AUTO, "unlike forests that are averaged; -1: by the size of the table", least=AUTO)
    neighbours: str = dial(
        "auto", "what near training rows had for a target, shown to the trees where it helps", ("auto", "none")
    )
    interval: float = dial(0.9, "share of rows that a number's interval is to hold; 0: no interval", least=0, below=1)
