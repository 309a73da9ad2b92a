"""What is handed in means the same by every road: a file, standard input, JSON, Python values."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.tabular.app import APP
from apps.tabular.features import Category
from apps.tabular.preprocessor import TabularPreprocessor
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import target_from
from shared.errors import UserError
from shared.protocol import Columns, Examples, count

RECIPE = TabularRecipe.make({})
ROWS = [{"a": str(i), "flag": "true" if i % 3 else "FALSE", "city": "#N/A" if i % 4 else "Ulm"} for i in range(40)]


def table(rows: list[dict[str, str]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


def only(sources: list[str]) -> Columns:
    ((_, columns),) = APP.read_inputs(sources, RECIPE)
    assert isinstance(columns, dict)
    return columns


def words(columns: Columns) -> dict[str, list[Any]]:
    return {name: columns[name].tolist() for name in ("flag", "city")}


def test_truths_and_gaps_are_the_same_by_every_road(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(table(ROWS).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    file = tmp_path / "new.csv"
    file.write_text(table(ROWS), encoding="utf-8")
    expected = {
        "flag": ["True" if i % 3 else "False" for i in range(40)],
        "city": [None if i % 4 else "Ulm" for i in range(40)],
    }
    assert words(only([str(file)])) == expected
    assert words(only(["-"])) == expected
    assert words(only([json.dumps(ROWS)])) == expected
    assert words(APP.inputs(ROWS, RECIPE)[0]) == expected
    assert APP.inputs({"flag": True}, RECIPE)[0]["flag"].tolist() == ["True"]


def test_labels_of_truths_are_known_whatever_else_stands_in_their_column(tmp_path: Path) -> None:
    trained, asked = tmp_path / "t.csv", tmp_path / "asked.csv"
    trained.write_text("a,t\n" + "1,true\n2,false\n3,maybe\n" * 20, encoding="utf-8")
    asked.write_text("a,t\n1,true\n2,false\n", encoding="utf-8")
    splits = APP.read(trained, RECIPE, None, None)
    fitted = APP.fit(splits.train, splits.recipe)
    found = fitted.encode_targets(APP.read_examples(asked, splits.recipe).targets)
    assert len(set(found.tolist())) == 2
    older = {**fitted.target.state(), "names": ["false", "maybe", "true"]}  # as version 0.1 wrote it
    assert target_from(older).encode(np.array(["True", "maybe"], object)).tolist() == [2, 1]
    assert Category.from_state({"column": "a", "words": ["true", None]}).encode(
        np.array(["True"], object)
    ).tolist() == [1]


def test_json_longer_than_a_file_name_is_read() -> None:
    rows = [{"a": i, "note": "x" * 50} for i in range(200)]
    assert count(only([json.dumps(rows)])) == 200


def test_columns_of_any_kind_of_list_are_a_table() -> None:
    import pandas as pd

    for cells in ([1, 2], (1, 2), np.array([1, 2]), pd.Series([1, 2])):
        columns, single = APP.inputs({"a": cells, "b": cells}, RECIPE)
        assert not single and columns["a"].tolist() == [1.0, 2.0]


def test_a_list_beside_a_single_value_is_refused() -> None:
    with pytest.raises(UserError, match="'a' holds a list"):
        APP.inputs({"a": [1, 2], "b": 3}, RECIPE)


def fitted() -> TabularPreprocessor:
    rows = [{"Age": i, "Home town": "Ulm" if i % 2 else "Bonn", "one": 1} for i in range(20)]
    targets = np.array(["yes" if i % 2 else "no" for i in range(20)], object)
    return APP.fit(Examples(APP.inputs(rows, RECIPE)[0], targets), TabularRecipe(task="classification"))


def test_columns_are_known_in_capitals_and_small_letters() -> None:
    preprocessor = fitted()
    plain = preprocessor.encode(APP.inputs({"Age": 3, "Home town": "Ulm"}, RECIPE)[0]).tensors
    other = preprocessor.encode(APP.inputs({"HOMETOWN ": "Ulm", "age": 3}, RECIPE)[0]).tensors
    assert all(a.equal(b) for a, b in zip(plain, other, strict=True))
    assert preprocessor.differences(APP.inputs({"age": 3, "hometown": "Ulm"}, RECIPE)[0]) == []


def test_two_columns_that_could_both_be_meant_are_neither() -> None:
    columns = APP.inputs({"Age": 3, "hometown": "Ulm", "HOME TOWN": "Bonn"}, RECIPE)[0]
    assert fitted().differences(columns) == ["columns that training had are lacking, taken as missing: Home town"]


def test_columns_that_tell_nothing_of_what_training_had_are_told() -> None:
    rows = [{"size": i % 9, "day": f"{1 + i % 28}.12.2020", "town": "Ulm" if i % 2 else "Bonn"} for i in range(40)]
    targets = np.array(["yes" if i % 2 else "no" for i in range(40)], object)
    preprocessor = APP.fit(Examples(APP.inputs(rows, RECIPE)[0], targets), TabularRecipe(task="classification"))
    for known in ({"size": "7"}, {"size": None, "day": "2020-12-24", "town": "Ulm"}, {"town": None}):
        assert not [note for note in preprocessor.differences(APP.inputs(known, RECIPE)[0]) if "lacking" not in note]
    odd = {"size": "seven", "day": "12/24/2020", "town": "Jena"}
    said = preprocessor.differences(APP.inputs([odd, odd, rows[0]], RECIPE)[0])
    towns = "town ('Jena', where training had Bonn, Ulm)"
    assert [note.partition(": ")[2].partition(";")[0] for note in said] == ["size", "day", towns]
    assert "had numbers" in said[0] and "not written as in training" in said[1] and "words" in said[2]


def test_a_table_of_other_columns_is_refused() -> None:
    preprocessor = fitted()
    with pytest.raises(UserError, match=r"none of the columns .*\(Age, Home town\) is there, but one, review"):
        preprocessor.encode(APP.inputs([{"one": 1, "review": "good"}], RECIPE)[0])
    assert len(preprocessor.encode(APP.inputs({}, RECIPE)[0])) == 1  # nothing known: the average answer


def test_words_that_are_read_as_numbers_are_still_known(tmp_path: Path) -> None:
    """Of a few rows pandas may see only those codes that look like numbers."""
    path = tmp_path / "new.csv"
    path.write_text("code,x\n007,1\n1.50,2\n9,3\n", encoding="utf-8")
    rows = [{"code": ["007", "1.50", "A7", "B9"][i % 4], "x": i} for i in range(40)]
    targets = np.array(["yes" if i % 2 else "no" for i in range(40)], object)
    preprocessor = APP.fit(Examples(APP.inputs(rows, RECIPE)[0], targets), TabularRecipe(task="classification"))
    assert [kind.kind for kind in preprocessor.kinds] == ["category", "number"]
    read = preprocessor.encode(only([str(path)])).tensors[2].flatten().tolist()
    given = preprocessor.encode(APP.inputs([{"code": "007"}, {"code": "1.50"}, {"code": "?"}], RECIPE)[0])
    assert read[:2] == given.tensors[2].flatten().tolist()[:2] and 0 not in read[:2] and read[2] == 0


def test_codes_are_the_same_as_words_and_as_numbers() -> None:
    draws = np.random.default_rng(0)
    shops = draws.integers(0, 300, 6000)
    effect = draws.normal(0, 5, 300)
    train = Examples({"shop": shops.astype(float), "x": draws.normal(size=6000)}, effect[shops])
    preprocessor = APP.fit(train, TabularRecipe(task="regression", target_transform="none"))
    assert preprocessor.kinds[0].kind == "code"
    number, word = ({"shop": np.array([cell], kind)} for cell, kind in ((7, float), ("007", object)))
    codes = [preprocessor.encode(cells).tensors[2].tolist() for cells in (number, word)]
    assert codes[0] == codes[1] and codes[0] != [[0]]


def test_an_empty_input_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text(table(ROWS))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="the input: .* not an empty one"):
        only([""])
