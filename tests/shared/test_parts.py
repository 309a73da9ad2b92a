"""The small parts of the core: recipe, labels, loaders, head, weights, answers, display, metrics."""

from __future__ import annotations

import csv
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional as F

from shared.answers import write_csv
from shared.display import Display, Forecast, metric_rows, number
from shared.errors import UserError
from shared.head import LinearHead
from shared.labels import Labels
from shared.loaders import WIDTHS, Loader, Tensors, batches, rounded
from shared.metrics import Classification, Regression, classification_metrics, regression_metrics
from shared.precision import bfloat16_ratio, resolve, resolve_device
from shared.protocol import Data
from shared.weights import find, reachable
from tests.tiny import TinyRecipe


def test_recipe_takes_presets_then_given() -> None:
    assert TinyRecipe.make({"epochs": "7"}).epochs == 7
    assert TinyRecipe.make({"frozen_epochs": None}).frozen_epochs is None
    assert TinyRecipe.make({"seed": 2**32 - 1, "ema": 0.999, "valid_fraction": 0}).seed == 2**32 - 1


@pytest.mark.parametrize(
    "given_dials",
    [
        {"epoch": 3},
        {"epochs": -1},
        {"epochs": "many"},
        {"epochs": 10**20},
        {"epochs": float("inf")},
        {"preset": "worst"},
        {"precision": "fp8"},
        {"lr": "inf"},
        {"lr": "nan"},
        {"seed": 2**32},
        {"ema": 1},
        {"valid_fraction": 1},
        {"test_fraction": 5},
    ],
)
def test_wrong_dial_is_said(given_dials: dict[str, object]) -> None:
    with pytest.raises(UserError):
        TinyRecipe.make(given_dials)


def test_labels_count_in_numbers_order() -> None:
    labels = Labels.fit(np.array(["10", "9", "x", "9"]))
    assert labels.names == ("9", "10", "x") and labels.counts == (2, 1, 1)
    assert Labels.from_state(json.loads(json.dumps(labels.state()))) == labels


def test_unseen_label_is_named_with_its_count_and_first_row() -> None:
    said = r"'c' \(2 rows, the first is labelled row 3\), 'd' \(labelled row 2\)\. Known"
    with pytest.raises(UserError, match=said):
        Labels.fit(np.array(["a", "b"])).encode(np.array(["a", "d", "c", "c"]))


@pytest.mark.parametrize("targets", [[], ["a", "a"]])
def test_fewer_than_two_classes_is_said(targets: list[str]) -> None:
    with pytest.raises(UserError, match="two classes"):
        Labels.fit(np.array(targets))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 900), max_size=300), st.integers(1, 40), st.booleans())
def test_batches_hold_every_row_once_within_the_budget(lengths: list[int], size: int, shuffled: bool) -> None:
    order = torch.Generator().manual_seed(0) if shuffled else None
    cut = batches(len(lengths), size, torch.tensor(lengths, dtype=torch.long), order)
    assert sorted(int(row) for rows in cut for row in rows) == list(range(len(lengths)))
    for rows in cut:
        cells = len(rows) * rounded(max(lengths[int(row)] for row in rows))
        assert len(rows) <= size and (len(rows) == 1 or cells <= size * 128)


@given(st.integers(1, 100_000))
def test_widths_of_batches_are_few_and_near(length: int) -> None:
    width = rounded(length)
    assert length <= width < length * (1 + 1 / WIDTHS) and rounded(width) == width
    assert len({rounded(n) for n in range(129, 257)}) == WIDTHS


def test_loader_repeats_its_order_by_pass_and_merges_a_single_row() -> None:
    data = Data(Tensors(torch.arange(9.0)), torch.arange(9))
    first, second = Loader(data, 4, seed=3), Loader(data, 4, seed=3)
    orders = [[y.tolist() for _, y in first] for _ in range(2)]
    assert orders[0] != orders[1] and [[y.tolist() for _, y in second] for _ in range(2)] == orders
    assert min(len(batch) for batch in orders[0]) > 1


