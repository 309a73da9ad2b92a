"""What the nearest training rows had for a target: features for the trees, kept as tensors beside the weights, and whether
they help."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from apps.tabular.boosting import Options, Rows, probe
from apps.tabular.fitted import Fitted
from apps.tabular.parts import outside

SIZES = (4, 16, 48)
"""How many of the nearest rows each feature looks at."""

MIDDLE = 3 * (len(SIZES) // 2) + 1
"""The feature that is the weighed mean of the middle size."""

MOST_POINTS = 50_000
ROWS = 256
"""Rows compared with all points at a time when answering: bounds memory."""

PROBED, LEADING = 10_000, 6
"""So many rows, and of them so many columns, are looked at to tell whether neighbours help."""

TOLD, GAINED = 0.02, 0.99
"""Neighbours are taken where they tell this share of what a first forest leaves open, and then lessen its loss to this."""


class Neighbours(Fitted):
    """Numbers (rows, n) to (rows, 3 * len(SIZES)); to no feature at all until `place`.

    For each size the mean target of the nearest points, the same weighed by nearness, and how far the last one is.
    """

    columns: Tensor  # (k,) int64: the numbers that distance is measured in
    points: Tensor  # (points, k) of those numbers
    targets: Tensor  # (points,)
    reach: Tensor  # () a tenth of a typical distance: nearer than this is as good as there

    def __init__(self) -> None:
        points = {"points": torch.zeros(0), "targets": torch.zeros(0), "reach": torch.zeros(())}
        super().__init__({"columns": torch.zeros(0, dtype=torch.long), **points})

    def place(self, columns: Sequence[int], numbers: Tensor, targets: Tensor) -> None:
        """Takes training rows as points; of many a fixed sample."""
        rows = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0))[:MOST_POINTS]
        device = self.reach.device
        self.columns = torch.tensor(columns, device=device)
        points = numbers[rows][:, columns].cpu().contiguous()
        targets = targets[rows].cpu().float()
        distances, _ = nearest(points.numpy(), points.numpy())
        self.points, self.targets = points.to(device), targets.to(device)
        self.reach = torch.tensor(max(float(np.median(distances[:, SIZES[1]])) / 10, 1e-6), device=device)

    def forward(self, numbers: Tensor) -> Tensor:
        if not len(self.points):
            return numbers[:, :0]
        places = numbers[:, self.columns].to(self.points.dtype)
        return torch.cat([self._features(*self._nearest(part)) for part in places.split(ROWS)]).to(numbers.dtype)

    def of_many(self, numbers: Tensor) -> Tensor:
        """`forward` for a whole table, by a tree of the points; neighbours equally far may differ."""
        if not len(self.points):
            return numbers[:, :0]
        found = nearest(self.points.cpu().numpy(), numbers[:, self.columns.cpu()].numpy())
        return self._features(*(torch.from_numpy(part).to(self.points.device) for part in found)).cpu()

    def _nearest(self, places: Tensor) -> tuple[Tensor, Tensor]:
        distances = torch.cdist(places, self.points, compute_mode="donot_use_mm_for_euclid_dist")
        found = distances.topk(min(SIZES[-1], len(self.points)), largest=False)
        return found.values, found.indices

    def _features(self, distances: Tensor, which: Tensor) -> Tensor:
        targets = self.targets[which]
        weights = 1 / (distances.to(targets.dtype) + self.reach)
        found = []
        for size in SIZES:
            near = weights[:, :size]
            weighed = (targets[:, :size] * near).sum(1) / near.sum(1)
            found += [targets[:, :size].mean(1), weighed, 1 / near[:, -1] - self.reach]
        return torch.stack(found, 1)

    def check(self) -> None:
        fits = len(self.points) == len(self.targets) and (not len(self.points) or self.points.dim() == 2)
        if not fits or (len(self.points) and self.points.shape[1] != len(self.columns)):
            raise RuntimeError("the neighbours' parts do not fit together")


def nearest(points: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distances, positions) of the nearest points to each place, (places, SIZES[-1]), the nearest first."""
    from scipy.spatial import cKDTree

    distances, which = cKDTree(points).query(places, min(SIZES[-1], len(points)))
    return distances.astype(np.float32), which


def unseen_features(columns: Sequence[int], numbers: Tensor, targets: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """The features of training rows: each row's from the rows outside its own part, so that none sees its target.

    `parts` are positions that together are all rows.
    """
    found = torch.zeros(len(numbers), 3 * len(SIZES))
    for part in parts:
        others = outside(part, len(numbers))
        neighbours = Neighbours()
        neighbours.place(columns, numbers[others], targets[others])
        found[part] = neighbours.of_many(numbers[part])
    return found


def find_columns(train: Rows, parts: Sequence[Tensor], numbers: int, options: Options) -> tuple[int, ...]:
    """The numbers whose near rows tell most of what a first forest leaves open, where that makes it better; or none."""
    sample = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:PROBED].sort().values
    part_of = torch.zeros(len(train), dtype=torch.long)
    for i, part in enumerate(parts):
        part_of[part] = i
    rows = train.take(sample)
    parts = [(part_of[sample] == i).nonzero().squeeze(1) for i in range(len(parts))]
    answers, gains = _crossed(rows, parts, options)
    left_open = rows.targets.float() - answers
    leading = [i for i in gains.argsort(descending=True).tolist() if i < numbers and gains[i] > 0][:LEADING]
    pairs = [*combinations(leading, 2), *([tuple(leading)] if len(leading) > 2 else [])]
    told = {pair: _told(unseen_features(pair, rows.features, left_open, parts), left_open) for pair in pairs}
    best = max(told, key=lambda pair: told[pair], default=())
    if not best or told[best] < TOLD:
        return ()
    more, _ = _crossed(rows.beside(unseen_features(best, rows.features, rows.targets, parts)), parts, options)
    error = (rows.targets.float() - more).square().mean()
    return best if error < GAINED * left_open.square().mean() else ()


def _crossed(rows: Rows, parts: Sequence[Tensor], options: Options) -> tuple[Tensor, Tensor]:
    """(answers to each part by a quick forest grown on the others, the gain of each feature)."""
    answers, gains = torch.zeros(len(rows)), torch.zeros(rows.features.shape[1])
    for part in parts:
        learnt, asked = rows.without(part)
        answers[part], gain = probe(learnt, asked.features, options)
        gains += gain
    return answers, gains


def _told(features: Tensor, left_open: Tensor) -> float:
    """The share of squared error that the weighed mean of the middle size takes away, scaled as fits best."""
    told = features[:, MIDDLE]
    slope = (told @ left_open) / (told @ told).clamp_min(1e-12)
    return 1 - float((left_open - slope * told).square().mean() / left_open.square().mean().clamp_min(1e-12))
