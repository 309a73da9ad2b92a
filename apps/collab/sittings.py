"""What time tells of a rating: within one sitting a user gives more, or less, than usual.

Of the effects of time in Koren 2009 ("Collaborative filtering with temporal dynamics") it is the user's bias of the
day, with sittings in place of days: the one that paid (docs/experiments/collab.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

GAP = 1800.0
"""Seconds without a rating that end a sitting."""

NAMES = ("users", "starts", "ends", "levels")
ROWS = 1 << 20
"""Ratings looked at together."""

SHRINKAGE = 20.0
"""Ratings of the usual level that a sitting's level is shrunk by."""


@dataclass(frozen=True)
class Sittings:
    """Those of several ratings, one a row, by user and then by time: the user's position, the seconds of the first and of the last rating, and how
    far ratings lie above the user's usual ones, in their unit."""

    users: Tensor
    starts: Tensor
    ends: Tensor
    levels: Tensor

    @classmethod
    def none(cls) -> Sittings:
        """Those of ratings without times."""
        moments = torch.zeros(0, dtype=torch.double)
        return cls(torch.zeros(0, dtype=torch.long), moments, moments, torch.zeros(0))

    @classmethod
    def fit(cls, users: Tensor, times: Tensor, rest: Tensor) -> Sittings:
        """From ratings, three tensors of one length: positions of users, seconds (float64), and what biases leave.

        Of many ratings some users' at a time, so that little memory is taken beside theirs."""
        edges = torch.linspace(0, int(users.max()) + 1, -(-len(users) // ROWS) + 1).ceil().int().tolist()
        cuts = ((users >= low) & (users < high) for low, high in pairwise(edges))
        found = [cls._fit_some(users[cut], times[cut], rest[cut]) for cut in cuts if cut.any()]
        return cls(*(torch.cat([getattr(part, name) for part in found]) for name in NAMES))

    @classmethod
    def _fit_some(cls, users: Tensor, times: Tensor, rest: Tensor) -> Sittings:
        """The same of ratings that fit into memory several times."""
        order = times.argsort(stable=True)
        order = order[users[order].argsort(stable=True)]
        users, times = users[order], times[order]
        begins = torch.ones(len(order), dtype=torch.bool)
        begins[1:] = (users.diff() != 0) | (times.diff() > GAP)
        first = begins.nonzero()[:, 0]
        counts = torch.cat([first, torch.tensor([len(order)])]).diff()
        sums = torch.zeros(len(first)).index_add_(0, begins.cumsum(0) - 1, rest[order])
        several = counts > 1  # one rating tells no level
        first, counts, sums = first[several], counts[several], sums[several]
        return cls(users[first].long(), times[first], times[first + counts - 1], sums / (counts + SHRINKAGE))

    def __len__(self) -> int:
        return len(self.users)

    def of(self, users: Tensor, times: Tensor) -> Tensor:
        """The level of each rating's sitting, shape (rows,): 0 where the user had none about then."""
        if not len(self):
            return torch.zeros(len(users))
        earliest, latest = float(self.starts.min()) - 2 * GAP, float(self.ends.max()) + 2 * GAP
        span = latest - earliest
        keys = self.users.double() * span + (self.starts - GAP - earliest)

        def levels(users: Tensor, times: Tensor) -> Tensor:
            times = times.clamp(earliest, latest)
            place = (torch.searchsorted(keys, users.double() * span + (times - earliest), right=True) - 1).clamp_min(0)
            after, before = times >= self.starts[place] - GAP, times <= self.ends[place] + GAP
            return torch.where((self.users[place] == users) & after & before, self.levels[place], 0.0)

        return torch.cat([levels(*part) for part in zip(users.split(ROWS), times.split(ROWS), strict=True)])

    def tensors(self) -> dict[str, Tensor]:
        """By name, for the artifact."""
        return {f"sitting_{name}": getattr(self, name) for name in NAMES}

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor]) -> Sittings:
        """From what `tensors` gave; none from an artifact that knows of no times."""
        names = [f"sitting_{name}" for name in NAMES]
        return cls(*(tensors[name] for name in names)) if names[0] in tensors else cls.none()
