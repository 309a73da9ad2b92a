"""AWD-LSTM: fastai's network out of fastai's files, which are read and never run; from scratch by the same command."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from apps.text.app import APP
from apps.text.awd_lstm import SPECIAL, fit_tokenizer, read_weights
from apps.text.encoder import build, layer_groups, read_spec, width
from apps.text.plan import plan
from apps.text.tokens import Tokens
from shared.errors import UserError
from shared.model import load
from shared.run import Options, train
from shared.weights import Weights
from tests.apps.text.writing import BAD, FILLER, GOOD, sentences, write_csv

WORDS = [*SPECIAL, *GOOD, *BAD, *FILLER]
SIZES = {
    "emb_sz": 12,
    "n_hid": 20,
    "n_layers": 3,
    "pad_token": 1,
    "bidir": False,
    "tie_weights": True,
    "out_bias": True,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A language model as fastai saves it."""
    from fastai.text.models.awdlstm import AWD_LSTM
    from fastai.text.models.core import get_language_model

    dropouts = {f"{name}_p": 0.1 for name in ("output", "hidden", "input", "embed", "weight")}
    torch.manual_seed(0)
    made = get_language_model(AWD_LSTM, len(WORDS), config=SIZES | dropouts)
    found = tmp_path / "wt"
    found.mkdir()
    torch.save(made.state_dict(), found / "lstm_fwd.pth")
    (found / "itos.pkl").write_bytes(pickle.dumps(WORDS))
    return found


def weights(folder: Path) -> Weights:
    return Weights("awd_lstm", folder, f"at {folder}")


def test_its_states_are_those_of_fastai(folder: Path) -> None:
    from fastai.text.models.awdlstm import AWD_LSTM

    theirs = AWD_LSTM(len(WORDS), 12, 20, 3)
    saved = torch.load(folder / "lstm_fwd.pth", weights_only=True)
    named = {name.removeprefix("0."): tensor for name, tensor in saved.items() if name.startswith("0.")}
    theirs.load_state_dict(named, strict=False)
    theirs.eval().reset()
    spec = read_spec(weights(folder), [])
    ours = build(spec, 0.1, weights(folder)).eval()
    tokens = torch.tensor([[2, 9, 14, 20], [2, 11, 20, 21]])
    assert torch.allclose(ours.network(tokens, torch.ones_like(tokens)).last_hidden_state, theirs(tokens), atol=1e-6)
    assert width(spec) == 36


def test_words_keep_their_places_and_new_ones_begin_as_the_mean(folder: Path) -> None:
    spec = read_spec(weights(folder), ["an unheard film"] * 3)
    vocabulary = json.loads(spec.tokenizer)["model"]["vocab"]
    known = torch.load(folder / "lstm_fwd.pth", weights_only=True)["0.encoder.weight"]
    found = build(spec, 0.1, weights(folder)).network.embedding.weight
    assert list(vocabulary)[: len(WORDS)] == WORDS and torch.equal(found[: len(WORDS)], known)
    assert torch.allclose(found[vocabulary["unheard"]], known.mean(0))


def test_words_from_json_and_tensors_from_safetensors_do_as_well(folder: Path) -> None:
    state = torch.load(folder / "lstm_fwd.pth", weights_only=True)
    (folder / "itos.pkl").unlink()
    (folder / "itos.json").write_text(json.dumps(WORDS))
    before = build(read_spec(weights(folder), []), 0.1, weights(folder)).network.state_dict()
    (folder / "lstm_fwd.pth").unlink()
    save_file({name: tensor.clone() for name, tensor in state.items()}, folder / "lstm.safetensors")
    after = build(read_spec(weights(folder), []), 0.1, weights(folder)).network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


class Boom:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("boom"),)


@pytest.mark.parametrize("name", ["itos.pkl", "lstm_fwd.pth"])
def test_files_that_would_run_code_are_refused(
    folder: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (folder / name).write_bytes(pickle.dumps([*WORDS[:-1], Boom()]))
    with pytest.raises(UserError, match="not read"):
        read_weights(folder)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "itos.pkl").unlink(), "exactly one"),
        (lambda folder: (folder / "itos.pkl").write_bytes(pickle.dumps(WORDS[:-1])), "not of one model"),
        (lambda folder: (folder / "itos.pkl").write_bytes(b"none"), "damaged"),
        (lambda folder: torch.save({"a": torch.zeros(1)}, folder / "lstm_fwd.pth"), "not the weights of an AWD-LSTM"),
    ],
)
def test_a_broken_language_model_is_one_message(folder: Path, damage: object, said: str) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(UserError, match=said) as caught:
        read_weights(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b'["a", ', b"\xff\xfe\x00", b"7", b"null", b'{"itos": 7}', b'"xxunk"', b"[" * 100_000, b'[["a"]]'],
)
def test_damaged_words_are_one_message(folder: Path, content: bytes) -> None:
    (folder / "itos.pkl").unlink()
    (folder / "itos.json").write_bytes(content)
    with pytest.raises(UserError, match="itos.json is no list of words"):
        read_spec(weights(folder), [])


