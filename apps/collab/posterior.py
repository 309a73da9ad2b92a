"""Runs the Gibbs chain on ratings and keeps the posterior mean of every prediction as one pair of factors.

What a user has rated tells more than the ratings alone (Koren 2008, SVD++): the prior mean of each factor is
linear in the principal components of who rated what in the training rows. Test rows are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from apps.collab.components import components
from apps.collab.factors import Factors, Mean
from apps.collab.gibbs import Rectangle, draw_factors, draw_links, draw_noise, draw_prior, rectangles
from apps.collab.histories import Histories

FIRST_PRECISION = 10.0
"""Of the factors before the first draw of their prior."""

RATINGS_A_FACTOR = 1.5
"""Ratings of an average owner that one more factor needs: 2 kept ML-100k from its sixteenth (docs/experiments/collab.md)."""

JUDGES = 64
"""Partners, drawn at random, that the spread of an owner's predictions is averaged over."""

COMPONENTS = 50
"""Principal components of who rated what, at most a quarter of the users or items."""

RATINGS_A_COMPONENT = 2000
"""Ratings that a component needs: with fewer it tells noise, and the biases alone answer better."""


@dataclass(frozen=True)
class Ratings:
    """Training rows: positions of user and item, and the rating less the mean; `sizes` count the positions.

    `columns`, where there are some, tell of users and of items, shapes (users, any) and (items, any).
    """

    user: Tensor
    item: Tensor
    rating: Tensor
    sizes: tuple[int, int]
    columns: tuple[Tensor, Tensor] | None = None

    def counts(self) -> tuple[Tensor, Tensor]:
        """Ratings of each user and of each item."""
        return torch.bincount(self.user, minlength=self.sizes[0]), torch.bincount(self.item, minlength=self.sizes[1])


@dataclass
class Side:
    """Users or items within the chain: their rectangles of ratings, features, and current draws.

    `factors` has shape (rows, width + 1), the last column is the bias. Rows without ratings, the unknown row 0 among
    them, follow the prior, and the prior is drawn from the `rated` rows alone.
    """

    blocks: list[Rectangle]
    counts: Tensor
    features: Tensor
    factors: Tensor
    links: Tensor
    mean: Tensor
    precision: Tensor
    centre: Tensor

    @classmethod
    def start(cls, blocks: list[Rectangle], counts: Tensor, features: Tensor, width: int) -> Side:
        rows, columns = features.shape[0], width + 1
        factors = 0.1 * torch.randn(rows, columns)
        factors[:, -1] = 0.0
        links, mean = torch.zeros(features.shape[1], columns), torch.zeros(columns)
        return cls(blocks, counts, features, factors, links, mean, FIRST_PRECISION * torch.eye(columns), factors)

    def partner_view(self) -> Tensor:
        """These factors as the other side sees them: a constant for its own bias, then this side's bias."""
        return torch.cat([self.factors[:, :-1], torch.ones(len(self.factors), 1), self.factors[:, -1:]], 1)

    def draw(self, other: Side, noise: float) -> float:
        """New factors given the other side's, then their prior given them; returns the ratings' squared error."""
        expected = self.mean + self.features @ self.links
        found = draw_factors(self.blocks, other.partner_view(), expected, self.precision, noise)
        self.factors, self.centre, error = found
        rated = self.counts > 0
        own, features = self.factors[rated], self.features[rated]
        self.mean, self.precision = draw_prior(own - features @ self.links)
        if len(self.links):
            self.links = draw_links(features, own - self.mean, self.links, self.precision)
        return error

    def kept(self, factors: Tensor) -> tuple[Tensor, Tensor]:
        """(factors, bias) of the draw or of its centre. Rows without ratings have what their features say of the average rating's
        owner: those that get rated are the better ones."""
        expected = self.mean + self.features @ self.links
        share = self.counts / self.counts.sum()
        rows = torch.where(self.counts[:, None] > 0, factors, expected + share @ (factors - expected))
        return rows[:, :-1], rows[:, -1]


@dataclass(frozen=True)
class Posterior:
    """The mean prediction is `factors` + `biases`, two sums of products; `noise` is the variance of a rating about
    it, and the variance of the prediction itself about `spread.users * spread.items`, shapes (users,), (items,)."""

    factors: Factors
    biases: Factors
    spread: Factors
    noise: float

    def times(self, unit: float) -> Posterior:
        """Of ratings that are `unit` times as large."""
        factors = Factors(unit * self.factors.users, self.factors.items)
        biases = Factors(unit * self.biases.users, unit * self.biases.items)
        spread = Factors(unit**2 * self.spread.users, self.spread.items)
        return Posterior(factors, biases, spread, unit**2 * self.noise)


