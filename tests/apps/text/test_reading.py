"""Every layout is read, what was inferred is said, and what is wrong is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from apps import text as text_app
from apps.text.app import APP
from shared.errors import UserError
from shared.protocol import Splits
from tests.apps.text.writing import sentences, write_csv


def read(source: Path, valid: Path | str | None = None, test: Path | None = None, **dials: object) -> Splits:
    return APP.read(source, APP.recipe.make({"weights": "none", **dials}), valid, test)


def sizes(splits: Splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.valid), len(splits.test)


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def tab_lines(rows: int, seed: int = 0) -> list[str]:
    return [f"{text}\t{label}" for text, label in zip(*sentences(rows, seed), strict=True)]


def test_csv_is_split_and_its_columns_are_said(tmp_path: Path) -> None:
    splits = read(write_csv(tmp_path / "a.csv", 100))
    assert sizes(splits) == (80, 10, 10)
    assert splits.recipe.text == "text" and splits.recipe.target == "label"
    assert any("column 'text'" in note for note in splits.notes)


def test_named_columns_win(tmp_path: Path) -> None:
    lines = ["text,body,label,grade"] + [f"t{i},the {i} body,x,{'AB'[i % 2]}" for i in range(20)]
    splits = read(write_lines(tmp_path / "a.csv", lines), text="Body", target="grade")
    assert splits.train.inputs[0].startswith("the") and set(splits.train.targets) == {"A", "B"}


def test_columns_are_inferred_by_what_they_hold(tmp_path: Path) -> None:
    lines = ["id,words,kind"] + [f"{i},{'a long sentence ' * 3}{i},{'pq'[i % 2]}" for i in range(20)]
    recipe = read(write_lines(tmp_path / "a.csv", lines)).recipe
    assert (recipe.text, recipe.target) == ("words", "kind")


def test_labels_that_are_sorted_are_found(tmp_path: Path) -> None:
    lines = [f"{4 * (i >= 3000)},{i},same,{'some words ' * 3}{i}" for i in range(6000)]
    recipe = read(write_lines(tmp_path / "a.csv", lines)).recipe
    assert (recipe.text, recipe.target) == ("column_4", "column_1")


def test_json_lines_and_gzip(tmp_path: Path) -> None:
    lines = [f'{{"text": "{t}", "label": {int(label == "good")}}}' for t, label in zip(*sentences(30), strict=True)]
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write("\n".join(lines))
    splits = read(tmp_path / "a.jsonl.gz")
    assert sum(sizes(splits)) == 30 and set(splits.train.targets) == {"0", "1"}


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    texts, labels = sentences(30)
    pd.DataFrame({"review": texts, "stars": [1.0 if label == "good" else 5.0 for label in labels]}).to_parquet(
        tmp_path / "a.parquet"
    )
    assert set(read(tmp_path / "a.parquet").train.targets) == {"1", "5"}


def test_folder_of_headerless_tables(tmp_path: Path) -> None:
    for seed, (part, rows) in enumerate({"train": 60, "dev": 20, "test": 30}.items()):
        write_lines(tmp_path / f"{part}.tsv", tab_lines(rows, seed))
    assert sizes(read(tmp_path)) == (60, 20, 30)


def test_train_and_valid_alone_give_no_test(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", 60)
    write_csv(tmp_path / "valid.csv", 20, seed=1)
    assert sizes(read(tmp_path)) == (60, 20, 0)


def test_parts_given_by_hand(tmp_path: Path) -> None:
    train, other = write_csv(tmp_path / "a.csv", 60), write_csv(tmp_path / "b.csv", 20, seed=1)
    assert sizes(read(train, "none", other)) == (60, 0, 20)
    assert sizes(read(train, other)) == (60, 20, 0)
    with pytest.raises(UserError, match="no such file"):
        read(train, test=tmp_path / "nowhere.csv")


def test_is_valid_column(tmp_path: Path) -> None:
    texts, labels = sentences(40)
    lines = ["label,text,is_valid"] + [f"{b},{a},{i >= 30}" for i, (a, b) in enumerate(zip(texts, labels, strict=True))]
    source = write_lines(tmp_path / "texts.csv", lines)
    assert sizes(read(source)) == (30, 10, 0)
    assert len(APP.read_examples(source, APP.recipe.make({}))) == 10


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_chinese_in_the_encodings_people_have(tmp_path: Path, encoding: str) -> None:
    lines = ["label,review"] + [
        f"{i % 2},{'房间很大，服务不错' if i % 2 else '早餐太差，房间很小'}{i}号" for i in range(40)
    ]
    splits = read(write_lines(tmp_path / "a.csv", lines, encoding))
    assert splits.recipe.text == "review" and any("房间很大" in text for text in splits.train.inputs)


def test_odd_texts_are_kept(tmp_path: Path) -> None:
    odd = ["", "a\0b", "<p>html &amp; all</p>", "\U0001f600\U0001f600", "x" * 1_000_000, 'a "quote']
    lines = [f"{text}\t{'ab'[i % 2]}" for i, text in enumerate(odd * 4)]
    splits = read(write_lines(tmp_path / "a.tsv", lines))
    assert sum(sizes(splits)) == 24 and any("empty" in note for note in splits.notes)


def test_texts_in_two_parts_are_counted(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", 60)
    write_csv(tmp_path / "test.csv", 20)
    assert any("20 of the test texts" in note for note in read(tmp_path).notes)


def test_rows_without_a_label_are_left_out_and_said(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"words {i},{['', 'a', 'b'][i % 3]}" for i in range(30)]
    splits = read(write_lines(tmp_path / "a.csv", lines))
    assert sum(sizes(splits)) == 20 and any("10 rows" in note and "row 1" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("lines", "dials", "said"),
    [
        (["text,label", "a,b", "c,d"], {"target": "lable"}, "did you mean 'label'"),
        (["text", "a", "b"], {}, "one column"),
        (["text,label"] + ["a,"] * 5, {}, "empty in every row"),
        (["text,label"] + [f"t,{i}" for i in range(50)], {}, "too many to be classes"),
        (["text,label", "a,b"], {"text": "label", "target": "label"}, "both"),
        (["text,label"], {}, "no rows"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path: Path, lines: list[str], dials: dict[str, str], said: str) -> None:
    source = write_lines(tmp_path / "a.csv", lines)
    with pytest.raises(UserError, match=said) as caught:
        read(source, **dials)
    assert str(source) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("order", ["{text},{label}", "{label},{text}"])
def test_rows_that_an_open_quotation_mark_takes_into_a_text_are_refused(tmp_path: Path, order: str) -> None:
    found = [("a fine\nday", "good"), ("rated\n3,good\nor so", "bad"), ("fine, good\nday", "bad")] + [
        (f"words, {i}", "ab"[i % 2]) for i in range(29)
    ]
    rows = [order.format(text=f'"{text}"', label=label) for text, label in found]
    assert sum(sizes(read(write_lines(tmp_path / "a.csv", [order.format(text="text", label="label"), *rows])))) == 32
    rows += [order.format(text=f"{chr(34) * (i % 4 == 0)}words {i}", label="ab"[i % 2]) for i in range(1, 36)]
    source = write_lines(tmp_path / "b.csv", [order.format(text="text", label="label"), *rows])
    with pytest.raises(UserError, match=f"{source}: a quotation mark opened in row 36 takes"):
        read(source)


def test_few_rows_to_measure_on_may_have_many_classes(tmp_path: Path) -> None:
    rows = [f"words {i},c{i % 30}" for i in range(90)]
    source = write_lines(tmp_path / "a.csv", ["text,label", *rows])
    few = write_lines(tmp_path / "b.csv", ["text,label", *rows[:30]])
    splits = read(source, few, few)
    assert sizes(splits) == (90, 30, 30) and len(APP.read_examples(few, splits.recipe)) == 30


def test_one_class_is_said(tmp_path: Path) -> None:
    splits = read(write_lines(tmp_path / "a.csv", ["text,label"] + [f"t{i},same" for i in range(30)]))
    with pytest.raises(UserError, match="two classes"):
        APP.fit(splits.train, splits.recipe)


def test_folder_with_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(UserError, match="class folders"):
        read(tmp_path)


def test_other_column_names_are_inferred_when_evaluating(tmp_path: Path) -> None:
    recipe = read(write_csv(tmp_path / "a.csv", 40)).recipe
    other = write_lines(tmp_path / "b.csv", ["sentence,sentiment", "a lovely day,good", "a grey day,bad"])
    assert list(APP.read_examples(other, recipe).targets) == ["good", "bad"]


def test_a_table_too_large_to_hold_is_sampled_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_csv(tmp_path / "a.csv", 4000)
    monkeypatch.setattr("apps.text.large.ROWS", 300)
    share = source.stat().st_size / 4e6
    splits, again = read(source, megabytes=share), read(source, megabytes=share)
    assert 800 < sum(sizes(splits)) < 1200 and any("of its 4,000 rows" in note for note in splits.notes)
    assert list(again.train.inputs) == list(splits.train.inputs)


def test_a_column_named_label_is_no_text_however_long(tmp_path: Path) -> None:
    lines = ["text,label", *(f"go {i},leave this place at once and for good" for i in range(20))]
    lines += [f"no {i},stay where you are until tomorrow evening" for i in range(20)]
    splits = read(write_lines(tmp_path / "a.csv", lines))
    assert (splits.recipe.text, splits.recipe.target) == ("text", "label")


def test_lists_of_labels_are_refused(tmp_path: Path) -> None:
    lines = ['{"text": "a fine day", "label": ["good", "weather"]}', '{"text": "a bad one", "label": ["bad"]}'] * 10
    with pytest.raises(UserError, match="'label' holds a list"):
        read(write_lines(tmp_path / "a.jsonl", lines))


def test_evaluating_does_not_guess_among_many_columns(tmp_path: Path) -> None:
    recipe = APP.recipe.make({"weights": "none", "text": "text", "target": "label"})
    path = write_lines(tmp_path / "a.csv", ["id,text,when", *(f"{i % 3},a fine day {i},{i % 2}" for i in range(20))])
    with pytest.raises(UserError, match="no column 'label'.*id, text, when"):
        APP.read_examples(path, recipe)


def test_an_empty_separator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="separator"):
        read(write_csv(tmp_path / "a.csv", 40), separator="")


def test_rows_left_out_of_a_measure_are_said(tmp_path: Path) -> None:
    recipe = APP.recipe.make({"weights": "none", "text": "text", "target": "label"})
    path = write_lines(tmp_path / "b.csv", ["text,label", "a lovely day,good", "a grey day,", "a bad day,bad"])
    assert "1 rows of b.csv have no label (the first is row 2): left out" in APP.read_examples(path, recipe).notes
    assert any("b.csv" in note for note in read(write_csv(tmp_path / "a.csv", 40), test=path).notes)


def test_texts_with_different_labels_are_told(tmp_path: Path) -> None:
    lines = ["text,label", *(f"words {i // 2},{'ab'[i % 2 and i < 6]}" for i in range(40)), "Words  1,b", ",a", ",b"]
    notes = " ".join(read(write_lines(tmp_path / "a.csv", lines), "none").notes)
    assert "3 training texts have different labels in different rows: 'words 0', 'Words  1', 'words 2'" in notes
    several = [f"words {i // 2},{'ab'[i % 2]}" for i in range(40)]
    notes = " ".join(read(write_lines(tmp_path / "b.csv", ["text,label", *several]), "none", separator=";").notes)
    assert "different labels" not in notes and "none of the labels" not in notes


def test_a_number_among_words_and_numbers_is_one_label_however_json_writes_it(tmp_path: Path) -> None:
    cells = ("1", "1.0", '"1"', "2", "2.5", '"b"')
    lines = [f'{{"text": "words {i}", "label": {cells[i % 6]}}}' for i in range(36)]
    splits = read(write_lines(tmp_path / "a.jsonl", lines), "none")
    assert set(splits.train.targets) == {"1", "2", "2.5", "b"}


def test_a_column_of_parts_that_is_not_followed_is_told(tmp_path: Path) -> None:
    rows = [f"words {i},{'ab'[i % 2]},{('train', 'Test')[i % 5 == 0]},{i}" for i in range(40)]
    notes = read(write_lines(tmp_path / "a.csv", ["text,label,split,n", *rows])).notes
    assert any(note.startswith("column 'split' names parts (test, train) and is not followed") for note in notes)
    rows = [f"words {i},{'ab'[i % 2]},{('train', 'field')[i % 5 == 0]}" for i in range(40)]
    notes = read(write_lines(tmp_path / "a.csv", ["text,label,split", *rows])).notes
    assert not any("not followed" in note for note in notes)


def test_measured_texts_that_training_had_are_told(tmp_path: Path) -> None:
    texts, labels = sentences(60)
    lines = [f"{label},{text}" for label, text in zip(labels, texts, strict=True)]
    source = write_lines(tmp_path / "a.csv", ["label,text", *lines])
    model = text_app.train(source, weights="none", out=tmp_path / "model")
    trained = model.facts.rows["train"] + model.facts.rows["valid"]  # which the blend was chosen by
    for again in (model, text_app.load(tmp_path / "model")):
        told = f"{trained} of 60 measured texts also stand in the training texts: results look better than they are"
        assert told in again.evaluate(source)["notes"]
    new = write_lines(tmp_path / "new.csv", ["label,text", "good,a sight never seen", "bad,"])
    assert model.evaluate(new)["notes"] == ()