@pytest.mark.parametrize("valid_rows", [0, 1200])
def test_head_finds_a_linear_rule_whatever_the_scale(valid_rows: int) -> None:
    torch.manual_seed(0)
    features = torch.randn(1600, 8) * torch.logspace(-3, 3, 8) + 5
    targets = (((features - 5) / torch.logspace(-3, 3, 8)).sum(1) > 0).long()
    head = LinearHead(8, 2)
    cut = 1600 - valid_rows
    head.fit((features[:400], targets[:400]), (features[cut:], targets[cut:]), F.cross_entropy, 0)
    assert (head(features[400:]).argmax(1) == targets[400:]).float().mean() > 0.95


def test_scipys_blas_does_not_spin_beside_torch_while_a_head_is_fitted() -> None:
    """A spinning BLAS on torch's cores made a fit take 4 to 14 times as long on two of them."""

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(threads())
        return F.cross_entropy(outputs, targets)

    seen: list[list[int]] = []
    with threadpool_limits(2, "blas"):
        before = threads()
        LinearHead(2, 2).fit((torch.eye(2).repeat(8, 1), torch.arange(16) % 2), (torch.empty(0, 2),) * 2, loss, 0)
        assert threads() == before
    assert seen and set(sum(seen, [])) <= {1}


def test_metrics_are_the_textbooks() -> None:
    found = classification_metrics(np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75 and found["auc"] == 1.0
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert regression_metrics(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == {"rmse": pytest.approx(2**0.5), "mae": 1.0}


def test_regression_clamps_to_the_span() -> None:
    objective = Regression(10.0, 2.0, (5.0, 12.0))
    assert objective.values(torch.tensor([0.0, 9.0, -9.0])).tolist() == [10.0, 12.0, 5.0]


def test_class_weights_take_the_networks_bfloat16() -> None:
    objective = Classification(Labels(("a", "b"), (3, 1)), class_weights="auto")
    outputs, targets = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([0, 1])
    assert objective.loss(outputs.bfloat16(), targets) == objective.loss(outputs, targets)


def test_precision_is_measured() -> None:
    assert bfloat16_ratio("cpu") > 0 and resolve("fp32", "cpu") == "fp32" and resolve("auto", "cpu") in ("fp32", "bf16")


@pytest.mark.parametrize("device", ["foo", "cuda:99", "cpu:7", "meta"])
def test_device_that_is_not_there_is_said(device: str) -> None:
    with pytest.raises(UserError, match=f"{device}.*there are: cpu"):
        resolve_device(device)
    assert resolve_device("cpu") == "cpu" and resolve_device("auto") in ("cpu", "cuda")


def nowhere(name: str) -> None:
    return None


def test_weights_are_found_by_name_in_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"")
    monkeypatch.setenv("GLANCE_WEIGHTS", str(tmp_path))
    weights, said = find("auto", ["other", "net"], nowhere, nowhere)
    assert weights and weights.path == tmp_path / "net.safetensors" and "GLANCE_WEIGHTS" in said


def test_weights_named_and_nowhere_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="no weights 'x'"):
        find("x", [], nowhere, lambda name: f"someone/{name}")


def test_weights_auto_and_nowhere_train_from_scratch_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    weights, said = find("auto", ["x"], nowhere, lambda name: f"someone/{name}")
    assert weights is None and "from scratch" in said


def test_a_folder_of_weights_without_its_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UserError, match="has no config.json"):
        find(str(tmp_path), [], nowhere, nowhere)


def test_weights_that_can_run_code_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"")
    with pytest.raises(UserError, match="safetensors only"):
        find(str(tmp_path / "net.pt"), [], nowhere, nowhere)


def test_closed_network_is_known_at_once() -> None:
    with socket.socket() as taken:  # bound, never listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        assert not reachable("127.0.0.1", taken.getsockname()[1])


