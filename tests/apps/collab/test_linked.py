"""Gradient descent with links from features: they pay where ratings are few, and leave factors alone behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from apps import collab
from apps.collab import linked
from apps.collab.linked import Linked
from apps.collab.model import RatingNetwork, build
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.recipe import CollabRecipe
from shared.protocol import Examples


def network() -> RatingNetwork:
    draws = np.random.default_rng(0)
    inputs = {"user": draws.integers(1, 9, 60).astype(str), "item": draws.integers(1, 7, 60).astype(str)}
    fitted = CollabPreprocessor.fit(Examples(inputs, draws.random(60)), "ratings")
    made = build(fitted, CollabRecipe.make({"epochs": 1, "factors": 3}))
    assert isinstance(made, RatingNetwork)
    return made


def test_settled_network_answers_as_the_linked_one() -> None:
    torch.manual_seed(0)
    own = network()
    sizes = len(own.users.weight), len(own.items.weight)
    whole = Linked(own, (torch.randn(sizes[0], 4), torch.randn(sizes[1], 2)))
    for links in (whole.user_links, whole.item_links):
        torch.nn.init.normal_(links)
    users, items = torch.randint(0, sizes[0], (50,)), torch.randint(0, sizes[1], (50,))
    answers = whole(users, items)
    assert not torch.allclose(answers, own(users, items))
    whole.settle()
    assert torch.allclose(own(users, items), answers, atol=1e-5)


def test_what_users_rated_tells_before_their_ratings_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws, lines = np.random.default_rng(0), ["user,item,rating"]
    for user in range(400):  # of two tastes, each of which rates its own items more, and higher
        own = np.arange(60) % 2 == user % 2
        for item in draws.choice(60, 10, replace=False, p=np.where(own, 5, 1) / np.where(own, 5, 1).sum()):
            lines.append(f"u{user},i{item},{(4 if own[item] else 2) + draws.normal(0, 0.8):.2f}")
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")

    def error() -> float:
        return collab.train(tmp_path / "a.csv", epochs=10, batch_size=64, strength=10.0).facts.metrics["rmse"]

    told = error()
    nothing = torch.zeros(401, 0), torch.zeros(61, 0)
    monkeypatch.setattr(linked, "features_of", lambda ratings: nothing)
    assert told < 0.9 * error()
