"""Bayesian matrix factorisation by Gibbs sampling: every factor is drawn exactly from its conditional, in batches.

The model of Salakhutdinov & Mnih 2008 (BPMF) with biases inside the factors and, as in Macau (Simm et al. 2015,
arXiv:1509.04610), a prior mean that is linear in features of each user and item.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.collab.histories import blocks, grouped


@dataclass(frozen=True)
class Rectangle:
    """Owners with about equally many ratings: `partners` and `ratings` have shape (owners, longest).

    Padding points at the last row of the partners' factors, which is zero and so adds nothing.
    """

    owners: Tensor
    partners: Tensor
    ratings: Tensor


def rectangles(owner: Tensor, partner: Tensor, rating: Tensor, sizes: tuple[int, int]) -> list[Rectangle]:
    """The ratings (three tensors of one length) grouped by owner; `sizes` are the numbers of owners and partners."""
    starts, order = grouped(owner, sizes[0])
    made = []
    for owners, cells, real in blocks(starts):
        rows = order[cells]
        padded = torch.where(real, partner[rows], sizes[1]).int()
        made.append(Rectangle(owners, padded, torch.where(real, rating[rows], 0.0)))
    return made


def draw_factors(
    side: list[Rectangle], partners: Tensor, prior_mean: Tensor, precision: Tensor, noise: float
) -> tuple[Tensor, Tensor, float]:
    """(one draw of all owners' factors, shape (owners, width), its mean, the squared error of the ratings about it).

    The partners', (partners, width + 1), have their own bias last: it is taken off the ratings; `prior_mean` has shape
    (owners, width), `precision` (width, width); `noise` is the precision of a rating. BPMF, equations 11 to 13. The
    products of partners' factors with each other, with what is left of the ratings, and of that with itself come as one.
    """
    padded = torch.cat([partners, partners.new_zeros(1, partners.shape[1])])
    drawn, means = prior_mean + _normal(prior_mean.shape, precision), prior_mean.clone()
    pull, error = prior_mean @ precision, 0.0
    for block in side:
        rows = F.embedding(block.partners, padded)
        rows[..., -1].neg_().add_(block.ratings)
        products = rows.mT @ rows
        curvature = torch.add(precision, products[:, :-1, :-1], alpha=noise)
        slope = torch.add(pull[block.owners], products[:, :-1, -1], alpha=noise)
        root = torch.linalg.cholesky(curvature)
        mean = torch.cholesky_solve(slope[..., None], root)
        new = mean + _solve_transposed(root, torch.randn_like(slope)[..., None])
        drawn[block.owners], means[block.owners] = new.squeeze(-1), mean.squeeze(-1)
        ends = F.pad(new, (0, 0, 0, 1), value=-1.0)
        error += float((ends * (products @ ends)).sum())
    return drawn, means, error


def _normal(shape: torch.Size, precision: Tensor) -> Tensor:
    """Draws from N(0, precision^-1), shape (rows, width)."""
    root = torch.linalg.cholesky(precision)
    return _solve_transposed(root, torch.randn(shape).T).T


def _solve_transposed(root: Tensor, values: Tensor) -> Tensor:
    return torch.linalg.solve_triangular(root.mT, values, upper=True)


def draw_prior(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(mean, precision) of factors, shape (rows, width), from their Normal-Wishart conditional. BPMF, equation 14."""
    count, width = rows.shape
    strength, mean = 2.0, rows.mean(0)
    centred = rows - mean
    scatter = torch.eye(width) + centred.T @ centred + count * strength / (count + strength) * mean.outer(mean)
    precision = _wishart(torch.linalg.inv(scatter), width + count)
    centre = count * mean / (count + strength)
    return centre + _normal(torch.Size([1, width]), precision * (count + strength))[0], precision


def _wishart(scale: Tensor, freedom: int) -> Tensor:
    """A draw by Bartlett's decomposition."""
    width = len(scale)
    lower = torch.randn(width, width).tril(-1)
    halves = (freedom - torch.arange(width, dtype=torch.float)) / 2
    chi = 2 * torch.distributions.Gamma(halves, torch.ones(width)).sample()
    root = torch.linalg.cholesky((scale + scale.T) / 2) @ (lower + chi.sqrt().diag())
    return root @ root.T


def draw_links(features: Tensor, rows: Tensor, links: Tensor, precision: Tensor) -> Tensor:
    """A draw of the links, shape (features, width), by which features (rows, features) give the prior mean of rows.

    The strength of their own prior is drawn first, given the old `links`. Macau, equations 5 and 6.
    """
    size = (links @ precision * links).sum() / 2
    strength = _gamma((links.numel() + 1) / 2, float(size) + 0.5 if links.any() else links.numel() / 20)
    curvature = features.T @ features + strength * torch.eye(len(links))
    noisy = rows + _normal(rows.shape, precision)
    slope = features.T @ noisy + strength**0.5 * _normal(links.shape, precision)
    return torch.cholesky_solve(slope, torch.linalg.cholesky(curvature))


def draw_noise(error: float, count: int) -> float:
    """A draw of the precision of a rating from its Gamma conditional, given the squared error of `count` ratings."""
    return _gamma(1 + count / 2, 1 + error / 2)


def _gamma(shape: float, rate: float) -> float:
    return float(torch.distributions.Gamma(torch.tensor(shape), torch.tensor(rate)).sample())
