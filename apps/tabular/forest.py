"""Boosted trees as tensors: they live beside the weights, and answer without the library that grew them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

TENSORS = ("feature", "threshold", "path", "value", "subset", "member", "share")
CELLS = 1 << 22
"""Conditions looked at together, rows times inner nodes: bounds memory."""


class Forest(nn.Module):
    """Sums of leaves: (rows, features) to (rows, outputs). Empty until `plant`.

    A tree is its inner nodes' conditions, all looked at together, and the way to each leaf through them: 1 where
    it goes left (the condition holds), -1 where right. The leaf whose way is kept in full is the row's. Matrix
    products instead of walks: the "GEMM" strategy of Nakandala et al. 2020 (Hummingbird), OSDI.
    """

    feature: Tensor  # (trees, nodes) which feature a condition looks at
    threshold: Tensor  # (trees, nodes) it holds where the feature is at most this
    path: Tensor  # (trees, leaves, nodes) int8
    value: Tensor  # (trees, leaves)
    subset: Tensor  # (categorical nodes,) their positions among all nodes
    member: Tensor  # (categorical nodes, codes) for these the condition is that the code is a member
    share: Tensor  # () the forest's weight in the answer, 0 to 1

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        shapes = {"feature": (0, 0), "threshold": (0, 0), "path": (0, 0, 0), "value": (0, 0)}
        shapes |= {"subset": (0,), "member": (0, 1), "share": ()}
        kinds = {"feature": torch.int64, "path": torch.int8, "subset": torch.int64, "member": torch.bool}
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=kinds.get(name, torch.float32)))

    def __len__(self) -> int:
        """The number of trees."""
        return len(self.value)

    def plant(self, tensors: Mapping[str, Tensor], share: float) -> None:
        """Takes grown trees; `share` is their weight in the answer."""
        device = self.share.device
        for name, tensor in tensors.items():
            setattr(self, name, tensor.to(device))
        self.share = torch.tensor(share, device=device)

    def forward(self, features: Tensor) -> Tensor:
        block = max(CELLS // max(self.feature.numel(), 1), 1)
        with torch.autocast(features.device.type, enabled=False):
            return torch.cat([self._sums(part.T.contiguous()) for part in features.float().split(block)])

    def _sums(self, features: Tensor) -> Tensor:
        """Of features on end, (features, rows): (rows, outputs)."""
        holds = features[self.feature.flatten()] <= self.threshold.flatten().unsqueeze(1)
        if len(self.subset):
            codes = features[self.feature.flatten()[self.subset]].long().clamp(0, self.member.shape[1] - 1)
            holds[self.subset] = self.member.gather(1, codes)
        path = self.path.float()
        kept = torch.bmm(path, holds.float().unflatten(0, self.feature.shape))
        reached = kept == path.clamp_min(0).sum(2, keepdim=True)
        sums = torch.bmm(self.value.unsqueeze(1), reached.float()).squeeze(1)
        return sums.unflatten(0, (-1, self.outputs)).sum(0).T

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """The number of trees is known only from the file: takes the shapes before the values."""
        for name in TENSORS:
            if (stored := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.empty_like(stored, device=self.share.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._check()

    def _check(self) -> None:
        """Raises RuntimeError where the parts do not fit together: a file need not be ours."""
        trees, nodes = self.feature.shape
        shapes = [(trees, nodes), (trees, self.value.shape[1], nodes), (len(self.subset),)]
        found = [tuple(self.threshold.shape), tuple(self.path.shape), (len(self.member),)]
        inside = not len(self.subset) or (self.subset.min() >= 0 and self.subset.max() < trees * nodes)
        if shapes != found or len(self.value) != trees or trees % self.outputs or not inside:
            raise RuntimeError("the trees' parts do not fit together")
