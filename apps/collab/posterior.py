"""Runs the Gibbs chain on ratings and keeps the posterior mean of every prediction as one pair of factors.

What a user has rated tells more than the ratings alone (Koren 2008, SVD++): the prior mean of each factor is
linear in the principal components of who rated what in the training rows. Test rows are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from apps.collab.gibbs import Rectangle, draw_factors, draw_links, draw_noise, draw_prior, rectangles
from apps.collab.histories import Histories

FIRST_PRECISION = 10.0
"""Of the factors before the first draw of their prior."""


@dataclass(frozen=True)
class Ratings:
    """Training rows: positions of user and item, and the rating less the mean; `sizes` count the positions."""

    user: Tensor
    item: Tensor
    rating: Tensor
    sizes: tuple[int, int]


@dataclass(frozen=True)
class Factors:
    """A prediction is `users[u] @ items[i]`, shapes (users, width) and (items, width)."""

    users: Tensor
    items: Tensor


@dataclass
class Side:
    """Users or items within the chain: their rectangles of ratings, features, and current draws.

    Row 0 of `factors`, shape (rows, width + 1), is the unknown one: it has no ratings and follows the prior.
    The last column is the bias.
    """

    blocks: list[Rectangle]
    features: Tensor
    factors: Tensor
    links: Tensor
    mean: Tensor
    precision: Tensor

    @classmethod
    def start(cls, blocks: list[Rectangle], features: Tensor, width: int) -> Side:
        rows, columns = features.shape[0], width + 1
        factors = 0.1 * torch.randn(rows, columns)
        factors[:, -1] = 0.0
        links, mean = torch.zeros(features.shape[1], columns), torch.zeros(columns)
        return cls(blocks, features, factors, links, mean, FIRST_PRECISION * torch.eye(columns))

    def partner_view(self) -> Tensor:
        """These factors as the other side sees them: a constant for its own bias, then this side's bias."""
        return torch.cat([self.factors[:, :-1], torch.ones(len(self.factors), 1), self.factors[:, -1:]], 1)

    def draw(self, other: Side, noise: float) -> None:
        """New factors given the other side's, then their prior given them."""
        expected = self.mean + self.features @ self.links
        self.factors = draw_factors(self.blocks, other.partner_view(), expected, self.precision, noise)
        own = self.factors[1:] - self.features[1:] @ self.links
        self.mean, self.precision = draw_prior(own)
        if len(self.links):
            rest = self.factors[1:] - self.mean
            self.links = draw_links(self.features[1:], rest, self.links, self.precision)

    def kept(self) -> tuple[Tensor, Tensor]:
        """(factors, bias) of this draw; the unknown row is the prior's mean."""
        rows = self.factors.clone()
        rows[0] = self.mean
        return rows[:, :-1], rows[:, -1]


@dataclass(frozen=True)
class Posterior:
    """The mean prediction is `factors` + `biases`, two sums of products; `noise` is the variance of a rating about
    it, and the variance of the prediction itself about `spread.users * spread.items`, shapes (users,), (items,)."""

    factors: Factors
    biases: Factors
    spread: Factors
    noise: float


def sample_posterior(ratings: Ratings, width: int, samples: int, burn: int, kept_width: int) -> Posterior:
    """The mean prediction over `samples` draws after `burn`.

    The factors of all draws side by side are brought down to `kept_width` columns by the best approximation
    (Eckart & Young 1936); biases come as factors (users, 2), (items, 2), exact.
    """
    sides = _start(ratings, width)
    noise, noises, kept = 1.0, [], []
    moments = Moments.start(ratings.sizes)
    for draw in range(burn + samples):
        sides[0].draw(sides[1], noise)
        sides[1].draw(sides[0], noise)
        noise = draw_noise(residuals(sides, ratings))
        if draw >= burn:
            kept.append((sides[0].kept(), sides[1].kept()))
            noises.append(1 / noise)
            moments.add(sides)
    users, items = (torch.cat([pair[side][0] for pair in kept], 1) for side in (0, 1))
    biases = [torch.stack([pair[side][1] for pair in kept]).mean(0) for side in (0, 1)]
    factors = compress(Factors(users, items / samples), kept_width)
    return Posterior(factors, Factors(biases[0], biases[1]), moments.spread(), sum(noises) / samples)


JUDGES = 64
"""Partners, drawn at random, that the spread of an owner's predictions is averaged over."""


