"""The sampler: its draws have the moments of the conditionals, and the chain finds factors that made the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apps import collab
from apps.collab.factors import Factors, compress
from apps.collab.gibbs import draw_factors, draw_noise, draw_prior, rectangles
from apps.collab.posterior import Posterior, Ratings, sample_posterior, who_rated_what
from tests.apps.collab.patterns import write_ratings


def cells(users: int = 50, items: int = 30, share: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    user, item = (torch.rand(users, items) < share).nonzero(as_tuple=True)
    return user + 1, item + 1


def test_rectangles_hold_every_rating_once() -> None:
    user, item = cells()
    rating = torch.rand(len(user))
    made = rectangles(user, item, rating, (51, 31))
    found = sorted(
        (int(owner), int(partner), float(value))
        for block in made
        for owner, partners, values in zip(block.owners, block.partners, block.ratings, strict=True)
        for partner, value in zip(partners, values, strict=True)
        if partner < 31
    )
    assert found == sorted(zip(user.tolist(), item.tolist(), rating.tolist(), strict=True))


def test_draws_have_the_ridge_solution_as_mean_and_its_curvature_as_precision() -> None:
    torch.manual_seed(0)
    x, y, noise, owners = torch.randn(6, 2), torch.randn(6), 2.0, 4000  # each with the same six ratings
    owner, partner = torch.arange(owners).repeat_interleave(6), torch.arange(6).repeat(owners)
    blocks = rectangles(owner, partner, y.repeat(owners), (owners, 6))
    prior_mean, precision = torch.tensor([0.5, -0.5]), torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    partners = torch.cat([x, torch.zeros(6, 1)], 1)
    draws, means, error = draw_factors(blocks, partners, prior_mean.repeat(owners, 1), precision, noise)
    assert error == pytest.approx(float((x @ draws.T - y[:, None]).square().sum()), rel=1e-3)
    curvature = precision + noise * x.T @ x
    mean = torch.linalg.solve(curvature, noise * x.T @ y + precision @ prior_mean)
    assert torch.allclose(draws.mean(0), mean, atol=0.03)
    assert torch.allclose(means, mean.expand_as(means), atol=1e-4)
    assert torch.allclose(draws.T.cov(), torch.linalg.inv(curvature), atol=0.01)


def test_prior_and_noise_follow_what_they_describe() -> None:
    torch.manual_seed(0)
    rows = torch.randn(5000, 3) * torch.tensor([1.0, 2.0, 0.5]) + torch.tensor([1.0, 0.0, -1.0])
    mean, precision = draw_prior(rows)
    assert torch.allclose(mean, torch.tensor([1.0, 0.0, -1.0]), atol=0.1)
    assert torch.allclose(precision.diagonal(), torch.tensor([1.0, 0.25, 4.0]), rtol=0.1)
    assert abs(draw_noise(20000 * 0.25, 20000) - 4) < 0.2


def test_chain_predicts_held_out_cells_of_a_low_rank_table() -> None:
    user, item = cells(80, 60)
    left, right = torch.randn(81, 2), torch.randn(61, 2)
    rating = (left[user] * right[item]).sum(1) + 0.1 * torch.randn(len(user))
    held = torch.rand(len(user)) < 0.2
    ratings = Ratings(user[~held], item[~held], rating[~held], (81, 61))
    found = sample_posterior(ratings, width=4, samples=20, burn=15, kept_width=16)
    factors, biases = found.factors, found.biases
    predicted = (factors.users[user] * factors.items[item]).sum(1) + biases.users[user] + biases.items[item]
    error = (predicted - rating)[held].square().mean().sqrt()
    assert error < 0.4 * rating[held].std()


def test_ratings_of_another_unit_give_the_same_posterior_in_that_unit() -> None:
    user, item = cells()
    rating, unit = torch.randn(len(user)), 2.0**-7  # a power of two: exact in floating point

    def found(rating: torch.Tensor) -> Posterior:
        torch.manual_seed(0)
        return sample_posterior(Ratings(user, item, rating, (51, 31)), width=2, samples=5, burn=5, kept_width=8)

    plain, small = found(rating), found(rating * unit)
    assert torch.allclose(
        small.factors.users @ small.factors.items.T, unit * plain.factors.users @ plain.factors.items.T
    )
    assert torch.allclose(small.biases.users, unit * plain.biases.users)
    assert torch.allclose(small.biases.items, unit * plain.biases.items)
    of_small, of_plain = (each.spread.users[:, None] * each.spread.items for each in (small, plain))
    assert torch.allclose(of_small, unit**2 * of_plain) and small.noise == pytest.approx(unit**2 * plain.noise)


def test_compressing_keeps_products_and_width() -> None:
    torch.manual_seed(0)
    wide = Factors(torch.randn(20, 3) @ torch.randn(3, 40), torch.randn(15, 40))
    narrow = compress(wide, 5)
    assert narrow.users.shape == (20, 5) and narrow.items.shape == (15, 5)
    assert torch.allclose(narrow.users @ narrow.items.T, wide.users @ wide.items.T, atol=1e-3)


def test_few_ratings_have_no_features_that_would_tell_noise() -> None:
    user, item = cells()
    of_users, of_items = who_rated_what(Ratings(user, item, torch.rand(len(user)), (51, 31)))
    assert of_users.shape == (51, 0) and of_items.shape == (31, 0)


def test_features_tell_who_rated_what_and_are_zero_for_the_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.collab.posterior.RATINGS_A_COMPONENT", 10)
    user, item = cells()
    of_users, of_items = who_rated_what(Ratings(user, item, torch.rand(len(user)), (51, 31)))
    assert of_users.shape[0] == 51 and of_items.shape[0] == 31 and of_users.shape[1] == 7
    weighted = torch.bincount(user, minlength=51).float() @ of_users / len(user)
    assert not of_users[0].any() and torch.allclose(weighted, torch.zeros(7), atol=1e-5)


@pytest.mark.parametrize("dials", [{"samples": 30, "burn": 20, "factors": 3}, {"epochs": 8, "batch_size": 64}])
def test_uncertainty_is_as_large_as_the_errors_are(tmp_path: Path, dials: dict[str, Any]) -> None:
    model = collab.train(write_ratings(tmp_path / "a.csv"), strength=10.0, **dials)
    answers = model.predict([(f"user {user}", f"item {item}") for user in range(10) for item in range(10)])
    uncertainty = float(np.mean([answer["uncertainty"] for answer in answers]))
    assert 0.5 < uncertainty / model.facts.metrics["rmse"] < 2
    assert model.predict(("nobody", "item 1"))["uncertainty"] >= 0.9 * uncertainty


def test_epochs_without_validation_rows_tell_that_their_uncertainty_flatters(tmp_path: Path) -> None:
    source = write_ratings(tmp_path / "a.csv")
    for share, told in ((0.0, True), (0.2, False)):
        notes = collab.train(source, strength=10.0, epochs=2, valid_fraction=share).facts.notes
        assert told == any("flatters" in note for note in notes)


def test_sparse_ratings_without_taste_are_answered_as_by_the_biases(tmp_path: Path) -> None:
    draws, lines = np.random.default_rng(0), ["user,item,rating"]
    quality = draws.normal(3, 0.7, 60)
    for user in range(400):
        for item in draws.choice(60, 3, replace=False):
            lines.append(f"{user},{item},{np.clip(round(quality[item] + draws.normal(0, 0.8)), 1, 5)}")
    (tmp_path / "sparse.csv").write_text("\n".join(lines) + "\n")
    facts = collab.train(tmp_path / "sparse.csv", samples=20, burn=10, strength=10.0).facts
    assert facts.metrics["rmse"] < 1.01 * facts.baseline["rmse"]


def test_uncertainty_of_few_ratings_is_as_large_as_the_errors_are(tmp_path: Path) -> None:
    draws, lines = np.random.default_rng(0), ["user,item,rating"]
    usual, quality = draws.normal(3, 0.5, 30), draws.normal(0, 0.5, 200)
    for user in range(30):
        for item in draws.choice(200, 20, replace=False):
            lines.append(f"{user},{item},{np.clip(round(usual[user] + quality[item] + draws.normal()), 1, 5)}")
    (tmp_path / "few.csv").write_text("\n".join(lines) + "\n")
    model = collab.train(tmp_path / "few.csv", test_fraction=0.5, strength=10.0)
    answers = model.predict([(str(user), str(item)) for user in range(30) for item in range(200)])
    uncertainty = float(np.mean([answer["uncertainty"] for answer in answers]))
    assert 0.95 < uncertainty / model.facts.metrics["rmse"] < 1.15


def test_a_stranger_is_as_uncertain_as_users_or_items_are_apart(tmp_path: Path) -> None:
    draws, lines = np.random.default_rng(0), ["user,item,rating"]
    usual, quality = draws.normal(0, 1, 90), draws.normal(0, 1, 80)
    ratings = usual[:, None] + quality + draws.normal(0, 0.3, (90, 80))
    lines += [f"{user},{item},{value:.2f}" for (user, item), value in np.ndenumerate(ratings)]
    (tmp_path / "clear.csv").write_text("\n".join(lines) + "\n")
    model = collab.train(tmp_path / "clear.csv", samples=40, burn=10, strength=10.0)
    pairs = ("?", "?"), ("?", "7"), ("7", "?"), ("7", "7")
    both, user, item, none = (model.predict(pair)["uncertainty"] for pair in pairs)
    apart = np.hypot([usual.std(), quality.std()], 0.3)
    assert none < 0.4 and np.allclose([user, item, both], [*apart, ratings.std()], rtol=0.05)


def test_two_ratings_are_answered_as_by_the_biases(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("user,item,rating\nu,i,3\nv,j,4\n")
    facts = collab.train(tmp_path / "two.csv", samples=20, burn=10).facts
    assert facts.chosen == "posterior sampling"
    assert 0 <= facts.metrics["rmse"] <= 0.5  # half of their distance
