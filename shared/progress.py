"""What a run works on, and what it has reached. Loads no fastai: a run that never enters the loop does not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from shared.display import Display, number
from shared.predict import Predictor
from shared.protocol import Chooses, Data, Group, Judges, Objective
from shared.recipe import Recipe

CLOSED_FORM, UNTRAINED = "closed form", "untrained"
"""What weights are that no stage has chosen."""


@dataclass(frozen=True)
class Steps:
    """How the loop moves weights. `optimiser` makes one of torch's kind from parameter groups and a rate."""

    optimiser: Callable[..., torch.optim.Optimizer] = partial(torch.optim.AdamW, fused=True)
    momentum: tuple[float, float, float] = (0.95, 0.85, 0.95)
    """At the start, at the highest rate and at the end of a cycle."""
    warm_up: float = 0.25
    """Share of the steps until the highest rate; 0: it falls in a straight line from the first step."""


@dataclass
class Setup:
    """What the loop works on: everything an app supplied, ready to train."""

    recipe: Recipe  # device and precision resolved
    network: nn.Module
    objective: Objective
    train: Data
    valid: Data
    groups: list[Group]
    callbacks: Callable[[], list[Any]] = list  # made with the Learner: only then is fastai loaded
    steps: Steps = Steps()

    def predictor(self, network: nn.Module | None = None) -> Predictor:
        return Predictor(network or self.network, self.recipe.precision)

    @property
    def chosen_by(self) -> str:
        """The metric that tells which weights are better."""
        return chosen_by(self.objective)

    def judged(self) -> dict[str, float]:
        """Metrics of the validation rows to choose weights by."""
        measure = self.objective.judge if isinstance(self.objective, Judges) else self.objective.measure
        return measure(self.predictor(), self.valid)


def chosen_by(objective: Objective) -> str:
    """The metric that `score` looks at: the headline, unless the objective says otherwise."""
    return objective.chosen_by if isinstance(objective, Chooses) else objective.headline


@dataclass
class Progress:
    """What a run has reached: the journal of all stages, and the best weights so far by validation score."""

    display: Display
    journal: list[dict[str, Any]] = field(default_factory=list)
    score: float = float("-inf")
    weights: dict[str, Tensor] | None = None
    chosen: str = ""
    members: list[dict[str, Tensor]] = field(default_factory=list)  # the last weights of each finished fine-tuning

    def offer(self, score: float, network: nn.Module, what: str) -> bool:
        """Keeps a copy of the network's weights when `score` beats the best so far."""
        if not score > self.score:
            return False
        self.score = score
        self.keep(network, what)
        return True

    def keep(self, network: nn.Module, what: str) -> None:
        """Keeps a copy of weights that nothing has judged yet: any that are offered with a score take their place."""
        self.chosen = what
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}

    @property
    def learnt(self) -> bool:
        """Whether weights are kept that are worth something."""
        return self.weights is not None and self.chosen != UNTRAINED

    def give(self, network: nn.Module) -> None:
        """Puts the kept weights, where there are some, into the network."""
        if self.weights is not None:
            network.load_state_dict(self.weights)

    def log(self, entry: dict[str, Any]) -> None:
        self.journal.append(entry)
        shown = ", ".join(f"{k} {number(v) if isinstance(v, float) else v}" for k, v in entry.items() if k != "stage")
        self.display.say(f"{entry['stage']}: {shown}")
