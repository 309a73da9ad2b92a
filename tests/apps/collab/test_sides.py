"""Side columns: what tables tell of users and items becomes numbers, and items that nobody rated are answered by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from apps import collab
from apps.collab.sides import numbers_of, read_side
from shared.errors import UserError
from shared.model import Model


def write_shop(folder: Path) -> Path:
    """Half of the users give the even items 5 and the odd ones 1, the others the reverse; two new items stand only in the
    table of items, which knows whether an item is even."""
    draws = np.random.default_rng(0)
    lines = [
        f"{user},{item},{5 if (user + item) % 2 == 0 else 1}"
        for user in range(60)
        for item in draws.choice(40, 25, replace=False)
    ]
    (folder / "ratings.csv").write_text("userId,itemId,rating\n" + "\n".join(lines) + "\n")
    kinds = [f"{item},{'even|any' if item % 2 == 0 else 'odd|any'},Name {item} ({1950 + item})" for item in range(42)]
    (folder / "items.csv").write_text("itemId,kind,title\n" + "\n".join(kinds) + "\n")
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def model(shop: Path) -> Model:
    return collab.train(shop, samples=30, burn=20, factors=3, strength=10.0)


def test_columns_become_numbers(shop: Path) -> None:
    side = read_side(shop / "items.csv", "item", None)
    assert side.ids[:2] == ("0", "1") and side.values.shape == (42, 3)  # even, odd, year: "any" is in every row
    assert torch.allclose(side.values.mean(0), torch.zeros(3), atol=1e-5)
    assert not side.placed(("0", "?"))[[0, 2]].any()


def test_without_a_header_ids_are_the_first_column_whatever_the_ratings_call_theirs(tmp_path: Path) -> None:
    (tmp_path / "u.item").write_text("".join(f"{i}|Film {i} (19{60 + i})|{i % 2}\n" for i in range(1, 40)))
    side = read_side(tmp_path / "u.item", "item", "column_2")
    assert side.ids[0] == "1" and side.values.shape == (39, 3)


def test_names_and_constants_tell_nothing() -> None:
    import pandas as pd

    assert not numbers_of(pd.Series([f"name {i}" for i in range(40)]))
    assert not numbers_of(pd.Series(["same"] * 40))
    prices = pd.Series([str(i * 1.5) for i in range(40)] + [None])
    (numbers,) = numbers_of(prices)
    assert numbers.std() == pytest.approx(1, abs=0.05) and numbers[-1] == 0


def test_items_that_nobody_rated_are_predicted_by_their_columns(model: Model) -> None:
    assert any("items.csv" in note for note in model.facts.notes)
    likes, dislikes = (model.predict((user, "40")) for user in ("0", "1"))
    assert likes["basis"] == dislikes["basis"] == "columns" and likes["support"]["item"] == 0
    assert likes["value"] > dislikes["value"] + 2


def test_items_that_nobody_has_are_recommended_and_likened_by_their_columns(model: Model) -> None:
    scores = {item["item"]: item["score"] for item in collab.recommend(model, ["0"], k=42, seen=True)[0]["items"]}
    assert scores["40"] == pytest.approx(np.mean([scores[str(i)] for i in near(model, "40")]), abs=1e-4)
    answer = collab.similar(model, ["40"], k=3)[0]
    assert answer["basis"] == "columns" and all(int(line["item"]) % 2 == 0 for line in answer["items"])


def near(model: Model, item: str) -> list[str]:
    new, positions = model.preprocessor.new_items, model.preprocessor.item_positions
    row = new.nearest[new.positions.tolist().index(positions[item])]
    return [model.preprocessor.items[position - 1] for position in row.tolist()]


def test_a_model_with_columns_is_saved_without_where_they_were(model: Model, shop: Path, tmp_path: Path) -> None:
    loaded = collab.load(model.save(tmp_path / "out"))
    assert loaded.predict(("0", "41")) == model.predict(("0", "41"))
    assert str(shop) not in (tmp_path / "out" / "artifact.json").read_text()


def test_what_of_a_table_is_not_used_is_said(shop: Path, tmp_path: Path) -> None:
    rows = [f"{item}.0,{'even' if item % 2 == 0 else 'odd'},name {item}" for item in (*range(30), 7)]
    (tmp_path / "some.csv").write_text("\n".join(["itemId,kind,name", *rows, ",odd,nobody"]) + "\n")
    model = collab.train(shop, item_columns=str(tmp_path / "some.csv"), samples=3, burn=1, strength=10.0)
    assert len(model.preprocessor.items) == 40 and model.preprocessor.item_columns.any(1).sum() == 30  # 7.0 is 7
    notes = "\n".join(model.facts.notes)
    assert "2 numbers about 30 items; 10 of 40 items of the training rows (30, 31, " in notes
    assert "1 rows repeat an id of itemId" in notes and "not used, free text or all alike: name" in notes


def test_tables_that_do_not_fit_are_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        collab.train(shop, item_columns=str(tmp_path / "nowhere.csv"))
    (tmp_path / "others.csv").write_text("itemId,price\n" + "".join(f"x{i},{i}.5\n" for i in range(50)))
    with pytest.raises(UserError, match="none of its ids"):
        collab.train(shop, item_columns=str(tmp_path / "others.csv"))
    (tmp_path / "names.csv").write_text("itemId,name\n" + "".join(f"{i},name {i}\n" for i in range(40)))
    with pytest.raises(UserError, match="tells items apart"):
        collab.train(shop, item_columns=str(tmp_path / "names.csv"))
    with pytest.raises(UserError, match="gradient descent"):
        collab.train(shop, item_columns=str(shop / "items.csv"), epochs=1)
    without = collab.train(shop, item_columns="none", samples=3, burn=1, strength=10.0)
    assert len(without.preprocessor.items) == 40


def test_lists_are_measured_and_pairs_answered_as_items_nobody_has_are_recommended(shop: Path, tmp_path: Path) -> None:
    model = collab.train(shop, task="ranking", positive=5, strength=10.0)
    (tmp_path / "test.csv").write_text("userId,itemId,rating\n" + "".join(f"{u},{40 + u % 2},5\n" for u in range(60)))
    lists = {answer["user"]: [line["item"] for line in answer["items"]] for answer in collab.recommend(model, k=100)}
    found = [str(40 + int(user) % 2) in listed[:10] for user, listed in lists.items()]
    assert 0 < np.mean(found) == pytest.approx(model.evaluate(tmp_path / "test.csv")["metrics"]["recall@10"])
    scores = {line["item"]: line["score"] for line in collab.recommend(model, ["0"], k=100)[0]["items"]}
    assert model.predict(("0", "40"))["value"] == pytest.approx(scores["40"], abs=1e-5)
