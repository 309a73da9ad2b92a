"""Tables: every encoding, separator, header and fault that people's files have."""

from __future__ import annotations

import csv
import io
import lzma
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dialect import find_encoding, looks_like_header
from shared.errors import UserError
from shared.tables import find_layout, kind_of, read_chunks, read_table, refuse_nested


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
def test_separator_is_found(tmp_path: Path, separator: str) -> None:
    lines = "\n".join(separator.join((str(i), f"word {i}", "3.5")) for i in range(20))
    frame = read_table(write(tmp_path / "a.txt", lines + "\n"))
    assert frame.shape == (20, 3) and list(frame.columns) == ["column_1", "column_2", "column_3"]


@pytest.mark.parametrize("separator", [";", "|", "\t"])
def test_the_separator_is_one_that_the_header_has(tmp_path: Path, separator: str) -> None:
    lines = "".join(f"{i}, so it was{separator}3.5\n" for i in range(20))
    frame = read_table(write(tmp_path / "a.txt", f"words{separator}number\n{lines}"))
    assert list(frame.columns) == ["words", "number"] and frame.shape == (20, 2)


def test_bare_quotation_marks_of_tab_separated_text_stay(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path / "a.tsv", 'a "quoted word\t1\nb says "hi" twice\t0\nplain\t1\n'), text=True)
    assert frame.shape == (3, 2) and frame.iloc[0, 0] == 'a "quoted word'


def test_words_that_look_missing_stay_in_text(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path / "a.csv", "text,label\nnull,1\nNA,0\nNone,1\n,0\n"), text=True)
    assert list(frame["text"][:3]) == ["null", "NA", "None"] and frame["text"].isna()[3]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffSEP=;"])
def test_a_line_that_tells_the_separator_is_no_row(tmp_path: Path, first: str) -> None:
    path = write(tmp_path / "a.csv", f"{first}\r\ntext;price\r\na, b, c;1,5\r\nd;2\r\n")
    assert read_table(path).to_dict("list") == {"text": ["a, b, c", "d"], "price": [1.5, 2.0]}
    assert read_table(path, text=True, columns={"text": "category"})["text"].tolist() == ["a, b, c", "d"]


@pytest.mark.parametrize("suffix", [".csv.xz", ".csv.gz", ".csv.bz2", ".csv.zip", ".jsonl", ".parquet"])
def test_formats_read_alike(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    frame, path = pd.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "c"]}), tmp_path / f"a{suffix}"
    if suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    assert read_table(path).to_dict() == frame.to_dict()
    assert kind_of(path) == suffix.removesuffix(suffix[4:] if suffix.startswith(".csv") else "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\n\n", "no text"),
        ("a,b\n", "no rows"),
        ('a,b\n1,"never closed\n2,3\n', "never closed"),
        ("a,b\n1,2\n1,2,3\n4,5\n6,7\n8,9\n1,1\n1,2\n", "line 3"),
        ("a,a\n1,2\n", "two columns"),
        ("text,label,label\nnice,good,x\nbad,poor,y\n", "'label'.*line of names above"),
    ],
)
def test_fault_is_named(tmp_path: Path, content: str, said: str) -> None:
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(UserError, match=said) as caught:
        read_table(path, header=True if content.startswith("a") else None)
    assert str(path) in str(caught.value)


def test_damaged_archive_is_named(tmp_path: Path) -> None:
    whole = lzma.compress(b"a,b\n" + b"1,2\n" * 10_000)
    with pytest.raises(UserError, match="damaged"):
        read_table(write(tmp_path / "a.csv.xz", whole[: len(whole) // 2]))


def test_not_a_parquet_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="parquet"):
        read_table(write(tmp_path / "a.parquet", b"PAR1 no"))


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["text", "label"], ["nice", "1"], ["bad", "0"]], True),
        ([["text", "label"], ["nice", "good"], ["bad", "poor"]], True),
        ([["nice film", "1"], ["bad film", "0"]], False),
        ([["1", "10", "4.0"], ["1", "12", "3.0"]], False),
        ([["userId", "movieId", "rating"], ["1", "2", "3"]], True),
        ([["anna", "book"], ["ben", "book"], ["anna", "pen"]], False),
        ([["a", "b"]], True),
        ([["text", "label", "label"], ["nice", "good", "x"], ["bad", "poor", "y"]], True),  # reading refuses it
        ([["x", "x", "a"], ["y", "x", "b"]], False),
        ([["", "text", "label"], ["0", "nice", "good"], ["1", "bad", "poor"]], True),  # as pandas writes its index
        ([["", "nice", "good"], ["x", "bad", "poor"]], False),
        ([["", "nice", "good"], ["3", "bad", "poor"], ["3", "dull", "fair"]], False),
        ([["", "0.5", "good"], ["1", "2", "poor"]], False),
        ([["size", "", "label"], ["1", "2", "good"], ["3", "4", "poor"]], True),  # a name was left out
        ([["size", "label", ""], ["1", "good", ""], ["3", "poor", ""]], True),  # every line ends with a separator
    ],
)
def test_header_is_told_from_data(rows: list[list[str]], header: bool) -> None:
    assert looks_like_header(rows) is header


