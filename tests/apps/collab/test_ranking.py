"""Ranking: closed forms against their definitions, lists against scikit-learn, and unseen items only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import ndcg_score

from apps import collab
from apps.collab.ease import DROPOUT, Dials, gram, item_weights, solve
from apps.collab.histories import Histories
from apps.collab.objective import TopItems
from apps.collab.topk import list_metrics, top_items
from shared.errors import UserError
from shared.loaders import Tensors
from shared.model import Model
from shared.protocol import Data
from tests.apps.collab.patterns import write_likes, write_ratings


def histories() -> Histories:
    torch.manual_seed(0)
    table = torch.rand(30, 8) < 0.4
    table[:, 0] = False
    return Histories.of_pairs(*table.nonzero(as_tuple=True), 30, 8)


def test_joint_counts_are_those_of_the_table() -> None:
    seen = histories()
    table = seen.table(torch.arange(30))
    assert torch.equal(gram(seen), table.T @ table)


def test_weights_minimise_the_ridge_of_each_item_on_the_others() -> None:
    counts, strength = gram(histories()), 5.0
    weights = solve(counts, strength)
    assert not weights.diagonal().any()
    penalty = strength + DROPOUT / (1 - DROPOUT) * counts.diagonal()
    for item in range(8):
        rest = [other for other in range(8) if other != item]
        ridge = torch.linalg.solve(counts[rest][:, rest] + penalty[rest].diag(), counts[rest, item])
        assert torch.allclose(weights[rest, item], ridge, atol=1e-4)


def test_strength_is_found_or_taken() -> None:
    assert item_weights(histories(), 7.0, 0)[1] == Dials(7.0)
    assert item_weights(histories(), None, 0)[1].strength > 0


def test_list_metrics_are_the_textbook_ones() -> None:
    torch.manual_seed(0)
    scores, truth = torch.rand(20, 30), (torch.rand(20, 30) < 0.2).float()
    truth[:, 0] = 1
    metrics = list_metrics(truth.gather(1, top_items(scores, 10)), truth.sum(1), 10)
    assert metrics["ndcg@10"].mean() == pytest.approx(ndcg_score(truth.numpy(), scores.numpy(), k=10), abs=1e-6)
    hits = list_metrics(torch.tensor([[0.0, 1, 0, 1, 0, 0, 0, 0, 0, 0]]), torch.tensor([4.0]), 10)
    assert {name: round(float(value), 4) for name, value in hits.items() if name != "ndcg@10"} == {
        "recall@10": 0.5,
        "precision@10": 0.2,
        "map@10": 0.25,
        "hit_rate@10": 1.0,
    }


@pytest.fixture(scope="module", params=["weights", "factors", "blend", "ratings"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("source")
    if request.param == "ratings":
        return collab.train(write_ratings(folder / "a.csv"), samples=5, burn=3, strength=10.0)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "factors":
            patch.setattr("apps.collab.rankers.WEIGHTED_ITEMS", 10)
        epochs = 3 if request.param == "blend" else 0
        return collab.train(write_likes(folder / "a.csv"), strength=10.0, epochs=epochs)


def test_only_unseen_items_are_recommended_best_first(model: Model) -> None:
    preprocessor = model.preprocessor
    for answer in collab.recommend(model, ["user 1", "user 2"], k=5):
        seen = {preprocessor.items[i - 1] for i in preprocessor.seen.of(preprocessor.user_positions[answer["user"]])}
        items = [each["item"] for each in answer["items"]]
        scores = [each["score"] for each in answer["items"]]
        assert answer["basis"] == "personal" and len(items) == 5 and not seen & set(items)
        assert scores == sorted(scores, reverse=True)


def test_taste_is_met(model: Model) -> None:
    if model.recipe.task == "ratings":
        pytest.skip("ratings models rank by who rated what, which here is chance")
    answers = collab.recommend(model, [f"user {i}" for i in range(20)], k=3)
    right = [int(each["item"].split()[1]) % 2 == i % 2 for i, answer in enumerate(answers) for each in answer["items"]]
    assert np.mean(right) > 0.9


def test_unknown_user_gets_the_popular_and_is_told(model: Model) -> None:
    answer = collab.recommend(model, ["nobody"], k=3)[0]
    counts = model.preprocessor.item_counts
    best = counts.topk(3).values.tolist()
    positions = [model.preprocessor.item_positions[each["item"]] for each in answer["items"]]
    assert answer["basis"] == "popular" and counts[positions].tolist() == best


def test_users_whom_only_a_table_knows_get_the_popular(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.collab.rankers.WEIGHTED_ITEMS", 10)
    ages = [f"user {user},{user % 40}" for user in range(85)]
    (tmp_path / "users.csv").write_text("user,age\n" + "\n".join(ages) + "\n")
    likes = write_likes(tmp_path / "likes.csv")
    found = collab.train(likes, user_columns=str(tmp_path / "users.csv"), test_fraction=0.0)
    told, unknown = collab.recommend(found, ["user 84", "nobody"], k=5)
    assert told["basis"] == "popular" and told["items"] == unknown["items"]


def test_items_that_nobody_can_be_shown_are_not_covered(tmp_path: Path) -> None:
    rows = [f"user {user},{item}" for user in range(30) for item in ("all", f"item {user % 6}")]
    (tmp_path / "a.csv").write_text("user,item\n" + "\n".join(rows) + "\n")
    (tmp_path / "b.csv").write_text("user,item\n" + "".join(f"user {u},item {(u + 1) % 6}\n" for u in range(30)))
    facts = collab.train(tmp_path / "a.csv", test=tmp_path / "b.csv", strength=10.0).facts
    assert facts.metrics["coverage@10"] == facts.baseline["coverage@10"] == pytest.approx(6 / 7)


def test_more_than_there_are_gives_all_unseen(model: Model) -> None:
    answer = collab.recommend(model, ["user 1"], k=1000)[0]
    preprocessor = model.preprocessor
    had = len(preprocessor.seen.of(2)) + len(preprocessor.held.of(2))
    assert len(answer["items"]) == len(preprocessor.items) - had
    with pytest.raises(UserError, match="k=0"):
        collab.recommend(model, ["user 1"], k=0)


def test_reloaded_model_recommends_the_same(model: Model, tmp_path: Path) -> None:
    if len(model.predictor.network.state_dict()) == 3:
        pytest.skip("built under a smaller limit of items")
    model.save(tmp_path / "out")
    assert collab.recommend(collab.load(tmp_path / "out"), ["user 3", "?"]) == collab.recommend(model, ["user 3", "?"])


def test_many_histories_score_as_one_by_one_does(model: Model) -> None:
    network = model.predictor.network
    ranker = getattr(network, "ranker", network)
    had = model.preprocessor.seen.take(torch.arange(40))
    single = torch.cat([ranker.score(had.take(torch.tensor([row]))) for row in range(40)])
    assert torch.allclose(ranker.score(had), single, atol=1e-4)


def test_test_rows_are_measured_without_the_validation_rows_in_the_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    likes = write_likes(tmp_path / "likes.csv")
    excluded = collab.train(likes, valid_fraction=0.3, strength=10.0).facts
    monkeypatch.setattr("apps.collab.preprocessor.CollabPreprocessor.remember", lambda preprocessor, held: None)
    included = collab.train(likes, valid_fraction=0.3, strength=10.0).facts
    assert excluded.metrics["recall@10"] > included.metrics["recall@10"] and excluded.valid == included.valid


def test_best_rated_stand_beside_the_popular_where_there_are_ratings(tmp_path: Path) -> None:
    rated = collab.train(write_ratings(tmp_path / "a.csv"), task="ranking", positive=3, strength=10.0).facts
    plain = collab.train(write_likes(tmp_path / "b.csv"), strength=10.0).facts
    assert set(rated.baseline) == set(rated.metrics) | {f"bias-only:{name}" for name in rated.metrics}
    assert rated.baseline["bias-only:ndcg@10"] != rated.baseline["ndcg@10"] and set(plain.baseline) == set(
        plain.metrics
    )


def test_a_model_of_ratings_is_measured_by_its_lists_too(tmp_path: Path) -> None:
    table = pd.read_csv(write_ratings(tmp_path / "all.csv"))
    held = table.sample(frac=0.2, random_state=0)
    table.drop(held.index).to_csv(tmp_path / "train.csv", index=False)
    held.to_csv(tmp_path / "test.csv", index=False)
    model = collab.train(tmp_path / "train.csv", test=tmp_path / "test.csv", samples=8, burn=4, strength=10.0)
    liked = held[held.rating >= table.drop(held.index).rating.mean()]
    found = []
    for user, rows in liked.groupby("userId"):
        best = collab.recommend(model, [user])[0]["items"]
        found.append(len({line["item"] for line in best} & set(rows.movieId)) / len(rows))
    assert model.facts.metrics["recall@10"] == pytest.approx(np.mean(found))
    assert "recall@10" in model.facts.baseline
    assert "bias-only:ndcg@10" in model.facts.baseline and model.facts.headline == "rmse"


def test_disliked_validation_rows_are_in_the_way_of_lists(tmp_path: Path) -> None:
    write_ratings(tmp_path / "all.csv")
    model = collab.train(tmp_path / "all.csv", samples=8, burn=4, strength=10.0, valid_fraction=0.2, test_fraction=0.0)
    preprocessor, data = model.preprocessor, model.encode(model.app.read_examples(tmp_path / "all.csv", model.recipe))
    held = preprocessor.held.rows() * 1000 + preprocessor.held.items
    users, items = data.inputs.batch(torch.arange(len(data)))[:2]
    rows = torch.isin(users * 1000 + items, held)
    asked = Data(Tensors(users[rows], items[rows]), data.targets[rows])
    kept = model.app.objective(preprocessor, model.recipe).measure(model.predictor, asked)["recall@10"]
    preprocessor.held = Histories.empty(len(preprocessor.users) + 1, len(preprocessor.items) + 1)
    assert kept == model.app.objective(preprocessor, model.recipe).measure(model.predictor, asked)["recall@10"]


def test_epochs_are_judged_without_the_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    whole = TopItems.measure
    monkeypatch.setattr(TopItems, "measure", lambda self, *given: asked.append(1) or whole(self, *given))
    model = collab.train(write_ratings(tmp_path / "all.csv"), epochs=3, valid_fraction=0.2, strength=10.0)
    assert "recall@10" in model.facts.metrics and "recall@10" in model.facts.valid
    assert len(asked) == 2


def test_each_unknown_user_is_measured_as_one_who_is_shown_the_popular(tmp_path: Path) -> None:
    model = collab.train(write_likes(tmp_path / "likes.csv"), strength=10.0)
    rows = [("new", "item 0"), ("newer", "item 1"), ("newest", "item 2"), ("newest", "item 3"), ("new", "nothing")]
    (tmp_path / "test.csv").write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in rows))
    found = model.evaluate(tmp_path / "test.csv")
    lists = {answer["user"]: [line["item"] for line in answer["items"]] for answer in collab.recommend(model, ["new"])}
    own = {user: [item in lists["new"] for u, item in rows if u == user] for user, _ in rows}
    assert found["metrics"]["recall@10"] == pytest.approx(np.mean([np.mean(hits) for hits in own.values()]))
    assert "of 5 measured rows 5 have a user and 1 an item that training never saw" in " ".join(found["notes"])
