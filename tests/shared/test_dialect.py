"""The bytes of a table: which encoding they are in."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dialect import ONE, TWO, OneCharacter, text_of
from shared.errors import UserError
from shared.tables import read_table, told_encoding
from tests.shared.test_tables import write

CHINESE = "标签,评论\n" + "好,房间很大而且非常干净\n坏,服务员的态度实在太差了\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"])
def test_chinese_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    frame = read_table(write(tmp_path / "a.csv", CHINESE, encoding), text=True)
    assert list(frame.columns) == ["标签", "评论"] and frame["评论"][0] == "房间很大而且非常干净"


@pytest.mark.parametrize(
    ("words", "encoding", "said"),
    [
        ("café très bon, créée", "cp1252", "Western"),
        ("größe und maß", "cp1252", "Western"),
        ("очень хороший film", "cp1251", "Cyrillic"),
        ("Ёлка; Їжак і ґанок", "cp1251", "Cyrillic"),
        ("これは良い映画です", "cp932", "Japanese"),
        ("カメラとレンズ", "cp932", "Japanese"),
        ("房间很大而且非常干净", "gb18030", "Chinese"),
        ("größe", "utf-8", ""),
        ("これは良い映画です", "utf-16", ""),
    ],
)
def test_letters_of_one_alphabet_read_and_a_guess_is_told(tmp_path: Path, words: str, encoding: str, said: str) -> None:
    path = write(tmp_path / "a.csv", f'text,label\n"{words}",1\nplain,0\n', encoding)
    assert read_table(path, text=True)["text"][0] == words
    assert [said in note for note in told_encoding(path)] == [True] * bool(said)


def test_a_broken_byte_among_utf8_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    content = ("text,label\n" + "größe und maß,1\n" * 30).encode() + b"bad \xff byte,0\n"
    frame = read_table(write(tmp_path / "a.csv", content), text=True)
    assert frame["text"][0] == "größe und maß" and frame["text"].iloc[-1] == "bad � byte"


def test_null_bytes_among_broken_ones_are_not_utf16(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\n" + b"a\0b fi\xfflm\xc3,x\n" * 40)
    assert list(read_table(path, text=True)["label"]) == ["x"] * 40


def test_colons_stay_where_two_of_them_separate(tmp_path: Path) -> None:
    path = write(tmp_path / "movies.dat", '1::"Cats" Live: Part II::Drama\n2::Alien::Horror\n' * 3)
    assert read_table(path, text=True).iloc[0].tolist() == ["1", '"Cats" Live: Part II', "Drama"]
    some = read_table(path, text=True, columns={"column_2": "str"})
    assert some["column_2"].tolist() == ['"Cats" Live: Part II', "Alien"] * 3


@pytest.mark.parametrize("head", ["size;age;price\n", ""])
@pytest.mark.parametrize("row", ["{},5;{},25;{},125", "{};{},25;{},125", "{},5;x;{},5"])
def test_semicolons_part_cells_whose_commas_are_decimal(tmp_path: Path, head: str, row: str) -> None:
    path = write(tmp_path / "a.csv", head + "\n".join(row.format(i, 2 * i, 3 * i) for i in range(10, 40)) + "\n")
    frame = read_table(path)
    assert frame.shape == (30, 3) and frame.iloc[0, 0] == (10 if row.startswith("{};") else 10.5)


def test_commas_part_cells_that_hold_semicolons(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,tags,n\n" + "".join(f"{i},a;b,{i}\n" for i in range(30)))
    assert read_table(path).shape == (30, 3)
    path = write(tmp_path / "b.csv", "".join(f"1,5,2;3,{i}\n" for i in range(30)))
    assert read_table(path).shape == (30, 4)


@given(text=st.text(":a\n", max_size=40), sizes=st.lists(st.integers(1, 5), min_size=1))
def test_a_separator_cut_in_two_by_reading_is_one(text: str, sizes: list[int]) -> None:
    file, read = OneCharacter(io.StringIO(text)), ""
    for size in sizes:
        read += file.read(size)
    assert read + file.read() == "".join(OneCharacter(io.StringIO(text))) == text.replace(TWO, ONE)


def test_line_breaks_and_tabs_in_quoted_cells_of_tab_separated_tables_stay(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["plain"] * 300 + ["two\nlines", "a\ttab", 'says "hi"\nand goes'], "label": "a"})
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.tsv", text=True), frame)


def test_letters_beyond_ascii_that_come_late_are_read_and_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "a plain text,1\n" * 30_000 + "un café créé,0\n", "cp1252")
    assert read_table(path, text=True)["text"].iloc[-1] == "un café créé"
    assert len(told_encoding(path)) == 1


def test_the_first_letter_beyond_ascii_alone_does_not_tell_the_encoding(tmp_path: Path) -> None:
    late = b"it\x92s one,0\n" + b"a plain text,1\n" * 20_000 + "größe und maß,0\n".encode() * 30
    path = write(tmp_path / "a.csv", b"text,label\n" + b"a plain text,1\n" * 20_000 + late)
    assert read_table(path, text=True)["text"].iloc[-1] == "größe und maß" and not told_encoding(path)


def test_addresses_do_not_tell_that_points_part_thousands(tmp_path: Path) -> None:
    rows = "".join(f"101.1{i}.120.254\t52.1{i}\n" for i in range(10, 40))
    assert read_table(write(tmp_path / "a.tsv", "ip\tlatitude\n" + rows))["latitude"][0] == 52.110


@pytest.mark.parametrize("amount", ["1.234,5{}", "1,234,5{}0", "-1.234.567,{}"])
def test_semicolons_part_amounts_of_thousands(tmp_path: Path, amount: str) -> None:
    path = write(tmp_path / "a.csv", "sum;n\n" + "".join(f"{amount.format(i % 10)};{i}\n" for i in range(30)))
    assert read_table(path).shape == (30, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_standard_input_reads_as_a_file_does(tmp_path: Path, encoding: str) -> None:
    words = "un café créé\nune soirée à Orléans\n"
    with (tmp_path / "a.txt").open("w", encoding=encoding) as file:
        file.write(words)
    with (tmp_path / "a.txt").open(encoding="utf-8") as stream:
        assert text_of(stream).read() == words
        with pytest.raises(UserError, match="twice"):
            text_of(stream)
    assert text_of(io.StringIO(words)).read() == words