@dataclass
class Moments:
    """Sums and sums of squares of predictions for every user with some items, and for every item with some users."""

    partners: tuple[Tensor, Tensor]  # positions of items for the users, of users for the items
    sums: list[Tensor]
    squares: list[Tensor]
    draws: int = 0

    @classmethod
    def start(cls, sizes: tuple[int, int]) -> Moments:
        partners = torch.randint(sizes[1], (JUDGES,)), torch.randint(sizes[0], (JUDGES,))
        return cls(
            partners, [torch.zeros(size, JUDGES) for size in sizes], [torch.zeros(size, JUDGES) for size in sizes]
        )

    def add(self, sides: tuple[Side, Side]) -> None:
        for i, (own, other) in enumerate((sides, sides[::-1])):
            judges = other.partner_view()[self.partners[i]]
            predicted = own.factors @ judges[:, :-1].T + judges[:, -1]
            self.sums[i] += predicted
            self.squares[i].addcmul_(predicted, predicted)
        self.draws += 1

    def spread(self) -> Factors:
        """Mean variances of users and of items, scaled so that their products are variances of predictions."""
        users, items = (
            (square / self.draws - (total / self.draws).square()).clamp_min(0).mean(1)
            for total, square in zip(self.sums, self.squares, strict=True)
        )
        return Factors(users, items / items.mean().clamp_min(1e-12))


BLOCK = 1 << 20
"""Ratings predicted at a time."""


def residuals(sides: tuple[Side, Side], ratings: Ratings) -> Tensor:
    """The training ratings less this draw's predictions, shape (rows,)."""
    rest = torch.empty_like(ratings.rating)
    for start in range(0, len(rest), BLOCK):
        part = slice(start, start + BLOCK)
        users, items = sides[0].factors[ratings.user[part]], sides[1].factors[ratings.item[part]]
        predicted = (users[:, :-1] * items[:, :-1]).sum(1) + users[:, -1] + items[:, -1]
        rest[part] = ratings.rating[part] - predicted
    return rest


def _start(ratings: Ratings, width: int) -> tuple[Side, Side]:
    user, item, rating, (users, items) = ratings.user, ratings.item, ratings.rating, ratings.sizes
    of_users, of_items = who_rated_what(ratings)
    return (
        Side.start(rectangles(user, item, rating, (users, items)), of_users, width),
        Side.start(rectangles(item, user, rating, (items, users)), of_items, width),
    )


ITERATIONS = 4
COMPONENTS = 50
"""Principal components of who rated what, at most a quarter of the users or items."""

RATINGS_EACH = 2000
"""Ratings that a component needs: with fewer it tells noise, and the biases alone answer better."""


def who_rated_what(ratings: Ratings) -> tuple[Tensor, Tensor]:
    """Features of users (users, c) and of items (items, c): principal components of the table of rated pairs."""
    of_users = Histories.of_pairs(ratings.user, ratings.item, *ratings.sizes)
    of_items = of_users.transposed()
    return _components(of_users, of_items), _components(of_items, of_users)


def _components(own: Histories, other: Histories) -> Tensor:
    """Features of the rows of `own`, centred, of unit mean spread; row 0, the unknown owner, is zero.

    A cell is divided by the root of its row's count (SVD++), and columns are evened out half-way, so that
    neither those with many ratings nor the most popular partners decide alone. The components are found by
    subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4).
    """
    width = min(COMPONENTS, (min(len(own), len(other)) - 1) // 4, len(own.items) // RATINGS_EACH)
    if width < 1:
        return torch.zeros(len(own), 0)
    by_row = own.counts().clamp_min(1).float().rsqrt()[:, None]
    table, transposed = own.sparse(), other.sparse()
    by_column = (transposed @ by_row.square()).clamp_min(1e-12).sqrt().rsqrt()

    def products(columns: Tensor) -> Tensor:
        return by_row * (table @ (by_column * columns))

    basis = products(torch.randn(len(other), width))
    for _ in range(ITERATIONS):
        back = torch.linalg.qr(by_column * (transposed @ (by_row * torch.linalg.qr(basis).Q))).Q
        basis = products(back)
    left, strengths, _ = torch.linalg.svd(basis, full_matrices=False)
    return _standard(left * strengths)


def _standard(rows: Tensor) -> Tensor:
    known = rows[1:] - rows[1:].mean(0)
    return torch.cat([torch.zeros(1, rows.shape[1]), known / known.std(0, unbiased=False).mean().clamp_min(1e-6)])


def compress(factors: Factors, width: int) -> Factors:
    """Factors of `width` columns with nearly the same products, the strongest column first."""
    if min(factors.users.shape) == 0:
        return factors
    left, above = torch.linalg.qr(factors.users)
    right, below = torch.linalg.qr(factors.items)
    u, s, vt = torch.linalg.svd(above @ below.T, full_matrices=False)
    root = s[:width].sqrt()
    users, items = left @ (u[:, :width] * root), right @ (vt[:width].T * root)
    missing = max(0, width - users.shape[1])
    return Factors(*(torch.nn.functional.pad(part, (0, missing)).contiguous() for part in (users, items)))
