"""Several labels a row: cells such as `beach;sunset`, and what good means there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shared.errors import UserError, some
from shared.labels import positions, refuse_unseen, six_digits
from shared.protocol import Answer, Data, Outputs

SEPARATORS = (";", "|", ",")
"""What `--separator auto` looks for between labels."""

HALF = 0.5
"""Probability from which a label is given."""


def find_separator(cells: Sequence[str]) -> str | None:
    """The mark that stands in several cells and whose parts are labels used elsewhere too, or None."""
    for mark in SEPARATORS:
        marked = [cell for cell in cells if mark in cell]
        if len(marked) < 2:
            continue
        used = Counter(label for cell in cells for label in split(cell, mark))
        parts = {label for cell in marked for label in split(cell, mark)}
        if len(used) < len(set(cells)) and sum(used[label] > 1 for label in parts) > len(parts) / 2:
            return mark
    return None


def settle_separator(asked: str, cells: Sequence[str], what: str) -> tuple[str, list[str]]:
    """What stands between the labels of a cell, or "none", and what to say of it; `what` has the labels: "text", "picture".
    Raises UserError at a mark that is nothing."""
    if not asked:
        raise UserError("--separator: give the mark between labels, such as ';'")
    found = find_separator([cell for cell in cells if cell]) if asked == "auto" else asked
    if found is None:
        held = {mark: sum(mark in cell for cell in cells) for mark in SEPARATORS[:2]}  # commas stand in names
        mark = max(held, key=held.__getitem__)
        told = f"{held[mark]:,} cells hold {mark!r} and are taken for one label each (--separator {mark!r} if it parts labels)"
        return "none", [told] if held[mark] > 1 else []
    if found == "none":
        return "none", []
    hint = " (--separator none if it is not so)" if asked == "auto" else ""
    if not any(found in cell for cell in cells):
        hint = f", which none of the {len(cells):,} cells holds: each is one label (--separator names another mark)"
    return found, [f"several labels a {what}, separated by {found!r}{hint}"]


def split(cell: str, separator: str) -> list[str]:
    """The labels of a cell, without the blanks around them; with the separator "none" the cell is one."""
    if separator == "none":
        return [cell]
    return [label for part in cell.split(separator) if (label := part.strip())]


def keep_rare(
    parts: tuple[np.ndarray, np.ndarray, np.ndarray], cells: np.ndarray, separator: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (train, valid, test) with every label in train: rows that hold others move there."""
    train, others = parts[0], list(parts[1:])
    for i, rows in enumerate(others):
        known = {name for cell in cells[train] for name in split(cell, separator)}
        new = np.array([not known.issuperset(split(cell, separator)) for cell in cells[rows]], bool)
        train, others[i] = np.concatenate([train, rows[new]]), rows[~new]
    return train, others[0], others[1]


