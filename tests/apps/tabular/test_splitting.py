"""Groups stay together, the latest rows are the test, rows weigh what they should, and faults are said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.tabular.app import APP
from apps.tabular.objective import MemberClassification, MemberRegression
from apps.tabular.parts import held_out
from apps.tabular.recipe import TabularRecipe
from apps.tabular.targets import NumberTarget
from shared.errors import UserError
from shared.labels import Labels
from shared.loaders import Tensors
from shared.predict import Given
from shared.protocol import Data, Splits


def table(path: Path, rows: int = 200) -> Path:
    draws = np.random.default_rng(0)
    lines = ["person,day,size,counts,left,t"]
    for i in draws.permutation(rows):
        lines.append(f"p{i // 8},2020-{1 + i // 28 % 12:02}-{1 + i % 28:02},{i * 1.5},{i % 3},{i % 5},{'ab'[i % 2]}")
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, **dials: object) -> Splits:
    return APP.read(table(path / "t.csv"), TabularRecipe.make(dials), None, None)


def test_a_group_stands_in_one_part_only(tmp_path: Path) -> None:
    splits = read(tmp_path, group="person")
    parts = [set(part.inputs["person"]) for part in (splits.train, splits.valid, splits.test)]
    assert all(parts) and not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert len(splits.test) in range(12, 33)
    encoded = APP.fit(splits.train, splits.recipe).encode(splits.train.inputs)
    cut = held_out(Data(encoded, torch.zeros(len(encoded))), TabularRecipe(group="person", folds=3))
    people = [set(splits.train.inputs["person"][rows.numpy()]) for rows in cut]
    assert sum(map(len, cut)) == len(encoded) and sum(map(len, people)) == len(set.union(*people))


@pytest.mark.parametrize("seed", range(4))
def test_a_group_of_most_rows_is_trained_on(tmp_path: Path, seed: int) -> None:
    lines = "".join(f"s{0 if i % 10 else i // 10},{i},{'ab'[i % 2]}\n" for i in range(200))
    (tmp_path / "t.csv").write_text("site,x,t\n" + lines)
    splits = APP.read(tmp_path / "t.csv", TabularRecipe.make({"group": "site", "seed": seed}), None, None)
    assert "s0" in splits.train.inputs["site"] and len(splits.train) > 180 and len(splits.test)


def test_there_are_no_more_folds_than_groups(tmp_path: Path) -> None:
    lines = "".join(f"s{i % 2},{i},{'ab'[i % 2 ^ (i > 60)]}\n" for i in range(120))
    (tmp_path / "t.csv").write_text("site,x,t\n" + lines)
    splits = APP.read(tmp_path / "t.csv", TabularRecipe.make({"group": "site"}), None, None)
    assert set(splits.train.inputs["site"]) in ({"s0"}, {"s1"}) and splits.recipe.folds == 1
    assert any(note.startswith("folds: 1, for 'site'") for note in splits.notes)


def test_groups_of_given_parts_that_training_has_are_told(tmp_path: Path) -> None:
    for part, people in (("train", range(60)), ("test", range(40, 80))):
        lines = "".join(f"p{i},{i * i % 17},{'ab'[i % 2]}\n" for i in people for _ in range(2))
        (tmp_path / f"{part}.csv").write_text("person,x,t\n" + lines)
    notes = APP.read(tmp_path, TabularRecipe.make({"group": "person"}), None, None).notes
    assert any(re.match(r"\d+ of 40 values of 'person' in the test rows also stand in the training", n) for n in notes)
    assert not any("also stand" in note for note in read(tmp_path, group="person").notes)


def test_the_latest_rows_are_the_test(tmp_path: Path) -> None:
    splits = read(tmp_path, time="day")
    days = [part.inputs["day"] for part in (splits.train, splits.valid, splits.test)]
    assert [len(part) for part in days] == [160, 20, 20]
    assert max(days[0]) <= min(days[1]) and max(days[1]) <= min(days[2])


def in_order(path: Path, times: list[object], **dials: object) -> Splits:
    """A table of rows at these times, split by them."""
    shuffled = np.random.default_rng(0).permutation(len(times))
    path.write_text("time,x,t\n" + "".join(f"{times[i]},{i * i % 17},{'ab'[i % 2]}\n" for i in shuffled))
    return APP.read(path, TabularRecipe.make({"time": "time", **dials}), None, None)


def test_rows_of_one_moment_stand_in_one_part(tmp_path: Path) -> None:
    splits = in_order(tmp_path / "t.csv", [f"2020-{1 + i // 24 // 28:02}-{1 + i // 24 % 28:02}" for i in range(1000)])
    days = [set(part.inputs["time"]) for part in (splits.train, splits.valid, splits.test)]
    assert max(days[0]) < min(days[1]) and max(days[1]) < min(days[2])
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [792, 96, 112]
    assert not any("also stand" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("years", "sizes", "told"),
    [
        ({2018: 300, 2019: 300, 2020: 400}, [500, 100, 400], ["validation"]),
        ({2019: 300, 2020: 690, 2021: 10}, [800, 100, 100], ["validation", "test"]),
    ],
)
def test_moments_that_have_to_be_cut_are_told(
    tmp_path: Path, years: dict[int, int], sizes: list[int], told: list[str]
) -> None:
    splits = in_order(tmp_path / "t.csv", [year for year, rows in years.items() for _ in range(rows)])
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == sizes
    notes = [note for note in splits.notes if "also stand in the training" in note]
    assert len(notes) == len(told) and all(part in note for part, note in zip(told, notes, strict=True))


@pytest.mark.parametrize("time", [7, "", "2020-01-01"])
def test_one_moment_is_nothing_to_split_by(tmp_path: Path, time: object) -> None:
    with pytest.raises(UserError, match="'time' is the same in every row"):
        in_order(tmp_path / "t.csv", [time] * 100)


def test_numbers_that_are_mostly_missing_are_times(tmp_path: Path) -> None:
    splits = in_order(tmp_path / "t.csv", ["" if i < 95 else i for i in range(100)])
    assert sorted(splits.test.inputs["time"]) == [95, 96, 97, 98, 99]


@pytest.mark.parametrize("by", ["time", "group"])
def test_shares_that_leave_nothing_are_refused(tmp_path: Path, by: str) -> None:
    dials = {"time": "time" if by == "time" else None, "group": "time" if by == "group" else None}
    with pytest.raises(UserError, match="leave nothing to learn from"):
        in_order(tmp_path / "t.csv", list(range(100)), valid_fraction=0.95, test_fraction=0.1, **dials)


def test_named_columns_are_left_out(tmp_path: Path) -> None:
    splits = read(tmp_path, ignore="left, day", row_weights="counts", target="t")
    assert set(splits.train.inputs) == {"person", "size"}
    assert splits.train.weights is not None and len(splits.train.weights) == len(splits.train)
    assert set(np.unique(splits.train.weights / splits.train.weights.max()).round(6)) == {0.5, 1}


def test_a_name_with_a_comma_is_quoted_to_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('"size, cm",b,t\n' + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    splits = APP.read(path, TabularRecipe.make({"ignore": '"size, cm"'}), None, None)
    assert set(splits.train.inputs) == {"b"}
    with pytest.raises(
        UserError, match="--ignore 'size' is no column of .*; quote a name that holds a comma; its columns"
    ):
        APP.read(path, TabularRecipe.make({"ignore": "size, cm"}), None, None)


@pytest.mark.parametrize(
    ("dials", "said"),
    [
        ({"group": "nobody"}, "--group 'nobody' is no column"),
        ({"time": "t"}, "--time 't' is the target"),
        ({"ignore": "left,right"}, "--ignore 'right' is no column"),
        ({"time": "person"}, "neither dates nor numbers"),
        ({"time": "day", "group": "person"}, "one of the two"),
        ({"row_weights": "person"}, "'person' in row 1 is no weight"),
    ],
)
def test_fault_of_a_dial_is_said(tmp_path: Path, dials: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, **dials)


def test_a_weight_of_two_counts_as_two_rows() -> None:
    labels = Labels(("a", "b"), (2, 2))
    outputs, targets = torch.randn(3, 4, 2), torch.tensor([0, 1, 1])
    objective = MemberClassification(labels)
    doubled = objective.loss(outputs[[0, 1, 1, 2]], targets[[0, 1, 1, 2]])
    weighed = objective.loss(outputs, targets, torch.tensor([1.0, 2.0, 1.0]) * 3 / 4)
    assert float(weighed) == pytest.approx(float(doubled), abs=1e-6)
    numbers = MemberRegression(NumberTarget(0, 1, -9, 9, -1, 1, 0), intervals=False)
    doubled = numbers.loss(outputs[[0, 1, 1, 2], :, 0], targets[[0, 1, 1, 2]].float())
    weighed = numbers.loss(outputs[..., 0], targets.float(), torch.tensor([1.0, 2.0, 1.0]) * 3 / 4)
    assert float(weighed) == pytest.approx(float(doubled), abs=1e-6)


def test_a_row_that_weighs_more_is_still_answered_best_by_its_own_smoothed_class() -> None:
    objective = MemberClassification(Labels(("a", "b"), (30, 1)), 0.2, "auto")
    outputs = torch.tensor([[0.9, 0.1]]).log().requires_grad_()
    objective.loss(outputs, torch.tensor([0]), torch.tensor([2.0])).backward()
    assert outputs.grad is not None and outputs.grad.abs().max() < 1e-6


def test_epochs_are_chosen_with_the_weights_of_classes() -> None:
    objective = MemberClassification(Labels(("a", "b"), (9, 1)), class_weights="auto")
    rows = Data(Tensors(torch.zeros(10)), torch.tensor([0] * 9 + [1]))
    alike, unlearnt = (torch.tensor([[1 - p, p]]).log().repeat(10, 1) for p in (0.5, 0.1))
    judged = [objective.score(objective.judge(Given(outputs), rows)) for outputs in (alike, unlearnt)]
    assert judged[0] == pytest.approx(np.log(0.5)) and judged[0] > judged[1]


def test_weights_of_classes_and_of_rows_take_the_networks_bfloat16() -> None:
    objective = MemberClassification(Labels(("a", "b"), (3, 1)), class_weights="auto")
    outputs, targets = torch.randn(3, 4, 2).bfloat16(), torch.tensor([0, 1, 1])
    assert objective.loss(outputs, targets, torch.ones(3)) == objective.loss(outputs.float(), targets, torch.ones(3))


def test_folds_are_none_or_fewer_than_rows(tmp_path: Path) -> None:
    assert read(tmp_path, folds=0).recipe.folds == 1
    few = APP.read(table(tmp_path / "t.csv", 30), TabularRecipe.make({"folds": 50}), None, None)
    assert few.recipe.folds == len(few.train) < 30
    with pytest.raises(UserError, match="below 51"):
        TabularRecipe.make({"folds": 1000})