def test_index_that_pandas_writes_is_a_column_without_a_name(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["nice", "bad"], "label": ["good", "poor"]}).to_csv(tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv").to_dict("list") == {
        "Unnamed: 0": [0, 1],
        "text": ["nice", "bad"],
        "label": ["good", "poor"],
    }
    kinds = {"label": "category", "Unnamed: 0": "float64"}
    assert read_table(tmp_path / "a.csv", columns=kinds).to_dict("list") == {
        "label": ["good", "poor"],
        "Unnamed: 0": [0.0, 1.0],
    }


cells = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=2, max_size=8))
def test_well_formed_csv_keeps_every_row(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("first", "second", "third"), *rows])
    path = write(tmp_path_factory.mktemp("t") / "a.csv", out.getvalue())
    frame = read_table(path, text=True, header=True)
    assert frame.shape == (len(rows), 3)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_read_or_refused_with_one_message(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = write(tmp_path_factory.mktemp("t") / "a.csv", raw)
    encoding, errors = find_encoding(raw)
    raw.decode(encoding, "replace")
    try:
        read_table(path, text=True)
    except UserError as error:
        assert str(path) in str(error)


def test_layout_of_the_sample_only(tmp_path: Path) -> None:
    layout = find_layout(write(tmp_path / "a.csv", "a,b\n1,2\n"))
    assert (layout.encoding, layout.separator) == ("utf-8", ",")


def test_blanks_separate_cells_where_numbers_end_every_line(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path / "a.txt", "1 7 3.5\n1   8 0.5\n"))
    assert frame.to_numpy().tolist() == [[1, 7, 3.5], [1, 8, 0.5]]
    words = read_table(write(tmp_path / "b.txt", "a good film\na bad film\n"), header=False)
    assert words.shape == (2, 1)


@pytest.mark.parametrize("text", ["a,b,c\n1,x,5\n2,y,6\n", "1,x,5\n2,y,6\n", "1::x::5\n2::y::6\n"])
def test_some_columns_and_rows_are_read(tmp_path: Path, text: str) -> None:
    path, names = write(tmp_path / "a.csv", text), ("a", "c") if text[0] == "a" else ("column_1", "column_3")
    frame = read_table(path, text=True, columns={names[1]: "float64", names[0]: "category"})
    assert list(frame.columns) == [names[1], names[0]] and frame[names[1]].tolist() == [5.0, 6.0]
    assert frame[names[0]].cat.categories.tolist() == ["1", "2"]
    assert len(read_table(path, text=True, rows=1)) == 1


@pytest.mark.parametrize(
    ("name", "line"), [("a.csv", "{i},text {i}\n"), ("a.jsonl", '{{"n": "{i}", "t": "text {i}"}}\n')]
)
def test_chunks_joined_are_the_whole_table(tmp_path: Path, name: str, line: str) -> None:
    head = "n,t\n" if name.endswith("csv") else ""
    path = write(tmp_path / name, head + "".join(line.format(i=i) for i in range(25)))
    chunks = [frame.to_dict("records") for frame in read_chunks(path, 10)]
    assert [len(rows) for rows in chunks] == [10, 10, 5]
    assert [row for rows in chunks for row in rows] == read_table(path, text=True).to_dict("records")


