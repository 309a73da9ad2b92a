"""A learned ranker: what users have, through a narrow Gaussian middle, to the probability of every item.

Mult-VAE (Liang et al. 2018, arXiv:1802.05814) with RecVAE's normalised swish layer, linear decoder, and a weight of the
divergence that grows with what a user has (Shenbin et al. 2019, arXiv:1912.11160, equation 9).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.histories import Histories
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import Ranker

HIDDEN = 600
MIDDLE = 200

DROPOUT = 0.5
"""Share of what users have that training hides."""

GAMMA = 0.005
"""Weight of the divergence from the prior for each item that a user has."""


class Autoencoder(Ranker):
    """Its scores are logits. In training it hides some of what users have, draws the middle, and leaves what that costs in
    `divergence`: nats for each item that the users have."""

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__(preprocessor)
        size = len(preprocessor.items) + 1
        self.first, self.norm = nn.Linear(size, HIDDEN), nn.LayerNorm(HIDDEN)
        self.mean, self.log_variance = nn.Linear(HIDDEN, MIDDLE), nn.Linear(HIDDEN, MIDDLE)
        self.last = nn.Linear(MIDDLE, size)
        nn.init.normal_(self.last.weight, std=0.01)
        with torch.no_grad():
            self.last.bias.copy_((preprocessor.item_counts + 1).log())
        self.divergence = torch.zeros(())

    def forward(self, users: Tensor) -> Tensor:
        """Logits, shape (rows, items + 1), of users at these positions."""
        return self.score(self.seen.take(users.cpu()))

    def score(self, had: Histories) -> Tensor:
        table = had.table(torch.arange(len(had))).to(self.last.weight.device)
        inputs = F.dropout(F.normalize(table, dim=1), DROPOUT, self.training)
        hidden = self.norm(F.silu(self.first(inputs)))
        middle = self.mean(hidden)
        if self.training:
            middle = self._drawn(middle, self.log_variance(hidden), table.sum(1))
        return self.or_popular(self.last(middle), had.counts())

    def _drawn(self, mean: Tensor, log_variance: Tensor, counts: Tensor) -> Tensor:
        """A draw of the middle, shape (rows, MIDDLE). Kingma & Welling 2014, appendix B."""
        mean, log_variance = mean.float(), log_variance.float().clamp(-10, 5)
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
        self.divergence = GAMMA * (counts * divergence).sum() / counts.sum().clamp_min(1)
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
