"""The small parts of the core: recipe, labels, loaders, head, weights."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional as F

from shared.errors import UserError
from shared.head import LinearHead
from shared.labels import Labels
from shared.loaders import WIDTHS, Loader, Tensors, batches, rounded
from shared.loaders import some as some_rows
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


@pytest.mark.parametrize("rows", [60, 3000])
def test_head_tells_how_it_answers_rows_that_it_had_not_seen(rows: int) -> None:
    """Of noise nothing can be learnt: answers to rows that a fit had seen would be right more often."""
    torch.manual_seed(0)
    features, targets = torch.randn(rows, 50), torch.arange(rows) % 2
    none = (features[:0], targets[:0])
    _, (outputs, held) = LinearHead(50, 2).fit((features, targets), none, F.cross_entropy, 0)
    assert len(outputs) == len(held) == (60 if rows == 60 else 1200)  # enough rows of the five parts
    assert (outputs.argmax(1) == held).float().mean() < 0.6


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
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("GLANCE_WEIGHTS", f"~/{tmp_path.name}")
    assert find("auto", ["net"], nowhere, nowhere)[0] == weights


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
        assert not reachable(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_hub_is_asked_at_its_own_port_or_by_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # never listening
        here, nobody = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (server, closed))
        monkeypatch.setenv("HF_ENDPOINT", f"{here}/mirror")
        assert reachable()
        monkeypatch.setenv("http_proxy", nobody)
        assert not reachable()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert reachable()
        monkeypatch.setenv("https_proxy", here.removeprefix("http://"))
        assert reachable("https://hub.invalid")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:port")
    assert not reachable()


def test_loader_made_anew_takes_the_rows_in_the_order_that_it_tells() -> None:
    inputs = Tensors(torch.arange(6.0))
    inputs.lengths = torch.tensor([5, 900, 3, 800, 1, 2])
    loader = Loader(Data(inputs, torch.arange(6), torch.ones(6)), 2, seed=1)
    taken = torch.cat([targets for _, targets in loader.new(shuffle=False, drop_last=False)])
    assert taken.tolist() == loader.get_idxs() == [4, 5, 2, 0, 3, 1]
    assert len(next(iter(loader.new(shuffle=True)))) == 3  # with the weights of training


def test_weights_end_a_training_batch_only() -> None:
    data = Data(Tensors(torch.arange(4.0)), torch.zeros(4), torch.arange(4.0))
    numbers, _, weights = next(iter(Loader(data, 4, seed=1)))
    assert torch.equal(numbers, weights) and len(next(iter(Loader(data, 4)))) == 2


def test_some_rows_of_a_split_keep_their_weights() -> None:
    values = torch.arange(8.0)
    few = some_rows(Data(Tensors(values), values, values), 3, seed=0)
    assert len(few) == 3 and few.weights is not None
    assert few.inputs.batch(torch.arange(3))[0].equal(few.weights) and few.targets.equal(few.weights)
