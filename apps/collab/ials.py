"""Ranking by factors for catalogues too large for item weights: implicit alternating least squares.

Hu, Koren & Volinsky 2008 with the frequency-scaled penalty of Rendle et al. 2021 (arXiv:2110.14037).
"""

from __future__ import annotations

import torch
from torch import Tensor

from apps.collab.ease import Histories
from apps.collab.gibbs import Rectangle, rectangles
from apps.collab.model import ItemFactors

SWEEPS = 12
UNSEEN = 0.1
"""Weight of a cell that nobody filled, against one for a filled cell."""

PENALTY = 0.003
"""Ridge penalty of a factor for each cell that it takes part in, filled or not (weighted UNSEEN)."""


def alternating(network: ItemFactors, seen: Histories) -> None:
    """Fills the network's factors in place."""
    cells = (seen.user, seen.item)
    ones = torch.ones(len(seen.user))
    of_users = rectangles(*cells, ones, (seen.users, seen.items))
    of_items = rectangles(cells[1], cells[0], ones, (seen.items, seen.users))
    users, items = network.users.weight, network.items.weight
    users[0], items[0] = 0.0, 0.0
    for _ in range(SWEEPS):
        _solve_side(of_users, users, items)
        _solve_side(of_items, items, users)


def _solve_side(blocks: list[Rectangle], own: Tensor, partners: Tensor) -> None:
    """The least-squares factors of `own`, in place, given the partners'. Rendle 2021, equations 7 and 8."""
    padded = torch.cat([partners, partners.new_zeros(1, partners.shape[1])])
    everything = UNSEEN * partners.T @ partners
    for block in blocks:
        x = padded[block.partners]
        counts = (block.partners < len(partners)).sum(1)
        penalty = PENALTY * (counts + UNSEEN * len(partners))
        curvature = everything + x.mT @ x + torch.diag_embed(penalty[:, None].expand(-1, x.shape[2]))
        root = torch.linalg.cholesky(curvature)
        own[block.owners] = torch.cholesky_solve(x.sum(1)[..., None], root).squeeze(-1)
