"""Grows boosted trees with LightGBM on what the network is fed, and hands them over as tensors.

LightGBM: Ke et al. 2017, NeurIPS. Its text format: https://lightgbm.readthedocs.io, `Booster.model_to_string`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from apps.tabular.forest import Trees
from apps.tabular.parts import evened, outside
from apps.tabular.sizes import Growth

if TYPE_CHECKING:
    import lightgbm as lgb

PATIENCE = 60
"""Rounds without a better validation loss before boosting stops."""

PLAIN_ROUNDS = 150
"""Rounds where there are no validation rows to stop by."""

NATIVE = 255
"""Categories of at most this many codes are split by subsets; larger ones by their codes, which go by frequency."""

CATEGORICAL = 1  # bit of decision_type
KINDS = {"threshold": np.float32, "value": np.float32}


def installed() -> bool:
    return find_spec("lightgbm") is not None


@dataclass(frozen=True)
class Rows:
    """What trees learn from: features (rows, n) and targets (rows,), classes as positions or standardised numbers."""

    features: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Tensor) -> Rows:
        """These rows, in this order."""
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.features[rows], self.targets[rows], weights)

    def without(self, part: Tensor) -> tuple[Rows, Rows]:
        """(the rows outside `part`, those of it)."""
        return self.take(outside(part, len(self))), self.take(part)

    def seen(self, view: Tensor) -> Rows:
        """With the features at these ascending positions alone."""
        whole = len(view) == self.features.shape[1]
        return self if whole else Rows(self.features[:, view], self.targets, self.weights)

    def beside(self, more: Tensor) -> Rows:
        """With more features after the others."""
        return Rows(torch.cat([self.features, more], 1), self.targets, self.weights)


@dataclass(frozen=True)
class Options:
    """`sizes` are the numbers of codes of the categories, which begin at feature `first`; `classes` is 0 for a number;
    `number` is the forest's among several."""

    growth: Growth
    sizes: Sequence[int]
    classes: int
    seed: int
    first: int
    number: int = 0
    class_weights: str = "none"
    rounds: int = 0  # exactly so many where there is nothing to stop by; 0: PLAIN_ROUNDS at most


def grow(train: Rows, valid: Rows, options: Options) -> Trees:
    """A forest. Stops by the loss of `valid`, when that has rows: with classes counted as in training, for to unlearn
    their weights would look like progress."""
    import lightgbm as lgb

    counted = options.classes, options.class_weights
    data = _dataset(train, options, _times(train.weights, evened(train.targets, *counted)))
    if not len(valid):
        booster = lgb.train(_parameters(options), data, options.rounds or min(PLAIN_ROUNDS, options.growth.rounds))
        return parse(booster.model_to_string())
    held = _dataset(valid, options, evened(valid.targets, *counted), data)
    stop = [lgb.early_stopping(PATIENCE, verbose=False)]
    booster = lgb.train(_parameters(options), data, options.growth.rounds, valid_sets=[held], callbacks=stop)
    return parse(booster.model_to_string(num_iteration=booster.best_iteration or -1))