def test_csv_of_answers_is_flat_and_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert write_csv([{"input": "x", "prediction": "a", "probabilities": {"a": 0.9, "b": 0.1}}], path) == 1
    assert path.read_text().splitlines() == ["input,prediction,probabilities.a,probabilities.b", "x,a,0.9,0.1"]

    def failing() -> Iterator[dict[str, str]]:
        yield {"input": "y"}
        raise UserError("unreadable")

    with pytest.raises(UserError):
        write_csv(failing(), path)
    assert path.read_text().endswith("x,a,0.9,0.1\n") and [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("place", [0, 1])
def test_csv_of_answers_has_the_columns_of_all(tmp_path: Path, place: int) -> None:
    answers = [{"input": "x", "prediction": "a", "probabilities": {"a": 0.9}}]
    answers.insert(place, {"input": "y", "prediction": None, "probabilities": {}, "error": "broken,\nfile"})
    write_csv(answers, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = {row["input"]: (row["prediction"], row["probabilities.a"], row["error"]) for row in rows}
    assert told == {"x": ("a", "0.9", ""), "y": ("", "", "broken,\nfile")}


def test_only_faults_of_writing_are_blamed_on_the_place_of_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Iterator[dict[str, str]]:
        yield {"input": "y"}
        raise OSError(36, "File name too long")

    with pytest.raises(OSError, match="too long"):
        write_csv(unreadable(), tmp_path / "a.csv")
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "nowhere" / "a.csv", tmp_path, Path(".")):
        with pytest.raises(UserError, match="--csv"):
            write_csv([{"input": "y"}], place)
    assert not list(tmp_path.iterdir())


def test_display_writes_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    display = Display(stream=stream)
    display.progress("epoch", 1, 2)
    display.say("done")
    display.table(metric_rows({"a": 0.5, "b": 12345.6}, {"a": 0.1, "other:b": 7}, "a"))
    assert "\r" not in stream.getvalue() and "\033" not in stream.getvalue()
    assert stream.getvalue().startswith("done\n") and "12,346" in stream.getvalue()


def test_quiet_display_still_warns() -> None:
    stream = io.StringIO()
    display = Display(quiet=True, stream=stream)
    display.say("nothing")
    display.warn("something")
    assert stream.getvalue() == "warning: something\n"


def test_numbers_read_well() -> None:
    assert [number(v) for v in (0.12345, 12.3456, 123456.7)] == ["0.1235", "12.35", "123,457"]


def test_time_is_foretold_once_and_only_when_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for a_step, said in ((0.5, "train: about 8 min more at most\n"), (0.001, "")):
        moments = iter(i * a_step for i in range(100))
        monkeypatch.setattr("shared.display.time.monotonic", lambda moments=moments: next(moments))
        shown = io.StringIO()
        forecast = Forecast(Display(stream=shown), "train")
        for left in range(1000, 960, -1):
            forecast.step(left)
        assert shown.getvalue() == said


def test_weights_end_a_training_batch_only() -> None:
    data = Data(Tensors(torch.arange(4.0)), torch.zeros(4), torch.arange(4.0))
    numbers, _, weights = next(iter(Loader(data, 4, seed=1)))
    assert torch.equal(numbers, weights) and len(next(iter(Loader(data, 4)))) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 10**6), st.booleans())
def test_class_metrics_are_those_of_scikit_learn(classes: int, seed: int, ties: bool) -> None:
    from sklearn import metrics as sk

    draws = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), draws.integers(0, classes, 17)])
    scores = draws.random((len(targets), classes)) ** 3
    scores = scores.round(1) + 0.1 if ties else scores
    probabilities = scores / scores.sum(1, keepdims=True)
    found, predicted = classification_metrics(probabilities, targets), probabilities.argmax(1)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(targets, predicted, average="macro", zero_division=0))
    areas = [sk.roc_auc_score(targets == k, probabilities[:, k]) for k in range(classes)]
    assert found["auc"] == pytest.approx(areas[1] if classes == 2 else np.mean(areas))
