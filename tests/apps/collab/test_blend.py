"""The learned ranker: it learns, validation decides its share, and what speaks for an item is what its score loses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from apps import collab
from apps.collab.blend import Blend
from apps.collab.reasons import contributions
from apps.collab.shares import standard
from shared.model import Model
from tests.apps.collab.patterns import write_likes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    likes = write_likes(tmp_path_factory.mktemp("likes") / "likes.csv")
    return collab.train(likes, preset="best", strength=10.0, epochs=20, batch_size=256, lr=0.05)


def blend_of(model: Model) -> Blend:
    network = model.predictor.network
    assert isinstance(network, Blend)
    return network.eval()


def test_autoencoder_alone_learns_the_tastes(model: Model) -> None:
    blend = blend_of(model)
    shares, blend.shares = blend.shares, torch.tensor([0.0, 0.0, 1.0])
    answers = collab.recommend(model, [f"user {i}" for i in range(20)], k=3)
    blend.shares = shares
    right = [int(each["item"].split()[1]) % 2 == i % 2 for i, answer in enumerate(answers) for each in answer["items"]]
    assert sum(right) > 0.9 * len(right)


def test_journal_tells_losses_and_shares(model: Model) -> None:
    *epochs, last = model.facts.journal
    assert epochs[-1]["loss"] < epochs[0]["loss"] and len(epochs) <= 20
    assert last["factors"] + last["weights"] + last["autoencoder"] == pytest.approx(1)


def test_member_that_finds_everything_gets_all(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    blend, users = blend_of(model), torch.arange(1, 31)
    seen, truth = model.preprocessor.seen.table(users), torch.zeros(30, 41)
    truth[torch.arange(30), 1 + torch.arange(30)] = 1.0
    seen[truth > 0] = 0.0
    for name, scores in (("factors", torch.rand(30, 41)), ("weights", torch.rand(30, 41)), ("autoencoder", truth)):
        monkeypatch.setattr(blend.members[name], "forward", lambda users, scores=scores: scores)
    before = blend.shares.clone()
    assert blend.choose(users, seen, truth) == pytest.approx(1)
    assert blend.shares.tolist()[2] >= 0.5
    blend.shares.copy_(before)


def test_reason_is_what_the_score_loses(model: Model) -> None:
    blend, had = blend_of(model), model.preprocessor.seen.of(1)
    chosen = torch.tensor([1, 2, 3])
    with torch.inference_mode():
        found = contributions(blend, had, chosen)
        whole = blend.score(model.preprocessor.seen.take(torch.tensor([1])))[0, chosen]
    assert found.shape == (len(had), 3) and found.isfinite().all()
    assert not torch.allclose(found, torch.zeros_like(found)) and whole.isfinite().all()


def test_standard_rows_leave_the_unknown_item_out() -> None:
    scores = torch.tensor([[100.0, 1, 2, 3]])
    assert torch.allclose(standard(scores)[0, 1:].mean(), torch.tensor(0.0), atol=1e-6)


def test_validation_rows_that_are_given_judge(tmp_path: Path) -> None:
    likes = write_likes(tmp_path / "likes.csv")
    facts = collab.train(likes, valid_fraction=0.2, strength=10.0, epochs=2).facts
    assert "ndcg@10" in facts.valid and facts.journal[-1]["stage"] == "blend"


def test_earlier_autoencoder_goes_on(tmp_path: Path) -> None:
    likes = write_likes(tmp_path / "likes.csv")
    collab.train(likes, test_fraction=0, strength=10.0, epochs=10, batch_size=256, out=tmp_path / "out")
    cold = collab.train(likes, test_fraction=0, strength=10.0, epochs=1, batch_size=256)
    warm = collab.train(likes, test_fraction=0, strength=10.0, epochs=1, batch_size=256, start_from=tmp_path / "out")
    assert warm.facts.journal[0]["loss"] < cold.facts.journal[0]["loss"]
