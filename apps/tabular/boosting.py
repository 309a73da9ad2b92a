"""Grows boosted trees with LightGBM on what the network is fed, and hands them over as tensors.

LightGBM: Ke et al. 2017, NeurIPS. Its text format: https://lightgbm.readthedocs.io, `Booster.model_to_string`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROUNDS, PATIENCE = 2000, 60
PLAIN_ROUNDS = 150
"""Rounds where there are no validation rows to stop by."""

NATIVE = 255
"""Categories of at most this many codes are split by subsets; larger ones by their codes, which go by frequency."""

CATEGORICAL = 1  # bit of decision_type


def installed() -> bool:
    return find_spec("lightgbm") is not None


def forest_features(numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
    """The network's inputs side by side, float32 (rows, features)."""
    return torch.cat([numbers, flags.to(numbers), codes.to(numbers)], 1)


def grow(
    train: tuple[Tensor, Tensor], valid: tuple[Tensor, Tensor] | None, sizes: Sequence[int], classes: int, seed: int
) -> dict[str, Tensor]:
    """Trees from (features, targets): classes as positions (`classes` > 0) or standardised numbers.

    `sizes` are the numbers of codes of the categories, the last features. Stops by the validation loss.
    """
    import lightgbm as lgb

    width = train[0].shape[1]
    native = [width - len(sizes) + i for i, size in enumerate(sizes) if size <= NATIVE]
    options: dict[str, Any] = {"categorical_feature": native, "params": {"verbose": -1}}
    data = lgb.Dataset(train[0].numpy(), train[1].numpy(), **options)
    parts = [] if valid is None else [lgb.Dataset(valid[0].numpy(), valid[1].numpy(), reference=data, **options)]
    stop = [] if valid is None else [lgb.early_stopping(PATIENCE, verbose=False)]
    rounds = PLAIN_ROUNDS if valid is None else ROUNDS
    booster = lgb.train(_parameters(classes, seed), data, rounds, valid_sets=parts, callbacks=stop)
    return parse(booster.model_to_string(num_iteration=booster.best_iteration or -1))


def _parameters(classes: int, seed: int) -> dict[str, Any]:
    task: dict[str, Any] = {"objective": "regression"}
    if classes == 2:
        task = {"objective": "binary"}
    elif classes:
        task = {"objective": "multiclass", "num_class": classes}
    return task | {
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "cat_smooth": 20,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": torch.get_num_threads(),
        "verbose": -1,
    }


def parse(text: str) -> dict[str, Tensor]:
    """The trees of a LightGBM model in text, as `Forest.plant` takes them."""
    trees = [_fields(part) for part in text.split("\nTree=")[1:]]
    values = [_numbers(tree, "leaf_value") for tree in trees]
    leaves = max(len(value) for value in values)
    shape = (len(trees), max(leaves - 1, 1))
    feature, threshold = np.zeros(shape, np.int64), np.full(shape, np.inf, np.float32)
    path, value = np.zeros((len(trees), leaves, shape[1]), np.int8), np.zeros((len(trees), leaves), np.float32)
    subset: list[int] = []
    member: list[np.ndarray] = []
    for i, (tree, own) in enumerate(zip(trees, values, strict=True)):
        nodes = len(own) - 1
        value[i, : len(own)] = own
        feature[i, :nodes] = _numbers(tree, "split_feature")[:nodes]
        threshold[i, :nodes] = _at_most(_numbers(tree, "threshold")[:nodes])
        path[i, : len(own), :nodes] = _paths(tree, nodes)
        for node, codes in _subsets(tree, nodes):
            subset.append(i * shape[1] + node)
            member.append(codes)
    arrays = {"feature": feature, "threshold": threshold, "path": path, "value": value}
    arrays["subset"] = np.array(subset, np.int64)
    arrays["member"] = np.stack(member) if member else np.zeros((0, 1), bool)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _fields(part: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in part.split("\n\n")[0].splitlines()[1:] if "=" in line)


def _numbers(tree: Mapping[str, str], name: str) -> np.ndarray:
    return np.array(tree.get(name, "").split(), dtype=np.float64)


def _at_most(thresholds: np.ndarray) -> np.ndarray:
    """The greatest float32 at or below each: the features are float32, so no comparison changes."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _paths(tree: Mapping[str, str], nodes: int) -> np.ndarray:
    """The way to each leaf, (leaves, nodes): 1 left, -1 right. A child below zero is leaf number -1 - child."""
    path, waiting = np.zeros((nodes + 1, nodes), np.int8), [(0, np.zeros(nodes, np.int8))] if nodes else []
    sides = [(_numbers(tree, "left_child").astype(int), 1), (_numbers(tree, "right_child").astype(int), -1)]
    while waiting:
        node, way = waiting.pop()
        for children, sign in sides:
            child, further = int(children[node]), way.copy()
            further[node] = sign
            if child < 0:
                path[-1 - child] = further
            else:
                waiting.append((child, further))
    return path


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
