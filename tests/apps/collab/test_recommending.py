"""Recommending: who is answered on what basis, filters, reasons, likeness, and the tables that are written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from apps import collab
from apps.__main__ import main
from apps.collab.folding import Brought, ratings_of_all
from apps.collab.histories import Histories
from apps.collab.model import RatingNetwork
from apps.collab.rankers import ItemFactors
from apps.collab.reasons import contributions
from shared.errors import UserError
from shared.model import Model
from shared.predict import network_device
from tests.apps.collab.patterns import write_likes, write_ratings

HISTORY = [("new", f"item {i}") for i in (1, 3, 5, 7, 9)]


@pytest.fixture(scope="module", params=["weights", "factors"])
def ranking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    likes = write_likes(tmp_path_factory.mktemp("source") / "a.csv")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "factors":
            patch.setattr("apps.collab.rankers.WEIGHTED_ITEMS", 10)
        return collab.train(likes, strength=10.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ratings")
    collab.train(write_ratings(folder / "a.csv"), samples=20, burn=10, factors=3, strength=10.0, out=folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def rating(folder: Path) -> Model:
    return collab.load(folder)


def names(answer: dict[str, Any]) -> list[str]:
    return [line["item"] for line in answer["items"]]


def test_new_user_is_folded_in_by_what_they_bring(ranking: Model) -> None:
    answer = collab.recommend(ranking, k=5, history=HISTORY)[0]
    assert (answer["user"], answer["basis"], answer["support"]) == ("new", "folded-in", 5)
    assert all(int(name.split()[1]) % 2 == 1 for name in names(answer))
    assert not {item for _, item in HISTORY} & set(names(answer))


def test_known_user_is_answered_anew_by_what_they_bring(ranking: Model) -> None:
    before = collab.recommend(ranking, ["user 0"], k=3)[0]
    after = collab.recommend(ranking, ["user 0"], k=3, history=[("user 0", names(before)[0])])[0]
    assert (before["basis"], after["basis"]) == ("personal", "folded-in")
    assert after["support"] == before["support"] + 1 and names(before)[0] not in names(after)


def test_folding_in_what_training_saw_changes_nothing(ranking: Model) -> None:
    preprocessor, network = ranking.preprocessor, ranking.predictor.network
    users = torch.tensor([3, 7])
    known = network(users.to(network_device(network)))
    assert torch.allclose(network.score(preprocessor.seen.take(users)), known, atol=0.05)


def test_what_is_unknown_is_answered_by_popularity(ranking: Model) -> None:
    answers = collab.recommend(ranking, ["x", "new"], k=3, history=[("new", "no such item")])
    assert [(answer["basis"], answer["support"]) for answer in answers] == [("popular", 0)] * 2


def test_lists_allow_and_deny(ranking: Model) -> None:
    assert set(names(collab.recommend(ranking, ["user 0"], k=9, allow=["item 2", "item 4", "?"])[0])) <= {
        "item 2",
        "item 4",
    }
    first = names(collab.recommend(ranking, ["user 0"], k=1)[0])
    assert first[0] not in names(collab.recommend(ranking, ["user 0"], k=40, deny=first)[0])
    assert len(names(collab.recommend(ranking, ["user 0"], k=100, seen=True)[0])) == 40
    with pytest.raises(UserError, match="allow and deny"):
        collab.recommend(ranking, ["user 0"], allow=["?"])


def test_reasons_are_the_users_own_and_add_up_to_the_score(ranking: Model) -> None:
    line = collab.recommend(ranking, ["user 0"], k=1, why=True)[0]["items"][0]
    preprocessor, network = ranking.preprocessor, ranking.predictor.network
    own = preprocessor.seen.of(preprocessor.user_positions["user 0"])
    assert line["because"] and set(line["because"]) <= {preprocessor.items[i - 1] for i in own}
    chosen = torch.tensor([preprocessor.item_positions[line["item"]]])
    assert float(contributions(network, own, chosen).sum()) == pytest.approx(line["score"], abs=0.05)


def test_diversity_makes_lists_less_alike(ranking: Model) -> None:
    plain, varied = (collab.recommend(ranking, ["user 0"], k=4, diversity=d)[0] for d in (0.0, 0.9))
    assert names(plain)[0] == names(varied)[0] and names(plain) != names(varied)
    with pytest.raises(UserError, match="diversity=2"):
        collab.recommend(ranking, ["user 0"], diversity=2.0)


def test_similar_items_share_users(ranking: Model) -> None:
    answer, unknown = collab.similar(ranking, ["item 4", "?"], k=5)
    assert all(int(name.split()[1]) % 2 == 0 for name in names(answer)) and "item 4" not in names(answer)
    assert answer["basis"] == "shared users" and unknown["basis"] == "popular"
    assert all(line["support"] <= answer["support"] for line in answer["items"])


def test_validation_rows_are_not_recommended(tmp_path: Path) -> None:
    for write in (write_likes, write_ratings):
        model = collab.train(write(tmp_path / "a.csv"), valid_fraction=0.3, samples=3, burn=1, strength=10.0)
        held = model.preprocessor.held
        assert held.counts().sum() > 0
        answer = collab.recommend(model, ["user 2"], k=40)[0]
        own = {model.preprocessor.items[i - 1] for i in held.of(model.preprocessor.user_positions["user 2"])}
        assert own and not own & set(names(answer))
        assert collab.recommend(collab.load(model.save(tmp_path / "out")), ["user 2"], k=40) == [answer]


@pytest.mark.parametrize("dials", [{"task": "ranking", "positive": 3}, {"samples": 3, "burn": 1}])
def test_what_a_user_had_unrated_or_did_not_like_is_not_recommended(tmp_path: Path, dials: dict[str, Any]) -> None:
    rows = pd.read_csv(write_ratings(tmp_path / "a.csv"))
    rows.assign(rating=rows.rating.where(rows.rating > 2, -1)).to_csv(tmp_path / "a.csv", index=False)
    model = collab.train(tmp_path / "a.csv", strength=10.0, out=tmp_path / "out", **dials)
    for each in (model, collab.load(tmp_path / "out")):
        for answer in collab.recommend(each, ["user 0", "user 1"], k=40):
            assert set(rows.movieId[rows.userId == answer["user"]]).isdisjoint(names(answer))
    shown = [("new", "item 2", 5), ("new", "item 4", 5), ("new", "item 6", 1)]
    pd.DataFrame(shown, columns=["user", "item", "rating"]).to_csv(tmp_path / "shown.csv", index=False)
    of_file, of_python = (collab.recommend(model, k=40, history=had) for had in (str(tmp_path / "shown.csv"), shown))
    assert of_file == of_python and {item for _, item, _ in shown}.isdisjoint(names(of_file[0]))


def test_ratings_of_a_new_user_follow_what_they_rated(rating: Model) -> None:
    even = [("new", f"item {i}", 5.0 - 4 * (i % 2)) for i in range(8)]
    answer = collab.recommend(rating, ["new"], k=40, history=even)[0]
    rated = {int(line["item"].split()[1]): line["rating"] for line in answer["items"]}
    evens, odds = ([value for item, value in rated.items() if item % 2 == half] for half in (0, 1))
    assert min(evens) > max(odds)


def test_ratings_of_a_known_user_move_with_what_they_bring(rating: Model) -> None:
    preprocessor, network = rating.preprocessor, rating.predictor.network
    assert isinstance(network, RatingNetwork)
    user, nothing = torch.tensor([1]), Brought.nothing(preprocessor)
    new = next(item for item in range(1, 41) if item not in preprocessor.seen.of(1))
    had = Histories(torch.arange(2), torch.tensor([new], dtype=torch.int), 41)
    plain, low, high = (
        ratings_of_all(network, user, replace(nothing, had=had, ratings=torch.tensor([value])))[0, new]
        for value in (torch.nan, 1.0, 5.0)
    )
    assert low < plain < high
    assert plain == ratings_of_all(network, user, nothing.take(["?"]))[0, new]


def test_commands_write_tables(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "history.csv").write_text("user,item,rating\nnew,item 1,5\nnew,item 3,4\n")
    (tmp_path / "deny.txt").write_text("item 5\n\n")
    out = tmp_path / "lists.csv"
    assert main(["collab", "recommend", str(folder), "--k", "3", "--csv", str(out), "--quiet"]) == 0
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 60 * 3 and list(rows[0]) == [
        "user",
        "basis",
        "support",
        "rank",
        "item",
        "score",
        "item_support",
        "rating",
    ]
    given = ["--history", str(tmp_path / "history.csv"), "--deny", str(tmp_path / "deny.txt"), "--why", "--json"]
    assert main(["collab", "recommend", str(folder), *given]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["basis"] == "folded-in" and "item 5" not in names(answer) and "because" in answer["items"][0]
    assert main(["collab", "similar", str(folder), "item 1", "--k", "2"]) == 0
    assert capsys.readouterr().out.startswith("item item 1 (shared users")


def test_a_history_needs_no_ratings(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("user,item\nnew,item 1\nnew,item 3\n")
    model = collab.load(folder)
    read = collab.recommend(model, history=str(tmp_path / "history.csv"), k=3)
    assert read[0]["basis"] == "folded-in"
    assert read == collab.recommend(model, history=[("new", "item 1"), ("new", "item 3")], k=3)


def test_a_history_comes_in_every_form(rating: Model) -> None:
    import pandas as pd

    rows = [("new", f"item {i}", 5.0 - 4 * (i % 2)) for i in range(8)]
    frame = pd.DataFrame(rows, columns=["userId", "movieId", "rating"])
    expected = collab.recommend(rating, k=5, history=rows)
    for history in (frame, frame.to_dict("records"), [list(row) for row in rows]):
        assert collab.recommend(rating, k=5, history=history) == expected
    unrated = [row[:2] for row in rows]
    assert collab.recommend(rating, history=frame.drop(columns="rating")) == collab.recommend(rating, history=unrated)
    whole = frame.astype({"rating": "Int64"})
    whole.loc[0, "rating"] = pd.NA
    assert collab.recommend(rating, history=whole) == collab.recommend(rating, history=[unrated[0], *rows[1:]])
    for broken in ([("new", "item 1", "good")], [("new",)], [7]):
        with pytest.raises(UserError):
            collab.recommend(rating, history=broken)


def test_a_single_id_is_not_taken_for_its_letters(rating: Model) -> None:
    assert collab.recommend(rating, "user 1", k=3) == collab.recommend(rating, ["user 1"], k=3)
    assert collab.similar(rating, "item 1", k=3) == collab.similar(rating, ["item 1"], k=3)


def test_commands_write_parquet(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    out = tmp_path / "lists.parquet"
    assert main(["collab", "recommend", str(folder), "--k", "3", "--why", "--parquet", str(out), "--quiet"]) == 0
    assert len(pd.read_parquet(out)) == 60 * 3


def test_missing_lists_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collab", "recommend", str(folder), "--allow", "nowhere.txt"]) == 2
    assert "nowhere.txt" in capsys.readouterr().err


def test_factors_rank_where_weights_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.collab.rankers.WEIGHTED_ITEMS", 10)
    model = collab.train(write_ratings(tmp_path / "a.csv"), samples=3, burn=1)
    assert isinstance(model.predictor.network.ranker, ItemFactors)
    assert collab.recommend(model, ["user 1"])[0]["basis"] == "personal"


def test_a_history_counts_each_whole_pair_once_as_a_table_does(rating: Model) -> None:
    once = [("new", "item 1", 5), ("new", "item 2", 1)]
    repeated = [
        ("new", "item 2", 5),
        *once,
        ("new", "item 2", 1),
        ("", "item 3", 2),
        (None, "item 4", 2),
        ("new", None, 2),
    ]
    assert collab.recommend(rating, k=3, history=repeated) == collab.recommend(rating, k=3, history=once)
    assert collab.recommend(rating, k=3, history=[("", "item 3", 2)]) == []


def test_one_item_may_be_allowed_or_denied_by_its_name(rating: Model) -> None:
    best = collab.recommend(rating, "user 0", 2)[0]
    assert names(collab.recommend(rating, "user 0", allow=names(best)[1])[0]) == names(best)[1:]
    assert names(collab.recommend(rating, "user 0", 1, deny=names(best)[0])[0]) == names(best)[1:]


@pytest.mark.parametrize("k", [2.0, "2", None, 0])
def test_a_number_of_items_that_is_none_is_refused(rating: Model, k: Any) -> None:
    with pytest.raises(UserError, match=f"k={k}: ask for one item or more, as a whole number"):
        collab.recommend(rating, "user 0", k)


def test_users_come_in_any_collection_and_a_history_may_be_one_row(rating: Model) -> None:
    told = collab.recommend(rating, ["user 0", "user 1"], k=2)
    for users in (iter(["user 0", "user 1"]), {"user 0": 1, "user 1": 2}, np.array(["user 0", "user 1"])):
        assert [answer["items"] for answer in collab.recommend(rating, users, k=2)] == [a["items"] for a in told]
    many = collab.recommend(rating, k=2, history=[("new", "item 1", 5)])
    for one in (("new", "item 1", 5), {"user": "new", "item": "item 1", "rating": 5}):
        assert collab.recommend(rating, k=2, history=one) == many
    with pytest.raises(UserError, match="'5' is no user and item"):
        collab.recommend(rating, history=5)


def test_a_folder_is_no_history(rating: Model, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path} is a folder: name a file in it"):
        collab.recommend(rating, history=tmp_path)


def test_listed_items_that_nobody_knows_are_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deny.txt").write_text("item 5\nITEM 6\n")
    assert main(["collab", "recommend", str(folder), "--user", "user 1", "--deny", str(tmp_path / "deny.txt")]) == 0
    assert "1 of 2 ids are of no item that the model knows (ITEM 6)" in capsys.readouterr().err