def sample_posterior(ratings: Ratings, width: int, samples: int, burn: int, kept_width: int) -> Posterior:
    """The mean prediction over `samples` draws after `burn`, its factors brought down to `kept_width` columns.

    Of each draw the mean given the other side is kept, not the draw itself (Rao & Blackwell): whoever has few ratings
    would bring the noise of the prior into the average. The priors of the factors and of the noise are of ratings of unit
    spread, so that is what the chain sees, whatever the ratings' scale.
    """
    unit = float(ratings.rating.std(unbiased=False)) or 1.0
    ratings = replace(ratings, rating=ratings.rating / unit)
    sides = _start(ratings, affordable(ratings, width))
    noise, noises, mean = 1.0, 0.0, Mean(kept_width)
    moments = Moments.start(sides)
    for draw in range(burn + samples):
        users, items = sides
        users.draw(items, noise)
        if draw >= burn:
            mean.add(users.kept(users.centre), items.kept(items.factors))
        noise = draw_noise(items.draw(users, noise), len(ratings.rating))
        if draw >= burn:
            mean.add(users.kept(users.factors), items.kept(items.centre))
            moments.add(sides)
            noises += 1 / noise
    return Posterior(*mean.found(), moments.spread(sides), noises / samples).times(unit)


def affordable(ratings: Ratings, width: int) -> int:
    """The factors that the ratings can tell: at most `width`, and one for every RATINGS_A_FACTOR ratings of an average owner."""
    owners = sum(int((counts > 0).sum()) for counts in ratings.counts())
    return max(1, min(width, int(len(ratings.rating) / (RATINGS_A_FACTOR * owners))))


@dataclass
class Moments:
    """Sums and sums of squares of predictions for every user with some items, and for every item with some users."""

    partners: tuple[Tensor, Tensor]  # positions of items for the users, of users for the items
    sums: list[Tensor]
    squares: list[Tensor]
    draws: int = 0

    @classmethod
    def start(cls, sides: tuple[Side, Side]) -> Moments:
        rated = [(side.counts > 0).nonzero()[:, 0] for side in sides]
        of_users, of_items = (each[torch.randint(len(each), (JUDGES,))] for each in rated[::-1])
        sums, squares = ([torch.zeros(len(side.counts), JUDGES) for side in sides] for _ in range(2))
        return cls((of_users, of_items), sums, squares)

    def add(self, sides: tuple[Side, Side]) -> None:
        for i, (own, other) in enumerate((sides, sides[::-1])):
            judges = other.partner_view()[self.partners[i]]
            predicted = own.factors @ judges[:, :-1].T + judges[:, -1]
            self.sums[i] += predicted
            self.squares[i].addcmul_(predicted, predicted)
        self.draws += 1

    def spread(self, sides: tuple[Side, Side]) -> Factors:
        """Mean variances of users and of items, scaled so that their products are variances of predictions; of the unknown
        one, row 0, the variance among all that are rated."""
        users, items = (self._variances(i, side.counts > 0) for i, side in enumerate(sides))
        return Factors(users, items / items[sides[1].counts > 0].mean().clamp_min(1e-12))

    def _variances(self, i: int, rated: Tensor) -> Tensor:
        means, squares = self.sums[i] / self.draws, self.squares[i] / self.draws
        variances = (squares - means.square()).clamp_min(0).mean(1)
        variances[0] = (squares[rated].mean(0) - means[rated].mean(0).square()).mean()
        return variances


def _start(ratings: Ratings, width: int) -> tuple[Side, Side]:
    user, item, rating, (users, items) = ratings.user, ratings.item, ratings.rating, ratings.sizes
    of_users, of_items = features_of(ratings)
    counts = ratings.counts()
    return (
        Side.start(rectangles(user, item, rating, (users, items)), counts[0], of_users, width),
        Side.start(rectangles(item, user, rating, (items, users)), counts[1], of_items, width),
    )


def features_of(ratings: Ratings) -> tuple[Tensor, Tensor]:
    """What is told of users and of items beside the ratings: who rated what, and columns where there are some."""
    found = who_rated_what(ratings)
    if ratings.columns is None:
        return found
    return torch.cat([found[0], ratings.columns[0]], 1), torch.cat([found[1], ratings.columns[1]], 1)


def who_rated_what(ratings: Ratings) -> tuple[Tensor, Tensor]:
    """Features of users (users, c) and of items (items, c): principal components of the table of rated pairs.

    Centred on the rating's average owner, of unit mean spread; rows without ratings are zero.
    """
    of_users = Histories.of_pairs(ratings.user, ratings.item, *ratings.sizes)
    of_items = of_users.transposed()
    width = max(0, min(COMPONENTS, (min(ratings.sizes) - 1) // 4, len(of_users.items) // RATINGS_A_COMPONENT))
    parts = components(of_users, of_items, width), components(of_items, of_users, width)
    return _standard(parts[0], of_users.counts()), _standard(parts[1], of_items.counts())


def _standard(rows: Tensor, counts: Tensor) -> Tensor:
    if not rows.shape[1]:
        return rows
    scale = rows[counts > 0].std(0, unbiased=False).mean().clamp_min(1e-6)
    return torch.where(counts[:, None] > 0, (rows - counts / counts.sum() @ rows) / scale, 0.0)
