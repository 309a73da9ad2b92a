"""Words for nothing in a target: "none" may be a class, the others are taken for missing and named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from apps.tabular import load, train
from apps.tabular.app import APP
from apps.tabular.recipe import TabularRecipe
from tests.apps.tabular.test_contract import SMALL


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
