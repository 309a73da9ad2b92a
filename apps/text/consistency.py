"""R-Drop: a text is answered twice under other dropout, and the answers must agree. Wu et al. 2021, arXiv:2106.14448."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from shared.metrics import Classification
from shared.progress import chosen_by
from shared.protocol import Data, Outputs
from shared.several import LabelPresence


class Consistent:
    """An objective whose loss of two answers, logits of shape (rows, 2, classes), is their mean loss and `weight` times
    how far apart they are; of one, shape (rows, classes), and in all else it is the `plain` one."""

    def __init__(self, plain: Classification | LabelPresence, weight: float) -> None:
        self.plain, self.weight, self.headline = plain, weight, plain.headline
        self.chosen_by = chosen_by(plain)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.ndim == 2:
            return self.plain.loss(outputs, targets)
        first, second = outputs.float().unbind(1)
        both = (self.plain.loss(first, targets) + self.plain.loss(second, targets)) / 2
        return both + self.weight * distance(first, second, targets.is_floating_point())

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        return self.plain.measure(predictor, data)

    def baseline(self, data: Data) -> dict[str, float]:
        return self.plain.baseline(data)

    def score(self, metrics: Mapping[str, float]) -> float:
        return self.plain.score(metrics)


def distance(first: Tensor, second: Tensor, several: bool) -> Tensor:
    """The mean of the divergences of Kullback and Leibler both ways, averaged over rows (and labels, of `several`).

    The logits' common part cancels: sum (p - q) (log p - log q) / 2 is the same with logits for logarithms.
    """
    if several:
        return ((first.sigmoid() - second.sigmoid()) * (first - second)).mean() / 2
    return ((first.softmax(1) - second.softmax(1)) * (first - second)).sum(1).mean() / 2
