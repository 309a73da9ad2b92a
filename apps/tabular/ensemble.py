"""All that answers together: one network or several, the trees beside them, calibration and intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.tabular.forest import Forest, forest_features, trees_a_round
from apps.tabular.intervals import Intervals
from apps.tabular.means import CategoryMeans
from apps.tabular.model import TabularNetwork
from apps.tabular.neighbours import Neighbours
from apps.tabular.targets import NumberTarget


class Ensemble(nn.Module):
    """Numbers, missing flags and codes to the answer.

    For classes the logarithms of probabilities, shape (rows, classes). For a number (rows,), or once intervals are
    fitted (rows, 3): the number, and the ends of its interval. While `active` is set that network works alone, which
    is how each is trained, chosen and asked for the rows that it has not seen.
    """

    trained: Tensor  # () int64: how many of the networks take part in the answer
    temperature: Tensor  # (): the logarithms of probabilities are divided by it
    factor: Tensor  # (): numbers, put back from their transform, are multiplied by it

    def __init__(self, networks: Sequence[TabularNetwork], number: NumberTarget | None) -> None:
        super().__init__()
        self.number = number  # the target, where it is one
        self.networks = nn.ModuleList(networks)
        self.classes = networks[0].classes
        self.sizes, self.large = networks[0].categories.sizes, networks[0].categories.large
        self.numbers, self.first_code = len(networks[0].numbers.weight), networks[0].first_code
        self.forest = Forest(trees_a_round(self.classes))
        self.neighbours = Neighbours()
        self.means = CategoryMeans()
        self.intervals = Intervals()
        self.register_buffer("trained", torch.ones((), dtype=torch.long))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("factor", torch.ones(()))
        self.active: int | None = None

    def forward(self, numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
        if self.training or self.active is not None:
            network: Tensor = self.networks[self.active or 0](numbers, flags, codes)
            return network
        outputs = self.blended(numbers, flags, codes)
        if self.classes:
            return (outputs / self.temperature).log_softmax(1)
        answers: Tensor = self.intervals(outputs)
        if self.number is None or self.factor == 1:
            return answers
        return _to_mean(answers, self.number, float(self.factor))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.setdefault(prefix + "factor", torch.ones(()))  # models of before have none
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def blended(self, numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
        """The mean of the networks, mixed with the trees by their share."""
        share = float(self.forest.share) if len(self.forest) else 0.0
        networks = self._networks(numbers, flags, codes) if share < 1 else None
        trees = self.of_trees(numbers, flags, codes) if share > 0 else None
        return mixed(networks, trees, share)

    def _networks(self, *inputs: Tensor) -> Tensor:
        outputs = torch.stack([network(*inputs) for network in self.networks[: int(self.trained)]])
        return outputs.logsumexp(0) - math.log(len(outputs)) if self.classes else outputs.mean(0)

    def of_trees(self, numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
        """The trees' answer in the form of a network's."""
        features = forest_features(numbers, flags, codes)
        more = self.neighbours(features), self.means(codes).to(features)
        return self.of_sums(self.forest(torch.cat([features, *more], 1)).float())

    def of_sums(self, sums: Tensor) -> Tensor:
        """What trees add up to, (rows, outputs), in the form of a network's answer."""
        if self.classes == 2:
            return nn.functional.logsigmoid(torch.cat([-sums, sums], 1))
        return sums.log_softmax(1) if self.classes else sums.squeeze(1)


def _to_mean(answers: Tensor, target: NumberTarget, factor: float) -> Tensor:
    """The numbers multiplied by a factor in the target's own unit; intervals reach as far as these."""
    numbers = target.standard(target.values(answers if answers.dim() == 1 else answers[:, 0]) * factor).to(answers)
    if answers.dim() == 1:
        return numbers
    _, low, high = answers.T
    return torch.stack([numbers, low.minimum(numbers), high.maximum(numbers)], 1)


def losses(outputs: Tensor, targets: Tensor, counted: Tensor | None = None) -> Tensor:
    """The loss of each row, (rows,), of classes or a number, times how much it is `counted`."""
    loss = F.nll_loss if outputs.dim() == 2 else F.mse_loss
    each = loss(outputs, targets, reduction="none")
    return each if counted is None else each * counted


def mixed(networks: Tensor | None, trees: Tensor | None, share: float) -> Tensor:
    """Answers of both, weighed: probabilities (their logarithms, two dimensions) or numbers (one)."""
    if networks is None or trees is None or share in (0.0, 1.0):
        found = trees if networks is None or share == 1 else networks
        assert found is not None
        return found
    if networks.dim() == 1:
        return networks * (1 - share) + trees * share
    return torch.logaddexp(networks + math.log(1 - share), trees + math.log(share))
