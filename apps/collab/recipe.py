"""The dials of collab. No torch: `--help` reads this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.recipe import Recipe, dial


@dataclass(frozen=True)
class CollabRecipe(Recipe):
    """With `epochs` 0, the default, everything is fitted in closed form or by exact sampling, on all training
    rows; nothing is chosen by validation, so no row is spent on it unless `valid_fraction` or a file asks. When ranking,
    `epochs` train an autoencoder that is blended with the closed forms."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fast": {"samples": 40, "burn": 10},
        "default": {},
        "best": {"samples": 400, "burn": 40, "factors": 16, "ranking_epochs": 50},
    }

    epochs: int = dial(
        0, "passes of gradient descent; 0: Bayesian sampling (ratings), --ranking-epochs (ranking)", least=0
    )
    ranking_epochs: int = dial(
        0, "passes over the users of an autoencoder that joins the closed forms (ranking)", least=0
    )
    batch_size: int = dial(2048, "ratings in a step of gradient descent; of users, a sixteenth (ranking)", least=1)
    lr: float = dial(0.005, "highest learning rate of the one-cycle schedule; a fifth of it (ranking)", least=0)
    weight_decay: float = dial(0.3, "decoupled weight decay (AdamW); a thirtieth of it (ranking)", least=0)
    valid_fraction: float = dial(0.0, "share of rows for validation when none is given", least=0, below=1)
    user: str | None = dial(None, "column of the users; none: inferred")
    item: str | None = dial(None, "column of the items; none: inferred")
    rating: str | None = dial(None, "column of the ratings; none: inferred, or no rating at all")
    time: str | None = dial(None, "column of the times; none: inferred")
    user_columns: str = dial("auto", "table of what is known of users; auto: in the source's folder; none")
    item_columns: str = dial("auto", "table of what is known of items; auto: in the source's folder; none")
    task: str = dial(
        "auto", "predict ratings or rank items; auto: by the rating column", ("auto", "ratings", "ranking")
    )
    positive: float | None = dial(None, "least rating that counts as liked when ranking; none: every row")
    split: str = dial(
        "random",
        "what is held out: of each user random rows or the last in time; or whole users, a few rows shown",
        ("random", "last", "users"),
    )
    shown: int = dial(5, "rows of each held-out user that --split users shows before it asks the rest", least=1)
    factors: int = dial(8, "numbers that describe a user or an item, at most: few ratings afford fewer", least=1)
    samples: int = dial(100, "draws of the posterior that are averaged (ratings)", least=1)
    burn: int = dial(20, "draws before those, thrown away", least=0)
    weights: str = dial(
        "auto", "no weights from outside exist for ratings; --start-from takes an earlier model's", ("auto", "none")
    )
    strength: float | None = dial(None, "ridge penalty of the item weights (ranking); none: by a hold-out", least=1e-6)
