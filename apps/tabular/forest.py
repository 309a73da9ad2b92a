"""Boosted trees as tensors: they live beside the weights, and answer without the library that grew them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from apps.tabular.fitted import Fitted

ROWS, TREES = 4096, 64
"""Rows and trees walked together: few calls, and what they touch stays in the processor's cache."""

STEPS = 6
"""Steps until those that have arrived are told apart: trees grown leaf by leaf have a few deep ends."""


Trees = dict[str, Tensor]
"""A grown forest: the buffers of `Forest` by name, all but `share`."""


def forest_features(numbers: Tensor, flags: Tensor, codes: Tensor) -> Tensor:
    """The network's inputs side by side, float32 (rows, features)."""
    return torch.cat([numbers, flags.to(numbers), codes.to(numbers)], 1)


def trees_a_round(classes: int) -> int:
    """How many trees a round of boosting grows: one for a number (0 classes) and for two classes, else one a class."""
    return classes if classes > 2 else 1


class Forest(Fitted):
    """Sums of leaves: (rows, features) to (rows, outputs). Empty until `plant`.

    All nodes of all trees stand in one row. Every (row, tree) pair walks down one level at a time, all together; a
    leaf is its own child, so that a pair which has arrived stays, until it is left out.
    """

    feature: Tensor  # (nodes,) int32: which feature a condition looks at
    threshold: Tensor  # (nodes,) it holds where the feature is at most this
    child: Tensor  # (2 * nodes,) int32: where to go when it does not hold, and when it holds
    value: Tensor  # (nodes,) of the leaves
    root: Tensor  # (trees,) int32; tree i adds to output i % outputs
    depth: Tensor  # (trees,) int32: steps from the root to the deepest leaf
    subset: Tensor  # (nodes,) int32: the row of `member` for a categorical condition, else -1
    member: Tensor  # (categorical nodes, codes) bool: the codes for which the condition holds
    share: Tensor  # () the forest's weight in the answer, 0 to 1

    def __init__(self, outputs: int) -> None:
        positions = ("feature", "child", "root", "depth", "subset")
        empty = {name: torch.zeros(0, dtype=torch.int32) for name in positions}
        empty |= {"threshold": torch.zeros(0), "value": torch.zeros(0), "share": torch.zeros(())}
        super().__init__({**empty, "member": torch.zeros((0, 1), dtype=torch.bool)})
        self.outputs = outputs

    def __len__(self) -> int:
        """The number of trees."""
        return len(self.root)

    def plant(self, trees: Trees, share: float) -> None:
        """Takes grown trees; `share` is their weight in the answer."""
        device = self.share.device
        for name, tensor in trees.items():
            setattr(self, name, tensor.to(device))
        self.share = torch.tensor(share, device=device)

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return torch.cat([self._sums(part.contiguous()) for part in features.float().split(ROWS)])

    def _sums(self, features: Tensor) -> Tensor:
        """Trees of like depth walk together: (rows, features) to (rows, outputs)."""
        sums = torch.zeros(self.outputs, len(features), dtype=self.value.dtype, device=features.device)
        for trees in self.depth.argsort(stable=True).split(TREES):
            leaves = self._walk(features, trees)
            values = self.value.index_select(0, leaves).view(len(trees), -1)
            sums.index_add_(0, trees % self.outputs, values)
        return sums.T

    def _walk(self, features: Tensor, trees: Tensor) -> Tensor:
        """The leaf of each (tree, row), shape (trees * rows,)."""
        rows, width = features.shape
        cells = features.flatten()
        starts = (torch.arange(rows, dtype=torch.int32, device=features.device) * width).repeat(len(trees))
        node = self.root[trees].repeat_interleave(rows)
        found, walking = torch.empty_like(node), torch.arange(len(node), device=node.device)
        for step in range(int(self.depth[trees].max())):
            if step and step % STEPS == 0:
                found[walking] = node
                still = (self.child.index_select(0, node * 2) != node).nonzero().squeeze(1)
                walking, node, starts = walking[still], node[still], starts[still]
            x = cells.index_select(0, self.feature.index_select(0, node).add_(starts))
            holds = x <= self.threshold.index_select(0, node)
            if len(self.member):
                holds = self._with_members(holds, x, self.subset.index_select(0, node))
            node = self.child.index_select(0, node.mul_(2).add_(holds))
        found[walking] = node
        return found

    def _with_members(self, holds: Tensor, x: Tensor, subset: Tensor) -> Tensor:
        """`holds`, with the answers of the categorical conditions among them."""
        asked = (subset >= 0).nonzero().squeeze(1)
        codes = x[asked].clamp_(0, self.member.shape[1] - 1).int()
        place = subset[asked].mul_(self.member.shape[1]).add_(codes)
        holds[asked] = self.member.flatten().index_select(0, place)
        return holds

    def check(self) -> None:
        nodes = len(self.feature)
        fits = len(self.threshold) == len(self.value) == nodes and len(self.child) == 2 * nodes
        fits &= len(self.depth) == len(self.root) and len(self.root) % self.outputs == 0
        fits &= len(self.subset) == nodes and _within(self.subset, -1, len(self.member))
        fits &= _within(self.child, 0, nodes) and _within(self.root, 0, nodes) and _within(self.feature, 0, 1 << 20)
        if not fits or not _within(self.depth, 0, 1 << 12):
            raise RuntimeError("the trees' parts do not fit together")


def _within(positions: Tensor, low: int, high: int) -> bool:
    return not positions.numel() or (int(positions.min()) >= low and int(positions.max()) < high)


def joined(forests: Sequence[Trees], weights: Sequence[float]) -> Trees:
    """The weighed sum of several grown forests as one."""
    starts = torch.tensor([0, *(len(forest["feature"]) for forest in forests)]).cumsum(0).tolist()
    kinds = torch.tensor([0, *(len(forest["member"]) for forest in forests)]).cumsum(0).tolist()
    parts = {name: [forest[name] for forest in forests] for name in forests[0]}
    parts["value"] = [value * weight for value, weight in zip(parts["value"], weights, strict=True)]
    width = max(part.shape[1] for part in parts["member"])  # a forest without categories has none
    parts["member"] = [nn.functional.pad(part, (0, width - part.shape[1])) for part in parts["member"]]
    for name in ("child", "root"):
        parts[name] = [part + start for part, start in zip(parts[name], starts, strict=False)]
    parts["subset"] = [
        torch.where(part < 0, part, part + first) for part, first in zip(parts["subset"], kinds, strict=False)
    ]
    return {name: torch.cat(part) for name, part in parts.items()}
