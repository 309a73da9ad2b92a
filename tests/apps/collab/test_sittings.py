"""Levels of sittings, and their way from a table of times to an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from apps import collab
from apps.collab import sittings
from apps.collab.sittings import GAP, SHRINKAGE, Sittings
from shared.errors import UserError


def moody(path: Path) -> pd.DataFrame:
    """Every user gives two stars more in a second sitting, days after the first; rows in no order of time."""
    draws, rows = np.random.default_rng(0), []
    for user in range(60):
        for place, item in enumerate(draws.permutation(40)[:30]):
            second = place % 2
            rows.append((f"u{user}", f"i{item}", 2.0 + 2 * second, 1e9 + user * 7 + second * 1e6 + 10 * place))
    table = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    table.sample(frac=1, random_state=0).to_csv(path, index=False)
    return table


def test_level_is_the_shrunken_mean_of_a_sitting() -> None:
    users = torch.tensor([1, 1, 2, 1, 2])
    times = torch.tensor([0.0, GAP, 0.0, 10 * GAP, 5.0], dtype=torch.double)  # user 1 came once more, for one rating
    found = Sittings.fit(users, times, torch.tensor([1.0, 2.0, -1.0, 0.5, -1.0]))
    assert found.users.tolist() == [1, 2] and found.ends.tolist() == [GAP, 5.0]
    assert found.levels.tolist() == pytest.approx([3 / (2 + SHRINKAGE), -2 / (2 + SHRINKAGE)])


def test_level_holds_about_its_sitting_and_its_user_alone() -> None:
    levels = torch.tensor([11.0, 11.0, -11.0, -11.0])
    two = Sittings.fit(torch.tensor([1, 1, 3, 3]), torch.full((4,), 5e8).double(), levels)
    asked = torch.tensor([1, 1, 1, 2, 0, 3]), torch.tensor([5e8 + GAP, 5e8 + 2 * GAP, 0, 5e8, 5e8, 5e8 - GAP])
    assert two.of(asked[0], asked[1].double()).tolist() == [1, 0, 0, 0, 0, -1]


def test_many_ratings_are_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = torch.Generator().manual_seed(0)
    users, times = torch.randint(1, 9, (500,), generator=draws), torch.randint(0, 10**6, (500,), generator=draws)
    rest = torch.randn(500, generator=draws)
    whole = Sittings.fit(users, times.double(), rest)
    levels = whole.of(users, times.double())
    monkeypatch.setattr(sittings, "ROWS", 60)
    found = Sittings.fit(users, times.double(), rest)
    assert all(torch.allclose(getattr(found, name), getattr(whole, name)) for name in sittings.NAMES)
    assert torch.allclose(found.of(users, times.double()), levels)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(-(10**10), 10**10), st.floats(-5, 5)), min_size=1, max_size=50)
)
def test_every_rating_finds_the_level_of_its_own_sitting_if_it_is_one_of_several(
    rows: list[tuple[int, int, float]],
) -> None:
    users, times = torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows]).double()
    made = Sittings.fit(users, times, torch.tensor([row[2] for row in rows]))
    found = made.of(users, times)
    for user, time, level in zip(users, times, found, strict=True):
        own = (made.users == user) & (made.starts <= time) & (time <= made.ends)
        near = (users == user) & ((times - time).abs() <= GAP)
        if near.sum() > 1:
            assert own.sum() == 1 and level == made.levels[own][0]
        else:
            assert not own.any()


def test_times_tell_of_ratings_and_none_is_needed(tmp_path: Path) -> None:
    table = moody(tmp_path / "ratings.csv")
    model = collab.train(tmp_path / "ratings.csv", samples=8, burn=4)
    assert model.facts.metrics["rmse"] < 0.75 < model.facts.baseline["rmse"]
    row = table.iloc[0]
    asked = {"user": row.user, "item": row["item"]}
    early, late = (model.predict({**asked, "timestamp": row.timestamp + moved})["value"] for moved in (0, 1e6))
    usual = model.predict(asked)["value"]
    assert early < usual - 0.3 < usual + 0.3 < late
    with pytest.raises(UserError, match="'soon' is no time"):
        model.predict({**asked, "timestamp": "soon"})


def test_answers_to_a_table_are_what_evaluate_measures(tmp_path: Path) -> None:
    table = moody(tmp_path / "ratings.csv")
    model = collab.train(tmp_path / "ratings.csv", samples=8, burn=4, out=tmp_path / "model")
    measured = model.evaluate(tmp_path / "ratings.csv")["metrics"]["rmse"]
    read = collab.load(tmp_path / "model").predict(table)
    values = np.array([answer["value"] for answer in read])
    assert float(np.sqrt(np.square(values - table.rating).mean())) == pytest.approx(measured, abs=1e-3)
