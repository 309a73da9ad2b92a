"""Gradient descent on ratings, with what features tell of users and items: the implicit term of SVD++ (Koren 2008)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.ids import ROLES
from apps.collab.model import RatingNetwork
from apps.collab.posterior import Ratings, features_of
from shared.checkpoint import Checkpoint
from shared.progress import Progress, Setup
from shared.protocol import Group


class Linked(nn.Module):
    """A network of ratings whose factors and biases have, beside what each learns for itself, what links make of its features.

    In place of a table of items that is summed over what a user rated (SVD++) stand principal components of who rated what,
    and columns where there are some: for users and for items alike.
    """

    user_features: Tensor
    item_features: Tensor

    def __init__(self, network: RatingNetwork, features: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.network = network
        width = network.users.weight.shape[1] + 1
        for name, table in zip(ROLES, features, strict=True):
            self.register_buffer(f"{name}_features", table, persistent=False)
        self.user_links, self.item_links = (nn.Parameter(torch.zeros(table.shape[1], width)) for table in features)

    def forward(self, users: Tensor, items: Tensor, levels: Tensor | None = None) -> Tensor:
        """As the network's own."""
        own = self.network
        factors, biases = zip(
            self._side(own.users, own.user_bias, self.user_features, self.user_links, users),
            self._side(own.items, own.item_bias, self.item_features, self.item_links, items),
            strict=True,
        )
        return own.combine(factors, biases, (users, items), levels)

    def _side(
        self, table: nn.Embedding, bias: nn.Embedding, features: Tensor, links: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(factors, bias) of these rows."""
        told = F.embedding(rows, features) @ links
        return table(rows) + told[:, :-1], bias(rows)[:, 0] + told[:, -1]

    @torch.no_grad()
    def settle(self) -> None:
        """Puts into the network's own factors and biases what the links tell."""
        own = self.network
        for factors, bias, told in (
            (own.users, own.user_bias, self.user_features @ self.user_links),
            (own.items, own.item_bias, self.item_features @ self.item_links),
        ):
            factors.weight += told[:, :-1]
            bias.weight += told[:, -1:]

    def settled(self) -> RatingNetwork:
        """The network as it would be if training ended here."""
        copy = deepcopy(self)
        copy.settle()
        return copy.network


def train_linked(setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
    """Trains the factors and the links, and keeps them as factors alone."""
    from shared.train import fit

    network = setup.network
    assert isinstance(network, RatingNetwork) and network.rows is not None
    users, items, targets = network.rows
    sizes = len(network.users.weight), len(network.items.weight)
    features = features_of(Ratings(users, items, targets - network.mean.cpu(), sizes, network.columns))
    linked = Linked(network, features).to(setup.recipe.device)
    groups = [*setup.groups, Group([linked.user_links, linked.item_links])]
    inner = replace(progress, score=float("-inf"), weights=None)
    try:
        fit(replace(setup, network=linked, groups=groups), setup.recipe.epochs, inner, checkpoint)
    finally:  # also of a run that was interrupted
        if inner.weights is not None:
            linked.load_state_dict(inner.weights)
            linked.settle()
            progress.offer(inner.score, network, inner.chosen)
