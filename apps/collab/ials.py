"""Ranking by factors for catalogues too large for item weights: implicit alternating least squares.

Hu, Koren & Volinsky 2008 with the frequency-scaled penalty of Rendle et al. 2021 (arXiv:2110.14037).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.collab.components import components
from apps.collab.histories import Histories, blocks
from apps.collab.rankers import ItemFactors

SWEEPS = 5
"""From the principal components on; from random factors three times as many."""

SPREAD = 0.3
"""Root mean square of the factors that the first sweep starts from."""

UNSEEN = 0.1
"""Weight of a cell that nobody filled, against one for a filled cell."""

PENALTY = 0.01
"""Ridge penalty of a factor for each cell that it takes part in, filled or not (weighted UNSEEN)."""


Block = tuple[Tensor, Tensor]
"""Owners, shape (owners,), and what each has, (owners, longest): where it has less, one beyond the last."""


def alternating(network: ItemFactors, seen: Histories) -> None:
    """Fills the network's factors in place."""
    holders = seen.transposed()
    of_users, of_items = _blocks(seen), _blocks(holders)
    users, items = network.users.weight, network.items.weight
    width = min(items.shape[1], len(users), len(items))
    start = components(holders, seen, width)
    users.zero_()
    items.zero_()
    items[:, :width] = start * (SPREAD / start.square().mean().sqrt().clamp_min(1e-12))
    for _ in range(SWEEPS):
        _solve_side(of_users, users, items)
        _solve_side(of_items, items, users)


@torch.no_grad()
def user_factors(items: Tensor, had: Histories) -> Tensor:
    """The factors that alternating least squares would give to these histories, shape (rows, width)."""
    users = items.new_zeros(len(had), items.shape[1])
    _solve_side(_blocks(had), users, items)
    return users


def curvature(items: Tensor, had: Tensor) -> Tensor:
    """Of the loss in the factors of a user who has the items at these positions, shape (width, width)."""
    penalty = PENALTY * (len(had) + UNSEEN * len(items))
    return (
        UNSEEN * items.T @ items + items[had].T @ items[had] + penalty * torch.eye(items.shape[1], device=items.device)
    )


def _blocks(had: Histories) -> list[Block]:
    return [(owners, torch.where(real, had.items[cells], had.width)) for owners, cells, real in blocks(had.starts)]


def _solve_side(side: list[Block], own: Tensor, partners: Tensor) -> None:
    """The least-squares factors of `own`, in place, given the partners'. Rendle 2021, equations 7 and 8."""
    padded = torch.cat([partners, partners.new_zeros(1, partners.shape[1])])
    everything = UNSEEN * partners.T @ partners
    for owners, had in side:
        had = had.to(partners.device)
        x = F.embedding(had, padded)
        counts = (had < len(partners)).sum(1)
        penalty = PENALTY * (counts + UNSEEN * len(partners))
        shape = everything + x.mT @ x + torch.diag_embed(penalty[:, None].expand(-1, x.shape[2]))
        root = torch.linalg.cholesky(shape)
        own[owners] = torch.cholesky_solve(x.sum(1)[..., None], root).squeeze(-1)