@pytest.mark.parametrize("columns", [None, {"n": "category"}])
def test_a_row_of_too_many_cells_is_named_whatever_columns_are_wanted(
    tmp_path: Path, columns: dict[str, str] | None
) -> None:
    path = write(tmp_path / "a.csv", "n,t\n" + "1,a\n" * 120 + "Good, the Bad,a\n" + "1,a\n")
    with pytest.raises(UserError, match="Expected 2 fields in line 122, saw 3"):
        read_table(path, text=True, columns=columns)


@pytest.mark.xfail(tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1), reason="pandas cuts a block's first row")
def test_a_fault_in_a_later_chunk_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "n,t\n" + "1,a\n" * 20 + "1,b,c,d\n")
    with pytest.raises(UserError, match="a.csv"):
        list(read_chunks(path, 10))


def test_a_decimal_comma_is_a_decimal_comma(tmp_path: Path) -> None:
    german = read_table(write(tmp_path / "a.csv", "preis;ort\n1,250;Ulm\n3,5;Bonn\n"))
    assert german["preis"].tolist() == [1.25, 3.5]
    points = read_table(write(tmp_path / "b.csv", "price;size\n1.5;1,250\n2.5;1,300\n"))
    assert points["price"].tolist() == [1.5, 2.5] and points["size"].tolist() == ["1,250", "1,300"]


def test_a_cell_longer_than_all_that_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nshort,a\n" + "x" * 1_000_000 + ",b\n" + "y, z\n" * 3)
    assert list(read_table(path, text=True)["label"][:2]) == ["a", "b"]
    quoted = tmp_path / "b.csv"
    quoted.write_text('text,label\n"' + "x, " * 300_000 + '",b\nshort,a\n')
    assert list(read_table(quoted, text=True)["label"]) == ["b", "a"]


def test_more_cells_than_the_header_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "one, two,a\n" * 5)
    with pytest.raises(UserError, match="3 cells below a header of 2"):
        read_table(path)
    path.write_text("text,label\n" + "one,a,\n" * 5)
    assert list(read_table(path)["label"]) == ["a"] * 5


def test_a_wide_first_row_is_refused(tmp_path: Path) -> None:
    narrow = "".join(f"text {i},pos\n" for i in range(20))
    with pytest.raises(UserError, match="row 1: 4 cells below a header of 2"):
        read_table(write(tmp_path / "a.csv", "text,label\none,with,commas,pos\n" + narrow), text=True)
    with pytest.raises(UserError, match="row 3: 3 cells below a header of 2"):
        read_table(write(tmp_path / "b.csv", "text,label\none,pos,\ntwo,neg\none,with,pos\n" + narrow), text=True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_json_lines_read_in_the_encodings_people_have(tmp_path: Path, encoding: str) -> None:
    lines = '{"text": "été à la plage", "label": "a"}\n{"text": "x", "label": "b"}\n'
    assert read_table(write(tmp_path / "a.jsonl", lines, encoding))["text"][0] == "été à la plage"


def test_a_broken_json_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "a"}\n\n{"text": "b", "la\n')
    with pytest.raises(UserError, match=r"a.jsonl, line 3: not one json object"):
        read_table(path)
    for other in ("[1, 2]", "5", "null", '"abc"'):
        with pytest.raises(UserError, match=r"a.jsonl, line 2: not one json object"):
            read_table(write(path, f'{{"text": "a"}}\n{other}\n'))
        with pytest.raises(UserError, match=r"a.json is not a json list of objects"):
            read_table(write(tmp_path / "a.json", f'[{{"text": "a"}}, {other}]'))


def test_a_table_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,b\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"a.csv cannot be read \(Permission denied\)"):
        read_table(path)


def test_lists_in_a_column_are_refused(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path / "a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": ["x", "y"]}\n'))
    refuse_nested(frame, ["text"], tmp_path / "a.jsonl")
    with pytest.raises(UserError, match=r"a.jsonl, row 2: 'label' holds a list.*--separator"):
        refuse_nested(frame, ["text", "label"], tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("begins", "told"),
    [
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"PK\x03\x04", "a spreadsheet"),
        (b"\x1f\x8b", r"\.gz"),
        (b"Rar!", "unpack"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, begins: bytes, told: str) -> None:
    with pytest.raises(UserError, match=rf"a\.csv is no table of text but .*{told}"):
        read_table(write(tmp_path / "a.csv", begins + bytes(range(256)) * 9))