@pytest.mark.parametrize("name", ["0.encoder.weight", "0.rnns.0.weight_hh_l0_raw"])
def test_weights_of_another_shape_are_one_message(folder: Path, name: str) -> None:
    state = torch.load(folder / "lstm_fwd.pth", weights_only=True)
    torch.save({**state, name: torch.zeros(len(WORDS))}, folder / "lstm_fwd.pth")
    with pytest.raises(UserError, match="not the weights of an AWD-LSTM"):
        read_spec(weights(folder), [])


def test_texts_are_cut_and_marked_as_in_fastai() -> None:
    tokens = Tokens(fit_tokenizer(["The film isn't GOOD, wow!!!! so so so so 很大"] * 3))
    ids = tokens.encode(["The film isn't GOOD, wow!!!! so so so so 很大 unheard"], 99).values
    words = [tokens.tokenizer.id_to_token(int(i)) for i in ids]
    assert words[:12] == ["xxbos", "xxmaj", "the", "film", "is", "n't", "xxup", "good", ",", "wow", "xxrep", "4"]
    assert words[12:] == ["!", "xxwrep", "4", "so", "很", "大", "xxunk"]


def test_characters_of_scripts_without_spaces_are_words() -> None:
    tokens = Tokens(fit_tokenizer(["酒店 ไทย ok"] * 3))
    ids = tokens.encode(["酒店 ไทย ok"], 99).values
    assert [tokens.tokenizer.id_to_token(int(i)) for i in ids] == ["xxbos", *"酒店", *"ไทย", "ok"]


def test_no_head_is_fitted_to_a_network_that_has_learnt_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.text.awd_lstm.SIZES", {"hidden_size": 16, "inner_size": 32, "num_hidden_layers": 2})
    for weights, language, frozen in (("awd_lstm", 0, 0), ("awd_lstm", 3, None), ("auto", 0, None)):
        assert APP.recipe.make({"weights": weights, "language_epochs": language}).stages().frozen_epochs == frozen
    dials = {"weights": "awd_lstm", "epochs": 1, "language_epochs": 0, "precision": "fp32"}
    journal = train(APP, write_csv(tmp_path / "a.csv"), APP.recipe.make(dials)).facts.journal
    assert [entry["stage"] for entry in journal] == ["train"] and journal[0]["loss"] < 1


def test_every_layer_learns_the_lowest_slowest(folder: Path) -> None:
    encoder = build(read_spec(weights(folder), []), 0.1, weights(folder)).train()
    tokens = torch.tensor([[2, 9, 14, 1]])
    encoder(torch.zeros(0), torch.zeros(1), tokens, torch.tensor([3]), torch.arange(1)).sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    rates = [group.rate for group in layer_groups(encoder, 0.5)]
    assert rates == sorted(rates) and len(set(rates)) == 4


def test_ulmfit_goes_through_the_same_learner(folder: Path, tmp_path: Path) -> None:
    dials = {"weights": f"awd_lstm:{folder}", "epochs": 2, "language_epochs": 1, "ngrams": "none", "precision": "fp32"}
    model = train(APP, write_csv(tmp_path / "a.csv"), APP.recipe.make(dials), Options(out=tmp_path / "out"))
    assert [entry["stage"] for entry in model.facts.journal] == ["language", "frozen body", "train", "train"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["artifact.json", "weights.safetensors"]
    given = ["a Lovely film", "tedious", "", sentences(1)[0][0]]
    assert load(APP, tmp_path / "out").predict(given) == model.predict(given)


def test_from_scratch_it_learns_the_words_of_the_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.text.awd_lstm.SIZES", {"hidden_size": 16, "inner_size": 32, "num_hidden_layers": 2})
    dials: dict[str, object] = {"weights": "awd_lstm", "epochs": 8, "language_epochs": 1, "ngrams": "none"}
    dials |= {"lr": 6e-4, "unfreeze": 0.0, "dropout": 0.0, "precision": "fp32"}
    model = train(APP, write_csv(tmp_path / "a.csv", 400), APP.recipe.make(dials))
    assert model.facts.metrics["accuracy"] > model.facts.baseline["accuracy"] + 0.2
    vocabulary = json.loads(model.preprocessor.state()["encoder"]["tokenizer"])["model"]["vocab"]
    assert set(WORDS) <= set(vocabulary)


def test_time_for_the_language_is_planned(tmp_path: Path) -> None:
    texts = np.array(sentences(60)[0], object)
    recipe, notes = plan(APP.recipe.make({"weights": "awd_lstm"}), texts, (60, 6, 6))
    assert (recipe.language_epochs, recipe.epochs, recipe.unfreeze) == (10, 3, 0.5)
    assert "from scratch" in notes[0] and "after 10 of the texts' language" in notes[-1]
