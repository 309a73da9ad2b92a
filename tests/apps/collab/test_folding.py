"""Folding in: what users bring along counts once, and the reasons told are those of the answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from apps import collab
from apps.collab.histories import Histories
from tests.apps.collab.patterns import write_likes, write_ratings


def test_ratings_that_training_had_are_not_counted_twice(tmp_path: Path) -> None:
    source = write_ratings(tmp_path / "a.csv")
    model = collab.train(source, samples=20, burn=10, strength=10.0, test_fraction=0.0)
    again = pd.read_csv(source)
    plain, folded = (collab.recommend(model, ["user 0"], history=history, seen=True, k=40) for history in (None, again))
    assert folded[0]["basis"] == "folded-in"
    before, after = ({line["item"]: line["rating"] for line in each[0]["items"]} for each in (plain, folded))
    assert after == pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize("times", [False, True])
def test_reasons_of_a_folded_in_user_are_of_the_answer_they_got(tmp_path: Path, times: bool) -> None:
    rows = pd.read_csv(write_likes(tmp_path / "a.csv"))
    (rows.assign(time=range(len(rows))) if times else rows).to_csv(tmp_path / "a.csv", index=False)
    model = collab.train(tmp_path / "a.csv", strength=10.0)
    known, short = model.preprocessor, model.preprocessor.short_histories
    own = known.items[:6]
    for line in collab.recommend(model, history=[("new", item) for item in own], why=True, k=5)[0]["items"]:
        item = known.item_positions[line["item"]]
        lost = {}
        for left_out in range(6):
            table = Histories.of_pairs(torch.zeros(6, dtype=torch.long), torch.arange(1, 7), 1, 41).table(
                torch.arange(1)
            )
            whole = short._of_size(table, 6)[0, item]
            table[0, left_out + 1] = 0.0
            lost[own[left_out]] = float(whole - short._of_size(table, 6)[0, item])
        expected = sorted((name for name in own if lost[name] > 0), key=lost.__getitem__, reverse=True)
        assert line["because"] == expected[:3]
