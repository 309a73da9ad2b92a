"""Intervals around predicted numbers that hold a stated share of the rows: split conformal prediction."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from apps.tabular.fitted import Fitted

ROWS_A_BIN, MOST_BINS = 100, 10


class Intervals(Fitted):
    """Numbers (rows,) to (rows, 3): the number, and the ends of its interval; unchanged until `fit`.

    Split conformal prediction (Papadopoulos et al. 2002; Lei et al. 2018, arXiv:1604.04173), each bin of predictions
    by itself (Mondrian; Vovk et al. 2005), since large numbers are commonly further off than small ones. Holds the
    stated share of new rows drawn as the calibration rows were, whatever the model, as far as it did not see those.
    """

    edges: Tensor  # (bins - 1,) between the bins of predictions
    reach: Tensor  # (bins,) how far an interval goes to either side

    def __init__(self) -> None:
        super().__init__({"edges": torch.zeros(0), "reach": torch.zeros(0)})

    def fit(self, predicted: Tensor, targets: Tensor, level: float) -> None:
        """From rows that were not trained on; too few for the level leave it unfitted.

        `apps.tabular.settling` gives rows by which the epoch, the trees' rounds and their share were chosen: others would
        be missed in training. New rows may so be held slightly less often than stated.
        """
        bins = min(max(len(predicted) // ROWS_A_BIN, 1), MOST_BINS)
        edges = torch.quantile(predicted.double(), torch.linspace(0, 1, bins + 1).double()[1:-1]).unique()
        error, which = (predicted - targets).abs(), torch.bucketize(predicted, edges.float())
        reach = [_reach(error[which == i], level) for i in range(len(edges) + 1)]
        if None not in reach:
            device = self.edges.device
            self.edges, self.reach = edges.float().to(device), torch.tensor(reach, device=device)

    def forward(self, predicted: Tensor) -> Tensor:
        if not len(self.reach):
            return predicted
        reach = self.reach[torch.bucketize(predicted.contiguous(), self.edges)]
        return torch.stack([predicted, predicted - reach, predicted + reach], 1)

    def check(self) -> None:
        if len(self.reach) not in (0, len(self.edges) + 1):
            raise RuntimeError("the intervals' parts do not fit together")


def _reach(errors: Tensor, level: float) -> float | None:
    """The error that `level` of new rows stay within: the ceil((n + 1) * level)-th least; None of too few."""
    rank = math.ceil((len(errors) + 1) * level)
    return float(errors.sort().values[rank - 1]) if 0 < rank <= len(errors) else None
