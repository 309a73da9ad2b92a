"""The target and its task are told, and so are words for nothing in it: "none" may be a class, the others are missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps.tabular import load, train
from apps.tabular.app import APP
from apps.tabular.recipe import TabularRecipe
from shared.errors import UserError
from shared.protocol import Splits
from tests.apps.tabular.tables import many, written
from tests.apps.tabular.test_contract import SMALL


def read(path: Path, **dials: object) -> Splits:
    return APP.read(path, TabularRecipe.make(dials), None, None)


@pytest.mark.parametrize(
    ("target", "task"),
    [("{half}", "classification"), ("w{half}", "classification"), ("{odd:.3f}", "regression"), ("{i}", "regression")],
)
def test_task_is_inferred(tmp_path: Path, target: str, task: str) -> None:
    splits = read(written(tmp_path / "t.csv", many(target)))
    assert splits.recipe.task == task and any(note.startswith(f"task: {task}") for note in splits.notes)


def test_task_can_be_asked_for(tmp_path: Path) -> None:
    assert read(written(tmp_path / "t.csv", many("{half}")), task="regression").train.targets.dtype == np.float64


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", many("{half}") + "1,p,\n2,q,\n")
    splits = read(path)
    assert sum(map(len, (splits.train, splits.valid, splits.test))) == 40
    assert any("2 rows of t.csv have no target (the first is row 41)" in note for note in splits.notes)


@pytest.mark.parametrize(("target", "task"), [("same", "classification"), ("3", "regression"), ("3.5", "auto")])
def test_constant_target_is_said(tmp_path: Path, target: str, task: str) -> None:
    with pytest.raises(UserError, match=f"t.csv: the target 't' is {target}.* in every row: there is nothing to learn"):
        read(written(tmp_path / "t.csv", many(target)), task=task)


def test_a_target_of_numbers_and_words_is_asked_about(tmp_path: Path) -> None:
    mostly = many("{i}.5") + "1,p,unknown\n"
    splits = read(written(tmp_path / "t.csv", mostly))
    assert splits.train.targets.dtype == np.float64
    assert any(
        "1 rows of t.csv have no target ('unknown' stands in the first, row 41)" in note for note in splits.notes
    )
    half = written(tmp_path / "half.csv", many("{i}.5") + "1,p,unknown\n" * 20)
    with pytest.raises(UserError, match="numbers in 40 rows and words such as 'unknown' in 20: .* --task"):
        read(half)
    assert set(read(half, task="regression").train.targets.tolist()) <= {i + 0.5 for i in range(40)}


def test_infinite_target_is_left_out(tmp_path: Path) -> None:
    splits = read(written(tmp_path / "t.csv", many("{odd}") + "1,p,inf\n"), task="regression")
    assert np.isfinite(splits.train.targets).all() and any("1 rows" in note for note in splits.notes)


def test_dates_as_a_target_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "a,t\n" + "".join(f"{i},2020-01-{1 + i % 28:02}\n" for i in range(84)))
    notes = APP.read(path, TabularRecipe.make({}), None, None).notes
    assert any("28 distinct dates, each a class; a number" in note for note in notes)


def write_pain(path: Path, word: str, rows: int = 120) -> Path:
    """How much it hurts, by the dose alone: `word`, mild or severe."""
    frame = pd.DataFrame({"dose": [i % 3 + i % 7 / 10 for i in range(rows)], "site": ["arm", "leg"] * (rows // 2)})
    frame["pain"] = [(word, "mild", "severe")[i % 3] for i in range(rows)]
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize("word", ["none", "None"])
def test_none_beside_words_is_a_class(tmp_path: Path, name: str, word: str) -> None:
    source = write_pain(tmp_path / name, word)
    splits = APP.read(source, TabularRecipe(), None, None)
    assert Counter(splits.train.targets.tolist()).keys() == {word, "mild", "severe"}
    assert any("3 distinct words" in note for note in splits.notes)
    assert not any("no target" in note for note in splits.notes)


def test_none_is_learnt_measured_and_answered(tmp_path: Path) -> None:
    model = train(write_pain(tmp_path / "t.csv", "none"), out=tmp_path / "model", **SMALL, trees="none")
    again = load(tmp_path / "model")
    assert again.predict({"dose": 0.2, "site": "leg"})["prediction"] == "none"
    assert again.evaluate(tmp_path / "t.csv")["rows"]["test"] == 120
    only = tmp_path / "only.csv"
    only.write_text("dose,site,pain\n0.1,arm,none\n0.2,leg,none\n")
    assert model.evaluate(only)["metrics"]["accuracy"] == 1


@pytest.mark.parametrize("word", ["NA", "N/A", "null"])
def test_another_word_for_nothing_is_named(tmp_path: Path, word: str) -> None:
    source = write_pain(tmp_path / "t.csv", word)
    for notes in (
        APP.read(source, TabularRecipe(), None, None).notes,
        APP.read_examples(source, TabularRecipe(target="pain", task="classification")).notes,
    ):
        assert any("40 rows of t.csv have no target" in note for note in notes)
        assert any(f"{word!r} in 40 rows" in note and "if it is a class" in note for note in notes)


def test_none_among_numbers_is_missing_and_empty_cells_have_no_word(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,t\n" + "".join(f"{i},{'none' if i % 9 == 0 else i % 2}\n" for i in range(90)))
    splits = APP.read(source, TabularRecipe(), None, None)
    assert any("10 rows of t.csv have no target" in note for note in splits.notes)
    assert set(splits.train.targets.tolist()) == {"0", "1"}
    source.write_text("a,t\n" + "".join(f"{i},{'' if i % 9 == 0 else 'pq'[i % 2]}\n" for i in range(90)))
    assert not any("if it is a class" in note for note in APP.read(source, TabularRecipe(), None, None).notes)


def test_weights_of_rows_without_a_target_do_not_count(tmp_path: Path) -> None:
    source = written(
        tmp_path / "t.csv", "a,w,t\n" + "".join(f"{i},2,{i * 1.5}\n" for i in range(40)) + "1,1e12,\n2,,\n"
    )
    train = read(source, task="regression", row_weights="w").train
    assert train.weights is not None and set(train.weights.tolist()) == {1.0}


def test_rows_of_weight_0_set_no_span_and_choose_nothing(tmp_path: Path) -> None:
    source = written(tmp_path / "t.csv", "a,w,t\n" + "".join(f"{i},2,{i * 1.5}\n" for i in range(40)) + "9,0,1e6\n" * 9)
    splits = read(source, task="regression", row_weights="w")
    assert "9 rows of t.csv have the weight 0 ('w'): left out" in splits.notes
    assert [sum(map(len, (splits.train, splits.valid, splits.test))), splits.train.targets.max() < 99] == [40, True]
    assert splits.train.weights is not None and set(splits.train.weights.tolist()) == {1.0}
    recipe = TabularRecipe(target="t", task="regression", row_weights="w")
    assert len(APP.read_examples(source, recipe)) == 49  # all that are measured count alike


def test_classes_count_alike_whatever_the_weights_of_their_rows(tmp_path: Path) -> None:
    rows = "".join(f"{i},{9 if i % 4 else 1 + i % 3},{'pq'[i % 4 == 0]}\n" for i in range(80))
    source = written(tmp_path / "t.csv", "a,w,t\n" + rows)
    splits = read(source, row_weights="w", class_weights="auto")
    parts = splits.train, splits.valid, splits.test
    words, weights = (np.concatenate([getattr(part, name) for part in parts]) for name in ("targets", "weights"))
    assert len(set(weights.tolist())) > 2
    assert np.allclose([weights[words == word].mean() for word in "pq"], 1)
    plain = read(source, row_weights="w").train
    assert plain.weights is not None and plain.weights[plain.targets == "p"].mean() > 1.1
