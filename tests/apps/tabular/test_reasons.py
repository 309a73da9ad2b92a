"""What is told of a model's answers is what its columns and rows say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.tabular import train
from apps.tabular.reasons import best_thresholds, contributions, explain
from shared.errors import UserError
from tests.apps.tabular.tables import write_loans
from tests.apps.tabular.test_contract import SMALL


def test_a_rare_class_is_answered_from_a_lower_probability_on() -> None:
    draws = np.random.default_rng(0)
    probability = draws.beta(1, 9, 4000)
    targets = (draws.random(4000) < probability).astype(int)
    found = best_thresholds(np.stack([1 - probability, probability], 1), targets, ("no", "yes"))
    best = next(entry for entry in found if entry["metric"] == "balanced_accuracy")
    assert best["class"] == "yes" and best["threshold"] < 0.2 and best["value"] > best["at_half"] + 0.1


def test_a_very_rare_class_has_a_threshold_near_its_share() -> None:
    draws = np.random.default_rng(0)
    probability = draws.beta(0.5, 100, 40_000)  # one row in two hundred
    targets = (draws.random(40_000) < probability).astype(int)
    found = {e["metric"]: e for e in best_thresholds(np.stack([1 - probability, probability], 1), targets, ("n", "y"))}
    assert found["balanced_accuracy"]["threshold"] < 0.01 and found["balanced_accuracy"]["value"] > 0.7


def test_reasons_name_the_columns_that_matter(tmp_path: Path) -> None:
    model = train(write_loans(tmp_path / "loans.csv"), **SMALL, forests=1, target="repaid")
    found = explain(model, write_loans(tmp_path / "new.csv", seed=1), single=[7])
    assert [entry["column"] for entry in found["importance"]][:2] == ["income", "city"]
    assert not any("training rows" in note for note in found["notes"])
    assert any("training rows" in note for note in explain(model, tmp_path / "loans.csv")["notes"])
    assert found["importance"][0]["mean"] > 0 and found["importance"][0]["spread"] >= 0
    cities = {entry["value"]: entry["mean"] for entry in found["dependence"]["city"]}
    assert cities["Ulm"] > cities["Bonn"] and found["dependence_class"] == "y"
    assert sum(entry["rows"] for entry in found["reliability"]) == found["rows"] == 300
    assert {entry["metric"] for entry in found["thresholds"]} == {"accuracy", "balanced_accuracy", "f1_macro"}
    rows = [{"income": 20.0 + 10 * i, "city": "Bonn"} for i in range(8)]
    one = contributions(model, {"income": 120.0, "city": "Ulm"}, rows)[0]
    answer = model.predict({"income": 120.0, "city": "Ulm"})
    assert one["class"] == answer["prediction"] == "y"
    assert one["answer"] == pytest.approx(answer["probabilities"]["y"], abs=1e-3)
    assert one["mean"] + sum(one["contributions"].values()) == pytest.approx(one["answer"])
    assert one["contributions"]["income"] > 0
    without = contributions(model, {"income": 120.0, "city": "Ulm"}, [{"city": "Bonn"}, {"city": "Ulm"}])[0]
    assert without["answer"] == pytest.approx(one["answer"]) and "income" in without["contributions"]
    seventh = found["contributions"][0]
    assert seventh["row"] == 7
    assert seventh["mean"] + sum(seventh["contributions"].values()) == pytest.approx(seventh["answer"])
    shown = [row["probabilities"][seventh["class"]] for row in model.predict_sources(tmp_path / "new.csv")]
    assert seventh["mean"] == pytest.approx(np.mean(shown), abs=0.01)
    with pytest.raises(UserError, match="no row 301"):
        explain(model, tmp_path / "new.csv", single=[301])
    capitals = tmp_path / "capitals.csv"
    header, rest = (tmp_path / "new.csv").read_text(encoding="utf-8").split("\n", 1)
    capitals.write_text(f"{header.replace('income', 'INCOME')}\n{rest}", encoding="utf-8")
    assert explain(model, capitals, single=[7]) == found
    first, *rows = rest.split("\n")
    (tmp_path / "gaps.csv").write_text("\n".join([header, first.rpartition(",")[0] + ",", *rows]), encoding="utf-8")
    told = explain(model, tmp_path / "gaps.csv", single=[1, 7])
    assert told["rows"] == 299 and len(told["contributions"]) == 2  # rows are counted as in the file and by predict
    for one, answer in zip(told["contributions"], [shown[0], shown[6]], strict=True):
        assert one["answer"] == pytest.approx(answer if one["class"] == seventh["class"] else 1 - answer, abs=1e-4)
