"""What rows of the same categories, and of the same pairs of them, had for a target: features for one of the forests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from apps.tabular.fitted import Fitted
from apps.tabular.parts import outside

MOST_CATEGORIES = 12
MOST_CELLS = 20_000
"""Pairs with more combinations than this are left out: most would be seen seldom or never."""

PRIOR_ROWS = 20
"""A mean is drawn to that of all rows as if so many more had it."""


class CategoryMeans(Fitted):
    """Codes (rows, c) to means of targets (rows, m); to no feature at all until `place`.

    Target statistics of categories and their combinations: Micci-Barreca 2001; Prokhorenkova et al. 2018, arXiv:1706.09516.
    """

    first: Tensor  # (m,) int64: which category
    second: Tensor  # (m,) int64: and which beside it
    steps: Tensor  # (m, 2) int64: how far a code of each moves in the table; (1, 0) of a category alone
    starts: Tensor  # (m,) int64: where a feature's cells begin
    table: Tensor  # (cells,)

    def __init__(self) -> None:
        shapes = {"first": (0,), "second": (0,), "steps": (0, 2), "starts": (0,)}
        positions = {name: torch.zeros(shape, dtype=torch.long) for name, shape in shapes.items()}
        super().__init__({**positions, "table": torch.zeros(0)})

    def place(self, sizes: Sequence[int], codes: Tensor, targets: Tensor) -> None:
        """From training rows; `sizes` are the numbers of codes."""
        chosen = [(i, i, 1, 0, sizes[i]) for i in range(min(len(sizes), MOST_CATEGORIES))]
        chosen += [(i, j, sizes[j], 1, sizes[i] * sizes[j]) for i, j in combinations(range(len(chosen)), 2)]
        chosen = [entry for entry in chosen if entry[0] == entry[1] or entry[-1] <= MOST_CELLS]
        layout = torch.tensor(chosen, dtype=torch.long).reshape(-1, 5)
        ends, device = layout[:, 4].cumsum(0), self.table.device
        self.first, self.second, self.steps = (part.to(device) for part in (layout[:, 0], layout[:, 1], layout[:, 2:4]))
        self.starts = (ends - layout[:, 4]).to(device)
        cells = self._cells(codes.to(device)).flatten().cpu()
        total = int(ends[-1]) if len(ends) else 0
        each = targets.float().cpu().repeat_interleave(len(layout)).double()
        sums = torch.bincount(cells, each, minlength=total)
        counts = torch.bincount(cells, minlength=total)
        mean = targets.double().mean().cpu()
        self.table = ((sums + PRIOR_ROWS * mean) / (counts + PRIOR_ROWS)).float().to(device)

    def forward(self, codes: Tensor) -> Tensor:
        return self.table[self._cells(codes)] if len(self.first) else torch.zeros(len(codes), 0, device=codes.device)

    def _cells(self, codes: Tensor) -> Tensor:
        codes = codes.long()
        return self.starts + codes[:, self.first] * self.steps[:, 0] + codes[:, self.second] * self.steps[:, 1]

    def check(self) -> None:
        if not len(self.first) == len(self.second) == len(self.steps) == len(self.starts):
            raise RuntimeError("the categories' means do not fit together")


def unseen_means(sizes: Sequence[int], codes: Tensor, targets: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """The means of training rows: each row's from the rows outside its own part, so that none sees its target."""
    found: Tensor | None = None
    for part in parts:
        others = outside(part, len(codes))
        means = CategoryMeans()
        means.place(sizes, codes[others], targets[others])
        if found is None:
            found = torch.zeros(len(codes), len(means.first))
        found[part] = means(codes[part])
    assert found is not None
    return found
