"""Every layout is read, the task is inferred and said, and each fault of a table is one clear sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from apps.tabular.app import APP
from apps.tabular.columns import to_numbers
from apps.tabular.kinds import find_kinds
from apps.tabular.recipe import TabularRecipe
from apps.tabular.suspects import find_suspects
from shared.errors import UserError
from shared.protocol import Examples, Splits, count
from tests.apps.tabular.tables import many, write_loans, written


def read(path: Path, **dials: object) -> Splits:
    return APP.read(path, TabularRecipe.make(dials), None, None)


def test_last_column_is_the_target_and_it_is_said(tmp_path: Path) -> None:
    splits = read(write_loans(tmp_path / "loans.csv"))
    assert splits.recipe.target == "repaid" and splits.recipe.task == "classification"
    said = " ".join(splits.notes)
    assert "repaid, the last column" in said and "id" in said and "identifiers" in said and "1 date" in said
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [255, 15, 30]


def test_folder_of_parts(tmp_path: Path) -> None:
    for name, rows in (("train.csv", 40), ("valid.tsv", 10), ("test.csv.gz", 0)):
        if rows:
            text = many("{half}", rows)
            written(tmp_path / name, text.replace(",", "\t") if name.endswith("tsv") else text)
    splits = read(tmp_path)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [40, 10, 0]
    assert len(APP.read_examples(tmp_path, splits.recipe)) == 10


def test_copies_of_training_rows_are_told(tmp_path: Path) -> None:
    rows = [f"{i / 7:.3f},{'pq'[i % 2]},{i % 2}" for i in range(60)]
    once, twice = (written(tmp_path / f"{n}.csv", "\n".join(["a,b,t", *rows * n])) for n in (1, 2))
    assert not any("copies" in note for note in read(once).notes)
    said = [note for note in read(twice).notes if "copies" in note]
    assert len(said) == 2 and "of 12 test rows have the same cells" in said[1]
    assert read(twice, group="a").notes and not any("copies" in note for note in read(twice, group="a").notes)


def test_rows_left_out_of_what_is_measured_are_told(tmp_path: Path) -> None:
    splits = read(written(tmp_path / "t.csv", many("{half}")))
    other = written(tmp_path / "u.csv", many("{half}") + "1,p,\n2,q,\n")
    said = "2 rows of u.csv have no target (the first is row 41): left out"
    assert APP.read_examples(other, splits.recipe).notes == (said,)
    assert said in APP.read(tmp_path / "t.csv", TabularRecipe.make({}), other, None).notes


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    word = "Köln" if encoding == "cp1252" else "北京的天气"
    text = f"city,t\n{word},1\nUlm,0\n" * 1 + f"{word},1\nUlm,0\n" * 30
    splits = read(written(tmp_path / "t.csv", text, encoding))
    assert word in set(splits.train.inputs["city"])


@pytest.mark.parametrize(
    ("text", "dials", "said"),
    [
        (many("{half}"), {"target": "tt"}, "no column 'tt'"),
        (many(""), {}, "is empty in every row"),
        (many("word"), {"task": "regression"}, "holds no number"),
        ("t\n1\n2\n", {}, "one column"),
        (many("w{i}x"), {}, "too many to be classes"),
        ('a,t\n"broken,1\n2,3\n', {}, "t.csv"),
        ("a,t\n", {}, "no rows"),
        ("", {}, "empty"),
    ],
)
def test_fault_of_a_table_is_said(tmp_path: Path, text: str, dials: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        read(written(tmp_path / "t.csv", text), **dials)
    assert "\n" not in str(caught.value)


def test_a_column_of_numbers_and_words_is_both(tmp_path: Path) -> None:
    rows = [f"{i / 7:.2f},{i % 2}" if i % 2 else f"{'low' if i % 4 else 'high'},{i % 2}" for i in range(200)]
    splits = read(written(tmp_path / "t.csv", "half,t\n" + "\n".join(rows)))
    assert any("numbers in some rows and words in others, and are taken as both: half" in n for n in splits.notes)
    fitted = APP.fit(splits.train, splits.recipe)
    assert [number.column for number in fitted.numbers] == [c.column for c in fitted.categories] == ["half"]
    numbers, flags, codes = fitted.encode({"half": np.array(["3.5", "low", "high", "never seen"], object)}).tensors
    assert flags.flatten().tolist() == [0, 1, 1, 1] and len(set(codes.flatten().tolist())) == 4
    assert codes[3] == 0 and numbers[0] != numbers[1]


def test_label_unseen_in_training_is_named(tmp_path: Path) -> None:
    train = written(tmp_path / "t.csv", many("{half}"))
    test = written(tmp_path / "u.csv", "a,b,t\n1,p,7\n2,p,1\n")
    splits = APP.read(train, TabularRecipe.make({}), None, test)
    with pytest.raises(UserError, match=r"'7' \(labelled row 1\)"):
        APP.fit(splits.train, splits.recipe).encode_targets(splits.test.targets)


def test_few_rows_to_measure_on_may_have_many_classes(tmp_path: Path) -> None:
    rows = [f"{i},word {i % 30}" for i in range(300)]
    source, few = (
        written(tmp_path / name, "\n".join(["a,t", *part])) for name, part in (("t.csv", rows), ("u.csv", rows[:30]))
    )
    splits = APP.read(source, TabularRecipe.make({}), few, few)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [300, 30, 30]
    assert len(APP.read_examples(few, splits.recipe)) == 30


def test_inputs_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "new.csv", "a,b\n1,p\n2,q\n")

    class Stdin:
        buffer = io.BytesIO(b"a;b\n1;p\n2\n")

    monkeypatch.setattr("sys.stdin", Stdin)
    recipe = TabularRecipe.make({})
    blocks = list(APP.read_inputs([str(path), "-", '{"a": 1}', '[{"a": 1}, {"b": "q"}]'], recipe))
    assert [names for names, _ in blocks] == [
        ["new.csv:1", "new.csv:2"],
        ["row 1", "row 2"],
        ['{"a": 1}'],
        ["row 1", "row 2"],
    ]
    assert [count(inputs) for _, inputs in blocks] == [2, 2, 1, 2]
    assert blocks[1][1]["b"].tolist() == ["p", None]


def test_decimal_commas_on_stdin_are_those_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "a;b;c\n1,234;x,5;7\n12,5;2,5;8,250\n;?;9\n"

    class Stdin:
        buffer = io.BytesIO(content.encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    path = written(tmp_path / "new.csv", content)
    (_, of_file), (_, of_stdin) = APP.read_inputs([str(path), "-"], TabularRecipe.make({}))
    assert to_numbers(of_stdin["a"])[:2].tolist() == of_file["a"][:2].tolist() == [1.234, 12.5]
    assert of_stdin["b"].tolist() == of_file["b"].tolist() == ["x,5", "2,5", None]
    assert to_numbers(of_stdin["c"]).tolist() == of_file["c"].tolist() == [7, 8.25, 9]


@pytest.mark.parametrize(
    ("name", "row", "numbers"),
    [("t.csv", "{:n};8,75", [1039, 592]), ("t.tsv", "{:,}\t8.75", [1039, 592]), ("t.tsv", "{:,}\t8", [1039, 592])],
)
def test_thousands_are_no_fractions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, row: str, numbers: list[float]
) -> None:
    rows = [row.replace("{:n}", f"{number:,}".replace(",", ".")).format(number) for number in (1039, 592)]
    content = ("a;b\n" if ";" in row else "a\tb\n") + "\n".join(rows) + "\n"

    class Stdin:
        buffer = io.BytesIO(content.encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    for _, columns in APP.read_inputs([str(written(tmp_path / name, content)), "-"], TabularRecipe.make({})):
        assert to_numbers(columns["a"]).tolist() == numbers


def test_whole_numbers_beyond_float64_stay_apart(tmp_path: Path) -> None:
    big = 900_719_925_474_099_300
    rows = "".join(f"{big + i // 10},{i % 7},{big + i % 2}\n" for i in range(100))
    splits = APP.read(
        written(tmp_path / "t.csv", "person,x,t\n" + rows), TabularRecipe.make({"group": "person"}), None, None
    )
    assert set(splits.train.targets) == {str(big), str(big + 1)} and len(splits.test) == 10
    single, _ = APP.inputs({"person": big + 1}, TabularRecipe.make({}))
    assert single["person"].tolist() == [str(big + 1)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b,a\n1,p,2\n", "stdin: two columns are named 'a'"),
        (b"a,b\n1,p\n1,234,p\n", "stdin, row 2: 3 cells below a header of 2"),
        (b'{"a": 1, "b": "p"}\n', "no rows below its first line"),
    ],
)
def test_fault_of_stdin_is_said(monkeypatch: pytest.MonkeyPatch, content: bytes, said: str) -> None:
    class Stdin:
        buffer = io.BytesIO(content)

    monkeypatch.setattr("sys.stdin", Stdin)
    with pytest.raises(UserError, match=said):
        list(APP.read_inputs(["-"], TabularRecipe.make({})))


@pytest.mark.parametrize("source", ["[1, 2]", "{broken", "[]", "nowhere.csv"])
def test_fault_of_an_input_is_said(source: str) -> None:
    with pytest.raises(UserError):
        list(APP.read_inputs([source], TabularRecipe.make({})))


def test_python_values() -> None:
    import pandas as pd

    recipe = TabularRecipe.make({})
    assert APP.inputs({"a": 1}, recipe)[1] is True
    assert APP.inputs({}, recipe)[1] is True and count(APP.inputs({}, recipe)[0]) == 1
    assert count(APP.inputs({"a": [1, 2]}, recipe)[0]) == 2
    frame = pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": pd.to_datetime(["2020-01-01", None])})
    columns, single = APP.inputs(frame, recipe)
    assert (
        not single and columns["b"].tolist() == ["x", None] and columns["c"].tolist() == ["2020-01-01T00:00:00", None]
    )
    assert APP.inputs(frame.iloc[0], recipe)[1] is True
    assert APP.inputs({"a": "é".encode()}, recipe)[0]["a"].tolist() == ["é"]
    with pytest.raises(UserError, match="two columns are named 'a'"):
        APP.inputs(frame.set_axis(["a", "b", "a"], axis=1), recipe)
    with pytest.raises(UserError, match="no row of a table"):
        APP.inputs(7, recipe)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_column_that_gives_the_target_away_is_a_suspect(task: str) -> None:
    draws = np.random.default_rng(0)
    signal = draws.normal(size=300)
    columns = {"copy": signal * 3 + 1, "hint": signal + draws.normal(size=300), "noise": draws.normal(size=300)}
    targets = signal if task == "regression" else np.where(signal > 0, "yes", "no").astype(object)
    assert find_suspects(Examples(columns, targets), find_kinds(columns), task) == ["copy"]