@dataclass(frozen=True)
class LabelSets:
    """The labels in order, how many of `rows` training rows have each, and what separates them in a cell."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    rows: int
    separator: str

    @classmethod
    def fit(cls, targets: np.ndarray, separator: str) -> LabelSets:
        """Raises UserError where there are not two labels."""
        counted = Counter(label for cell in targets for label in set(split(str(cell), separator)))
        if len(counted) < 2:
            raise UserError(
                f"two labels or more are needed in the training rows; found {some(list(counted)) or 'none'}. "
                "Give rows of another label, or the mark between labels with --separator"
            )
        names = sorted(counted)
        return cls(tuple(names), tuple(counted[name] for name in names), len(targets), separator)

    def encode(self, targets: np.ndarray) -> Tensor:
        """1 where a row has a label, shape (rows, labels). Raises UserError at labels training never saw."""
        position = positions(self.names)
        sets = [split(str(cell), self.separator) for cell in targets]
        if unseen := [(label, row) for row, labels in enumerate(sets) for label in labels if label not in position]:
            refuse_unseen(unseen, self.names)
        encoded = torch.zeros(len(targets), len(self.names))
        for row, labels in enumerate(sets):
            encoded[row, [position[label] for label in labels]] = 1
        return encoded

    def answers(self, probabilities: Tensor) -> list[Answer]:
        """The labels of at least even odds, likeliest first, and every label's own probability."""
        found = []
        for row in probabilities.double().tolist():
            by_name = {name: six_digits(p) for name, p in zip(self.names, row, strict=True)}
            given = sorted((name for name, p in by_name.items() if p >= HALF), key=lambda name: -by_name[name])
            found.append({"prediction": given, "probabilities": by_name})
        return found

    def state(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "counts": list(self.counts),
            "rows": self.rows,
            "separator": self.separator,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LabelSets:
        counts = tuple(map(int, state["counts"]))
        return cls(tuple(map(str, state["names"])), counts, int(state["rows"]), str(state["separator"]))


class LabelPresence:
    """Each label on its own, yes or no: binary cross-entropy. The headline is f1_macro at even odds."""

    headline = "f1_macro"

    def __init__(self, labels: LabelSets, smoothing: float, class_weights: str) -> None:
        self.labels, self.smoothing = labels, smoothing
        counts = torch.tensor(labels.counts, dtype=torch.float)
        self.weights = weights_of_labels(counts, labels.rows) if class_weights == "auto" else None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean binary cross-entropy of logits with 0 or 1, both of shape (rows, labels)."""
        targets = targets.to(outputs.device)
        # not torch's `pos_weight`: it would also weigh what smoothing asks of rows without the label
        own = None if self.weights is None else 1 + targets * (self.weights.to(outputs.device) - 1)
        softened = targets * (1 - self.smoothing) + self.smoothing / 2
        return F.binary_cross_entropy_with_logits(outputs.float(), softened, own)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        return presence_metrics(predictor.outputs(data.inputs).float().sigmoid().numpy(), data.targets.cpu().numpy())

    def baseline(self, data: Data) -> dict[str, float]:
        """Each label's share of the training rows as its probability, always."""
        shares = np.array(self.labels.counts) / self.labels.rows
        return presence_metrics(np.tile(shares, (len(data), 1)), data.targets.cpu().numpy())

    def score(self, metrics: Mapping[str, float]) -> float:
        """f1_macro, and among equals the lower log loss."""
        return metrics["f1_macro"] - 1e-3 * min(metrics["log_loss"], 10.0)


def weights_of_labels(counts: Tensor, rows: int) -> Tensor:
    """Weights, shape (labels,), of rows that have a label, by which these count as much as those without, within bounds."""
    return ((rows - counts) / counts).clamp(0.1, 100)


def presence_metrics(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Metrics of probabilities against 0 or 1, both of shape (rows, labels).

    `accuracy` counts single labels, `subset_accuracy` whole rows; `auc` and `average_precision` are means
    over the labels that some rows have and others lack (left out where there is none).
    """
    from sklearn import metrics as sk

    given, clipped = probabilities >= HALF, np.clip(probabilities.astype(np.float64), 1e-15, 1 - 1e-15)
    log_loss = -np.where(targets > HALF, np.log(clipped), np.log1p(-clipped)).mean()
    found = {
        "f1_macro": float(sk.f1_score(targets, given, average="macro", zero_division=0)),
        "f1_micro": float(sk.f1_score(targets, given, average="micro", zero_division=0)),
        "accuracy": float((given == (targets > HALF)).mean()),
        "subset_accuracy": float((given == (targets > HALF)).all(1).mean()),
        "log_loss": float(log_loss),
    }
    mixed = [k for k in range(targets.shape[1]) if 0 < targets[:, k].sum() < len(targets)]
    if mixed:
        found["auc"] = float(np.mean([sk.roc_auc_score(targets[:, k], probabilities[:, k]) for k in mixed]))
        precision = [sk.average_precision_score(targets[:, k], probabilities[:, k]) for k in mixed]
        found["average_precision"] = float(np.mean(precision))
    return found
