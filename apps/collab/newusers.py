"""Users that training never saw, measured: a few rows of each are shown, and those that they had beside are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from apps.collab.biases import user_biases
from apps.collab.folding import Brought, ratings_of_all, scores_of_all
from apps.collab.ids import clean_id, look_up
from apps.collab.linked import Linked
from apps.collab.model import RatingNetwork
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import Ranker
from apps.collab.short_histories import ShortHistoryScorer
from apps.collab.splitting import NewUserRows
from shared.errors import UserError
from shared.protocol import Outputs

BLOCK = 512
"""Users answered at a time."""


@dataclass
class NewUsers:
    """Rows asked of new users, encoded: what all of them showed, each row's user as a place there, and its item."""

    brought: Brought
    places: Tensor
    items: Tensor
    lengths: Tensor | None = None

    @classmethod
    def of(cls, asked: NewUserRows, preprocessor: CollabPreprocessor) -> NewUsers:
        brought = Brought.of(asked.shown, preprocessor)
        places = [brought.places[clean_id(name)] for name in asked.columns["user"]]
        items = look_up(preprocessor.item_positions, asked.columns["item"])
        return cls(brought, torch.tensor(places, dtype=torch.long), items)

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        """As rows of the unknown user."""
        return torch.zeros(len(rows), dtype=torch.int), self.items[rows].int()

    @torch.inference_mode()
    def predicted(self, predictor: Outputs) -> Tensor:
        """Ratings of the rows after what their users showed, shape (rows,)."""
        network, values = network_of(predictor), torch.empty(len(self))
        assert isinstance(network, RatingNetwork)
        names = list(self.brought.places)
        for start in range(0, len(names), BLOCK):
            part = ((self.places >= start) & (self.places < start + BLOCK)).nonzero()[:, 0]
            block = self.brought.take(names[start : start + BLOCK])
            rated = ratings_of_all(network, torch.zeros(len(block.had), dtype=torch.long), block)
            values[part] = rated[self.places[part] - start, self.items[part]]
        return values

    def usual(self, mean: float, item_bias: Tensor) -> Tensor:
        """The bias-only ratings of the rows: each user's bias from what they showed."""
        had, ratings = self.brought.had, self.brought.ratings
        rated = ratings.isfinite()
        rows, rest = had.rows()[rated], (ratings - mean - item_bias[had.items.long()])[rated]
        return mean + user_biases(rows, rest, len(had))[self.places] + item_bias[self.items]

    def scorer(self, predictor: Outputs, short: ShortHistoryScorer) -> Callable[[Tensor], Tensor]:
        """Gives the scores of all items, shape (places, items + 1), for the users at these places."""
        ranker = network_of(predictor)
        assert isinstance(ranker, Ranker)

        @torch.inference_mode()
        def scores(places: Tensor) -> Tensor:
            had = self.brought.had.take(places)
            return scores_of_all(ranker, short, torch.zeros_like(places), had, had.counts() > 0)

        return scores


def network_of(predictor: Outputs) -> nn.Module:
    """Of links that are being learnt the network that they would leave. Raises UserError where there are outputs alone."""
    network = getattr(predictor, "network", None)
    if not isinstance(network, nn.Module):
        raise UserError("new users are measured by train and evaluate, not within fastai's loop: use --split random")
    return network.settled() if isinstance(network, Linked) else network