def probe(train: Rows, asked: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """(answers, the gain of each feature) of a forest that is not kept: a class's probability, or a number."""
    import lightgbm as lgb

    data = _dataset(train, options, train.weights)
    booster = lgb.train(_parameters(options), data, options.growth.rounds)
    answers = np.asarray(booster.predict(asked.numpy(), num_threads=torch.get_num_threads()))
    return torch.from_numpy(answers).float(), torch.from_numpy(booster.feature_importance("gain")).float()


def _dataset(rows: Rows, options: Options, weights: Tensor | None, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    import lightgbm as lgb

    native = [options.first + i for i, size in enumerate(options.sizes) if size <= NATIVE]
    features, targets, silent = rows.features.numpy(), rows.targets.numpy(), {"verbose": -1}
    weight = None if weights is None else weights.cpu().numpy()
    return lgb.Dataset(features, targets, weight=weight, reference=reference, categorical_feature=native, params=silent)


def _times(own: Tensor | None, more: Tensor | None) -> Tensor | None:
    return own if more is None else more if own is None else own.to(more) * more


def _parameters(options: Options) -> dict[str, Any]:
    task: dict[str, Any] = {"objective": "regression"}
    if options.classes == 2:
        task = {"objective": "binary"}
    elif options.classes:
        task = {"objective": "multiclass", "num_class": options.classes}
    shape = options.growth.shapes[options.number % len(options.growth.shapes)]
    return task | {
        "max_cat_to_onehot": NATIVE if shape.alone else 4,
        "learning_rate": options.growth.rate,
        "num_leaves": max(round(options.growth.leaves * shape.leaves), 2),
        "min_data_in_leaf": shape.least,
        "feature_fraction": shape.features,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "cat_smooth": 20,
        "seed": (options.seed + options.number) % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": torch.get_num_threads(),
        "verbose": -1,
    }


def parse(text: str) -> Trees:
    """The trees of a LightGBM model in text: inner nodes, then leaves, tree by tree."""
    start = 0
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("feature", "threshold", "child", "value", "subset")}
    members: list[np.ndarray] = []
    roots, depths = [], []
    for tree in map(_fields, text.split("\nTree=")[1:]):
        values = _numbers(tree, "leaf_value")
        nodes = len(values) - 1
        child = _children(tree, nodes)
        subset = np.full(2 * nodes + 1, -1)
        for node, codes in _subsets(tree, nodes):
            subset[node] = len(members)
            members.append(codes)
        found["feature"].append(np.pad(_numbers(tree, "split_feature")[:nodes], (0, nodes + 1)))
        found["threshold"].append(np.pad(_at_most(_numbers(tree, "threshold")[:nodes]), (0, nodes + 1)))
        found["value"].append(np.pad(values, (nodes, 0)))
        found["child"].append(child.flatten() + start)
        found["subset"].append(subset)
        roots.append(start)
        depths.append(_depth(child))
        start += 2 * nodes + 1
    arrays = {name: np.concatenate(parts) for name, parts in found.items()} | {"root": roots, "depth": depths}
    member = np.stack(members) if members else np.zeros((0, 1), bool)
    planted = {
        name: torch.from_numpy(np.asarray(array).astype(KINDS.get(name, np.int32))) for name, array in arrays.items()
    }
    return planted | {"member": torch.from_numpy(member)}


def _fields(part: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in part.split("\n\n")[0].splitlines()[1:] if "=" in line)


def _numbers(tree: Mapping[str, str], name: str) -> np.ndarray:
    return np.array(tree.get(name, "").split(), dtype=np.float64)


def _at_most(thresholds: np.ndarray) -> np.ndarray:
    """The greatest float32 at or below each: the features are float32, so no comparison changes."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _children(tree: Mapping[str, str], nodes: int) -> np.ndarray:
    """(2 * nodes + 1, 2): the child when the condition does not hold, and when it does; a leaf is its own."""
    leaves = np.arange(nodes, 2 * nodes + 1)
    sides = [_numbers(tree, name)[:nodes].astype(int) for name in ("right_child", "left_child")]
    found = [np.where(side < 0, nodes - 1 - side, side) for side in sides]  # -1 - k is leaf k
    return np.concatenate([np.stack(found, 1), np.stack([leaves, leaves], 1)])


def _depth(child: np.ndarray) -> int:
    """Steps from the root until every way has ended in a leaf."""
    steps, level = 0, np.zeros(1, int)
    while len(inner := level[child[level, 0] != level]):
        steps, level = steps + 1, child[inner].flatten()
    return steps


def _subsets(tree: Mapping[str, str], nodes: int) -> list[tuple[int, np.ndarray]]:
    """(node, which codes go left) of the categorical nodes: bits of 32-bit words, the least first."""
    categorical = _numbers(tree, "decision_type")[:nodes].astype(int) & CATEGORICAL
    bounds, words = _numbers(tree, "cat_boundaries").astype(int), _numbers(tree, "cat_threshold").astype("<u4")
    found = []
    for node in np.flatnonzero(categorical).tolist():
        which = int(_numbers(tree, "threshold")[node])
        bits = np.unpackbits(words[bounds[which] : bounds[which + 1]].view(np.uint8), bitorder="little")
        found.append((node, np.pad(bits[: NATIVE + 1], (0, max(NATIVE + 1 - len(bits), 0))).astype(bool)))
    return found
