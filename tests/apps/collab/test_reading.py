"""Reading: every layout and form that interactions come in, and faults named by place and mend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.collab.ids import clean_id
from apps.collab.reading import read_pairs, read_part, read_splits
from apps.collab.recipe import CollabRecipe
from shared.errors import UserError
from shared.protocol import Splits
from tests.apps.collab.patterns import write_likes, write_ratings

ALL = CollabRecipe(test_fraction=0.0)


def read(folder: Path, text: str, recipe: CollabRecipe = ALL, name: str = "ratings.csv") -> Splits:
    path = folder / name
    path.write_text(text)
    return read_splits(path, recipe, None, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "user,item,rating\nu 1,i1,3\nu 1,i2,5\nv,i1,1\n"),
        ("a.csv", "rating,movieId,userId\n3,i1,u 1\n5,i2,u 1\n1,i1,v\n"),
        ("a.dat", "u 1::i1::3::978300760\nu 1::i2::5::978300761\nv::i1::1::978300762\n"),
        ("u.data", "u 1\ti1\t3\t978300760\nu 1\ti2\t5\t978300761\nv\ti1\t1\t978300762\n"),
        ("a.tsv", "who\twhat\thow much\nu 1\ti1\t3\nu 1\ti2\t5\nv\ti1\t1\n"),
        ("a.csv", "u 1,i1,3\nu 1,i2,5\nv,i1,1\n"),
        ("a.csv", ",userId,movieId,rating\n0,u 1,i1,3\n1,u 1,i2,5\n2,v,i1,1\n"),
    ],
)
def test_layouts_are_read_alike(tmp_path: Path, name: str, text: str) -> None:
    splits = read(tmp_path, text, name=name)
    assert splits.train.inputs["user"].tolist() == ["u 1", "u 1", "v"]
    assert splits.train.inputs["item"].tolist() == ["i1", "i2", "i1"]
    assert splits.train.targets.tolist() == [3, 5, 1]
    assert isinstance(splits.recipe, CollabRecipe) and splits.recipe.task == "ratings"


def test_parquet_is_read(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame({"user": [1, 1, 2], "item": [7, 8, 7], "rating": [3.5, 1.0, 5.0]}).to_parquet(tmp_path / "a.parquet")
    splits = read_splits(tmp_path / "a.parquet", ALL, None, None)
    assert splits.train.inputs["user"].tolist() == ["1", "1", "2"] and splits.train.targets.tolist() == [3.5, 1, 5]


def test_ids_too_large_for_floats_stay_apart_beside_a_gap(tmp_path: Path) -> None:
    users = [1_099_511_627_776_000_001, None, 1_099_511_627_776_000_002, 7]
    columns = {"user": pa.array(users, pa.int64()), "item": [1, 2, 1, 2], "rating": [1.0, 2.0, 3.0, 4.0]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    train = read_splits(tmp_path / "a.parquet", ALL, None, None).train
    assert list(train.inputs["user"]) == ["1099511627776000001", "1099511627776000002", "7"]
    lines = [f'{{"user": {user or "null"}, "item": "i{row}", "rating": {row}}}' for row, user in enumerate(users)]
    with pytest.raises(UserError, match="the numbers of user are too large to be exact beside missing ones"):
        read(tmp_path, "\n".join(lines), name="a.jsonl")
    with pytest.raises(UserError, match="user holds '1.09951E.18', a rounded number"):
        read(tmp_path, "user,item,rating\n1.09951E+18,1,3\n7,2,4\n")


def test_ids_stay_as_written(tmp_path: Path) -> None:
    splits = read(tmp_path, "user,item,rating\n007,a b,3\n7,ünï,4\nNA,null,5\n")
    assert splits.train.inputs["user"].tolist() == ["007", "7", "NA"]
    assert splits.train.inputs["item"].tolist() == ["a b", "ünï", "null"]


def test_ids_of_digits_stay_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tables.ROWS", 2)
    splits = read(tmp_path, "user,item,rating\n007,1e3,3\n7,1000,4\n08,+5,5\n7,+5,1\n")
    assert splits.train.inputs["user"].tolist() == ["007", "7", "08", "7"]
    assert splits.train.inputs["item"].tolist() == ["1e3", "1000", "+5", "+5"]
    assert splits.train.targets.tolist() == [3, 4, 5, 1]


def test_columns_are_named_by_dials(tmp_path: Path) -> None:
    recipe = replace(ALL, user="b", item="a", rating="c")
    splits = read(tmp_path, "a,b,c,d\ni,u,1,9\nj,u,2,9\n", recipe)
    assert splits.train.inputs["item"].tolist() == ["i", "j"] and splits.train.targets.tolist() == [1, 2]


def test_what_was_inferred_is_said(tmp_path: Path) -> None:
    notes = " ".join(read(tmp_path, "who,what,stars\nu,i,1\nu,j,2\n").notes)
    assert "user = who" in notes and "rating = stars" in notes and "task: predict stars" in notes


def test_no_rating_column_means_ranking(tmp_path: Path) -> None:
    splits = read_splits(write_likes(tmp_path / "likes.csv"), CollabRecipe(), None, None)
    assert isinstance(splits.recipe, CollabRecipe) and splits.recipe.task == "ranking"
    assert splits.train.targets.shape == (len(splits.train), 2)


@pytest.mark.parametrize(
    ("name", "ratings"), [("stars", "1 1 1 1"), ("x", "5 900 12 3"), ("x", "0.2 901.5 12 3"), ("Play Count", "5 2 2 3")]
)
def test_constant_ratings_and_counts_mean_ranking(tmp_path: Path, name: str, ratings: str) -> None:
    rows = [f"u{i % 2},i{i},{value}" for i, value in enumerate(ratings.split())]
    splits = read(tmp_path, "\n".join([f"user,item,{name}", *rows]))
    assert isinstance(splits.recipe, CollabRecipe) and splits.recipe.task == "ranking"
    assert any("implicit feedback" in note for note in splits.notes)


def test_blanks_separate_cells_too(tmp_path: Path) -> None:
    splits = read(tmp_path, "1 7 3.5\n1  8 0.5\n2 7 4\n", name="ratings.txt")
    assert splits.train.inputs["item"].tolist() == ["7", "8", "7"] and splits.train.targets.tolist() == [3.5, 0.5, 4]


@pytest.mark.parametrize(("ratings", "kept"), [("-1 2 5 10", 3), ("-1 1 1 -1", 4), ("-1 0 4 3", 4), ("-9 -1 3 9", 4)])
def test_minus_one_beside_positive_ratings_is_unrated(tmp_path: Path, ratings: str, kept: int) -> None:
    rows = [f"u{i % 2},i{i},{value}" for i, value in enumerate(ratings.split())]
    assert len(read(tmp_path, "\n".join(["user,item,rating", *rows])).train) == kept


@pytest.mark.parametrize(("zeros", "step", "kept"), [(30, 1, 20), (5, 1, 25), (30, 0.5, 50)])
def test_zero_is_unrated_where_most_rows_have_it_below_whole_numbers(
    tmp_path: Path, zeros: int, step: float, kept: int
) -> None:
    values = [0] * zeros + [1 + step * (i % 9) for i in range(20)]
    rows = [f"u{i % 5},i{i},{value}" for i, value in enumerate(values)]
    assert len(read(tmp_path, "\n".join(["user,item,rating", *rows])).train) == kept


def test_decimal_commas_are_numbers(tmp_path: Path) -> None:
    rows = [f"u{i % 5};i{i};{1 + i % 4},5" for i in range(20)]
    splits = read(tmp_path, "\n".join(["user;item;rating", *rows]))
    assert {*splits.train.targets, *splits.test.targets} == {1.5, 2.5, 3.5, 4.5}


def test_times_without_ratings_are_no_ratings(tmp_path: Path) -> None:
    splits = read(tmp_path, "u,i,978300760\nu,j,978300761\nv,i,978300762\n")
    assert isinstance(splits.recipe, CollabRecipe) and splits.recipe.task == "ranking"
    assert splits.recipe.time == "column_3"


def test_only_liked_rows_are_kept_when_ranking(tmp_path: Path) -> None:
    recipe = replace(ALL, task="ranking", positive=4.0)
    splits = read(tmp_path, "user,item,rating\nu,i,3\nu,j,4\nv,i,5\n", recipe)
    assert splits.train.inputs["item"].tolist() == ["j", "i"]


@pytest.mark.parametrize(
    "times",
    [
        ("978300762", "978300761", "978300760"),
        ("978300762000", "978300761000", "978300760000"),
        ("2001-01-03", "2001-01-02 10:00", "2001-01-01T00:00:00Z"),
        ("05.11.2001", "07.10.2001", "13.2.2001"),
        ("05/11/2001 8:00", "07/10/2001 9:00", "13/02/2001 7:00"),
        ("11/05/2001", "10/07/2001", "02/13/2001"),
    ],
)
def test_of_repeated_pairs_the_last_in_time_is_kept(tmp_path: Path, times: tuple[str, str, str]) -> None:
    text = "user,item,rating,time\n" + "".join(f"u,i,{5 - i},{t}\n" for i, t in enumerate(times)) + "u,j,1,0\n"
    splits = read(tmp_path, text)
    assert splits.train.targets.tolist() == [5, 1]
    assert any("2 rows repeat a user and item" in note for note in splits.notes)


def test_of_repeated_pairs_without_time_the_last_row_is_kept(tmp_path: Path) -> None:
    assert read(tmp_path, "user,item,rating\nu,i,5\nu,j,1\nu,i,2\n").train.targets.tolist() == [1, 2]


def test_incomplete_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    splits = read(tmp_path, "user,item,rating\nu,i,5\n,j,1\nu,,2\nu,k,\nv,i,2\n")
    assert len(splits.train) == 2 and any("3 of 5 rows lack" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("text", "recipe", "said"),
    [
        ("user,item,rating\nu,i,good\nu,j,2\n", replace(ALL, rating="rating"), "row 1: 'good'"),
        ("user,item,rating\nu,i,1\nu,j,inf\n", ALL, "row 2: 'inf'"),
        ("user,item,rating\nu,i,1\nu,j,2\n", replace(ALL, item="movie"), "no column 'movie' for --item"),
        ("user,item\nu,i\nu,j\n", replace(ALL, user="user", item="user"), "'user' is named for --user and --item"),
        ("user\nu\nv\n", ALL, "add the other"),
        ("user,item\nu,i\nv,j\n", replace(ALL, task="ratings"), "no rating column"),
        ("user,item,rating\nu,i,\nu,j,\n", replace(ALL, rating="rating"), "no row has"),
        ("user,item,rating\nu,i,1\nu,j,2\n", replace(ALL, task="ranking", positive=9.0), "lower --positive"),
        ("user,item\nu,i\nv,j\n", replace(ALL, positive=1.0), "no rating column for --positive"),
        ("user,item,rating\nu,i,1\nu,j,2\n", replace(ALL, positive=2.0), "add --task ranking"),
        ("user,item,rating,time\nu,i,1,soon\nu,j,2,2001-01-01\n", ALL, "row 1 of time: 'soon' is no time"),
        ("user,item,rating\nu,i,1\nu,j,2\n", replace(ALL, split="last", test_fraction=0.5), "--time"),
        ("user,item\nu,i\nu,j\n", replace(ALL, valid_fraction=0.5, test_fraction=0.5), "nothing to learn from"),
        ("user,item,rating\n" + "u,i,1\n" * 40 + 'u,"j,2\n', ALL, "quotation mark"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, recipe: CollabRecipe, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, text, recipe)


def test_late_word_among_times_is_read_or_named(tmp_path: Path) -> None:
    rows = "\n".join(f"u{i % 7},i{i},{i % 5},{978300760 + i}" for i in range(2000))
    assert len(read(tmp_path, f"user,item,rating,time\n{rows}\nu,i,1,2001-01-01\n").train) == 2001
    with pytest.raises(UserError, match="row 2001 of time: 'soon'"):
        read(tmp_path, f"user,item,rating,time\n{rows}\nu,i,1,soon\n")


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    rows = [f"用户{i % 7},电影第{i}部很好看,{i % 5}" for i in range(40)]
    (tmp_path / "a.csv").write_bytes("\n".join(["user,item,rating", *rows]).encode(encoding))
    splits = read_splits(tmp_path / "a.csv", ALL, None, None)
    assert splits.train.inputs["user"][0] == "用户0" and len(splits.train) == 40


def test_split_is_repeatable_and_everyone_keeps_training_rows(tmp_path: Path) -> None:
    path = write_ratings(tmp_path / "ratings.csv")
    first, again = (read_splits(path, CollabRecipe(valid_fraction=0.1), None, None) for _ in range(2))
    assert first.test.inputs["item"].tolist() == again.test.inputs["item"].tolist()
    assert (len(first.train), len(first.valid), len(first.test)) == (960, 120, 120)
    assert set(first.test.inputs["user"]) <= set(first.train.inputs["user"])
    pairs = [set(zip(part.inputs["user"], part.inputs["item"], strict=True)) for part in (first.train, first.test)]
    assert not pairs[0] & pairs[1]


def test_last_in_time_is_held_out(tmp_path: Path) -> None:
    path = write_ratings(tmp_path / "ratings.csv")
    splits = read_splits(path, CollabRecipe(split="last", test_fraction=0.1), None, None)
    train, test = splits.train.inputs, splits.test.inputs
    for user in ("user 0", "user 59"):
        assert train["time"][train["user"] == user].max() < test["time"][test["user"] == user].min()


def test_one_row_a_user_leaves_nothing_to_test(tmp_path: Path) -> None:
    splits = read(tmp_path, "user,item,rating\nu,i,1\nv,j,2\nw,i,2\n", CollabRecipe())
    assert (len(splits.train), len(splits.test)) == (3, 0)


def test_folder_with_parts_is_read_by_parts(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("user,item,rating\nu,i,1\nu,j,2\n")
    (tmp_path / "test.csv").write_text("user,item,rating\nu,k,3\n")
    splits = read_splits(tmp_path, CollabRecipe(), None, None)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (2, 0, 1)


def test_folder_as_published_is_read(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("u\ti\t1\t978300760\nu\tj\t2\t978300760\n")
    (tmp_path / "u.item").write_text("i|Toy Story\n")
    (tmp_path / "README").write_text("about")
    assert len(read_splits(tmp_path, ALL, None, None).train) == 2


def test_given_test_and_no_valid(tmp_path: Path) -> None:
    path = write_ratings(tmp_path / "a.base")
    write_ratings(tmp_path / "a.test", seed=1)
    assert "stands beside" in " ".join(read_splits(path, CollabRecipe(), None, None).notes)
    splits = read_splits(path, CollabRecipe(), "none", tmp_path / "a.test")
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (1200, 0, 1200)


def test_ids_are_cleaned_alike() -> None:
    assert [clean_id(value) for value in (7, 7.0, " 7", None, float("nan"))] == ["7", "7", "7", "", ""]


@pytest.mark.parametrize("header", ["age,plan,rating", "who,what,rating"])
def test_columns_are_guessed_in_training_alone(tmp_path: Path, header: str) -> None:
    recipe = read(tmp_path, "user,item,rating\nu,i,1\nu,j,2\nv,i,5\n").recipe
    assert isinstance(recipe, CollabRecipe)
    other = tmp_path / "other.csv"
    other.write_text(f"{header}\n30,basic,1\n40,gold,2\n")
    for reader in (read_part, read_pairs):
        with pytest.raises(UserError, match=f"no column 'user' for the users.*{header.split(',')[0]}"):
            reader(other, recipe)
    other.write_text("item_id,customer,stars\ni,u,1\nj,u,2\n")
    assert read_part(other, recipe).inputs["item"].tolist() == read_pairs(other, recipe)["item"].tolist() == ["i", "j"]
    other.write_text("u,i,1\nu,j,2\n")
    assert read_part(other, recipe).inputs["item"].tolist() == ["i", "j"]


def test_a_number_that_is_called_no_rating_is_none(tmp_path: Path) -> None:
    recipe = read(tmp_path, "user,item,rating\nu,i,1\nu,j,2\nv,i,5\n").recipe
    assert isinstance(recipe, CollabRecipe)
    (tmp_path / "other.csv").write_text("user,item,zip\nu,i,3\nu,j,4\n")
    with pytest.raises(UserError, match="no rating column 'rating'"):
        read_part(tmp_path / "other.csv", recipe)


def test_rows_left_out_of_what_is_measured_are_told(tmp_path: Path) -> None:
    recipe = read(tmp_path, "user,item,rating\nu,i,1\nu,j,2\nv,i,5\n").recipe
    assert isinstance(recipe, CollabRecipe)
    (tmp_path / "other.csv").write_text("user,item,rating\nu,i,\nu,j,2\nu,j,3\n")
    said = " ".join(read_part(tmp_path / "other.csv", recipe).notes)
    assert "1 of 3 rows lack a user, item or rating" in said and "1 rows repeat a user and item" in said


def test_ranking_with_no_row_held_out_is_told(tmp_path: Path) -> None:
    notes = read(tmp_path, "user,item\nu,i\nu,j\nv,i\n").notes
    assert "no row is held out: what lists find cannot be measured, and stands as 0 below" in notes
