"""A ranker made of several: item weights and factors in closed form, and what gradient descent learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from apps.collab.autoencoder import Autoencoder
from apps.collab.histories import Histories
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import RANKING_FACTORS, ItemFactors, ItemWeights, Ranker, make_ranker
from apps.collab.shares import best_shares, standard, summed


class Blend(Ranker):
    """The score is the sum of the members' scores, each standardised over a user's items, by their `shares`.

    In training it is the autoencoder's alone: the others are fitted already.
    """

    shares: Tensor

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        super().__init__(preprocessor)
        closed = make_ranker(preprocessor)
        self.members = nn.ModuleDict({"factors": ItemFactors(preprocessor, RANKING_FACTORS)})
        if isinstance(closed, ItemWeights):
            self.members["weights"] = closed
        self.members["autoencoder"] = Autoencoder(preprocessor)
        self.register_buffer("shares", torch.full((len(self.members),), 1 / len(self.members)))

    @property
    def autoencoder(self) -> Autoencoder:
        member = self.members["autoencoder"]
        assert isinstance(member, Autoencoder)
        return member

    @property
    def divergence(self) -> Tensor:
        return self.autoencoder.divergence

    def rankers(self) -> list[Ranker]:
        return [member for member in self.members.values() if isinstance(member, Ranker)]

    def forward(self, users: Tensor) -> Tensor:
        """Scores, shape (rows, items + 1), of users at these positions."""
        if self.training:
            return self.autoencoder(users)
        return self._blended([member(users) for member in self.rankers()])

    def score(self, had: Histories) -> Tensor:
        return self._blended([member.score(had) for member in self.rankers()])

    def _blended(self, scores: list[Tensor]) -> Tensor:
        return summed(map(standard, scores), self.shares)

    @torch.no_grad()
    def choose(self, users: Tensor, seen: Tensor, truth: Tensor) -> float:
        """Takes the shares that find most of the `truth` beside what users have `seen`, tables of shape (users, items +
        1); returns their nDCG@10."""
        scores = [standard(member(users.to(self.shares.device))).cpu() for member in self.rankers()]
        shares, height = best_shares(scores, seen, truth)
        self.shares.copy_(torch.tensor(shares))
        return height
