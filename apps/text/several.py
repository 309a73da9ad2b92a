"""Texts that may have several labels each: the labels, the objective, and what differs in a loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shared.errors import UserError, some
from shared.protocol import Answer, Data, Examples, Outputs


def loss_of(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Loss of logits, shape (rows, classes), against class positions, shape (rows,), or 0 or 1 for each label.

    With `reduction` "none" one number a row.
    """
    if not targets.is_floating_point():
        return F.cross_entropy(outputs, targets, reduction=reduction)
    losses = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)
    return losses if reduction == "none" else losses.mean()


def shares(targets: Tensor, classes: int) -> Tensor:
    """Targets of either kind as 0 or 1, floats of shape (rows, classes)."""
    return targets if targets.is_floating_point() else F.one_hot(targets, classes).float()


@dataclass(frozen=True)
class Several:
    """The labels that stand between `separator`s in a cell; an empty cell has none. `rows`: in training."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    rows: int
    separator: str

    @classmethod
    def fit(cls, targets: np.ndarray, separator: str) -> Several:
        """Raises UserError where there are not two labels to tell apart."""
        counted = Counter(name for cell in targets for name in split(cell, separator))
        if len(counted) < 2:
            raise UserError(
                f"the training rows have {len(counted)} different labels between {separator!r}; "
                "two or more are needed: check --separator and --target"
            )
        names = sorted(counted)
        return cls(tuple(names), tuple(counted[name] for name in names), len(targets), separator)

    def encode(self, targets: np.ndarray) -> Tensor:
        """0 or 1, shape (rows, labels). Raises UserError naming labels that training never saw."""
        position = {name: i for i, name in enumerate(self.names)}
        encoded, unseen = torch.zeros(len(targets), len(self.names)), Counter[str]()
        for i, cell in enumerate(targets):
            for name in split(cell, self.separator):
                if name in position:
                    encoded[i, position[name]] = 1.0
                else:
                    unseen[name] += 1
        if unseen:
            listed = some([f"{name!r} ({number} rows)" for name, number in unseen.most_common()])
            raise UserError(f"labels that the training rows do not have: {listed}. Correct or remove them there")
        return encoded

    def answers(self, probabilities: Tensor) -> list[Answer]:
        """The labels of more than one half, and the probability of each."""
        return [
            {
                "prediction": [name for name, p in zip(self.names, row, strict=True) if p > 0.5],
                "probabilities": dict(zip(self.names, (round(p, 6) for p in row), strict=True)),
            }
            for row in probabilities.double().tolist()
        ]

    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "counts": list(self.counts), "rows": self.rows, "separator": self.separator}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Several:
        counts = tuple(map(int, state["counts"]))
        return cls(tuple(map(str, state["names"])), counts, int(state["rows"]), str(state["separator"]))


def split(cell: Any, separator: str) -> list[str]:
    """The different labels of a cell."""
    return list(dict.fromkeys(name for part in str(cell).split(separator) if (name := part.strip())))


def keep_rare(parts: tuple[Examples, ...], separator: str, *movable: bool) -> tuple[Examples, Examples, Examples]:
    """Train, valid and test with every label in train: rows that hold others move there from a part split off at
    random (`movable`: whether valid is, whether test is)."""
    train, others = parts[0], list(parts[1:])
    for i, may in enumerate(movable):
        known = {name for cell in train.targets for name in split(cell, separator)}
        new = np.array([not known.issuperset(split(cell, separator)) for cell in others[i].targets], bool)
        if may and new.any():
            moved, others[i] = others[i].take(np.flatnonzero(new)), others[i].take(np.flatnonzero(~new))
            inputs = np.concatenate([train.inputs, moved.inputs])
            train = Examples(inputs, np.concatenate([train.targets, moved.targets]))
    return train, others[0], others[1]


class ManyLabels:
    """Binary cross-entropy of each label; micro-averaged F1 is the headline; the baseline is each label's share."""

    headline = "f1_micro"

    def __init__(self, labels: Several, smoothing: float = 0.0, class_weights: str = "none") -> None:
        self.labels, self.smoothing = labels, smoothing
        self.shares = torch.tensor(labels.counts) / max(labels.rows, 1)
        self.weight = (1 - self.shares) / self.shares if class_weights == "auto" else None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        smooth = targets * (1 - self.smoothing) + self.smoothing / 2
        weight = None if self.weight is None else self.weight.to(outputs.device)
        return F.binary_cross_entropy_with_logits(outputs.float(), smooth, pos_weight=weight)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        return many_label_metrics(predictor.outputs(data.inputs).float().sigmoid(), data.targets.cpu())

    def baseline(self, data: Data) -> dict[str, float]:
        return many_label_metrics(self.shares.expand(len(data), -1), data.targets.cpu())

    def score(self, metrics: Mapping[str, float]) -> float:
        return metrics["f1_micro"] - 1e-3 * min(metrics["log_loss"], 10.0)


def many_label_metrics(probabilities: Tensor, targets: Tensor) -> dict[str, float]:
    """Metrics of probabilities against 0 or 1, both of shape (rows, labels)."""
    given, right = probabilities > 0.5, targets > 0.5
    both, either = (given & right).sum(0).float(), (given.sum(0) + right.sum(0)).float()
    return {
        "f1_micro": float(2 * both.sum() / either.sum().clamp_min(1)),
        "f1_macro": float((2 * both / either.clamp_min(1)).mean()),
        "exact_match": float((given == right).all(1).float().mean()),
        "log_loss": float(F.binary_cross_entropy(probabilities.clamp(1e-7, 1 - 1e-7), targets)),
    }
