"""A pretrained encoder: found, fine-tuned, blended, and kept whole in the artifact."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from apps.text import foreign
from apps.text.app import APP
from apps.text.encoder import _depth, build, find_weights, layer_groups, read_spec, width
from apps.text.plan import plan
from shared import checkpoint
from shared.display import Display
from shared.errors import UserError
from shared.model import load
from shared.run import Options, train
from shared.soup import mean
from shared.weights import Weights
from tests.apps.text.writing import sentences, write_csv, write_encoder

ROOT = Path(__file__).resolve().parents[3]
TEXTS = np.array(sentences(60)[0], object)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("weights") / "tiny")


def test_two_experts_are_trained_blended_and_kept(folder: Path, tmp_path: Path) -> None:
    source, out = write_csv(tmp_path / "a.csv", 400), tmp_path / "out"
    dials = {"weights": str(folder), "epochs": 1, "lr": 1e-3, "precision": "fp32"}
    model = train(APP, source, APP.recipe.make(dials), Options(out=out))
    assert model.facts.metrics["accuracy"] > 0.9 > model.facts.baseline["accuracy"]
    assert any("the encoder alone" in note and "the n-grams alone" in note for note in model.facts.notes)
    assert model.predictor.network.blend.tolist() != torch.full((2,), 0.6).tolist()
    given = ["a lovely film", "tedious", "", "word " * 300]
    assert load(APP, out).predict(given) == model.predict(given)
    again = train(APP, source, APP.recipe.make({**dials, "epochs": 0}), Options(start_from=out))
    assert again.facts.metrics["accuracy"] > 0.9


def test_the_artifact_needs_no_weights_folder(folder: Path, tmp_path: Path) -> None:
    moved = write_encoder(tmp_path / "moved")
    dials = {"weights": str(moved), "epochs": 0, "ngrams": "none"}
    model = train(APP, write_csv(tmp_path / "a.csv", 60), APP.recipe.make(dials), Options(out=tmp_path / "out"))
    for path in moved.iterdir():
        path.unlink()
    assert load(APP, tmp_path / "out").predict("a grey town") == model.predict("a grey town")


def test_padding_changes_nothing(folder: Path) -> None:
    encoder = build(read_spec(Weights("tiny", folder, ""), ()), 0.0, Weights("tiny", folder, "")).eval()
    tokens, none, one = torch.tensor([[2, 5, 6, 3]]), torch.zeros(0, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    padded = torch.cat([tokens, torch.zeros(1, 5, dtype=torch.long)], 1)
    short = encoder(none, one, tokens, torch.tensor([4]), one)
    assert torch.allclose(short, encoder(none, one, padded, torch.tensor([4]), one), atol=1e-5)
    assert short.shape == (1, 16)


KINDS = ("roberta", "xlm-roberta", "deberta-v2", "distilbert", "electra", "mpnet", "modernbert")


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_of_every_family_are_built_and_grouped(tmp_path: Path, kind: str) -> None:
    weights = Weights("tiny", write_encoder(tmp_path / kind, kind), "")
    spec = read_spec(weights, ())
    encoder = build(spec, 0.1, weights).train()
    tokens, lengths = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]), torch.tensor([4, 3])
    vectors = encoder(torch.zeros(0), torch.zeros(2), tokens, lengths, torch.arange(2))
    vectors.sum().backward()
    assert vectors.shape == (2, width(spec)) and vectors.isfinite().all()
    groups = layer_groups(encoder, 0.5)
    rates = [group.rate for group in groups]
    assert rates == sorted(rates) and len(set(rates)) >= 3
    grouped = {id(p) for group in groups for p in group.parameters}
    assert all((id(p) in grouped) == p.requires_grad for p in encoder.parameters())


def test_a_text_is_the_mean_of_its_windows(folder: Path) -> None:
    encoder = build(read_spec(Weights("tiny", folder, ""), ()), 0.0, Weights("tiny", folder, "")).eval()
    none, tokens, lengths = torch.zeros(0, dtype=torch.long), torch.tensor([[2, 5, 3], [2, 6, 3], [2, 3, 0]]), [3, 3, 2]
    alone = encoder(none, torch.zeros(3), tokens, torch.tensor(lengths), torch.arange(3))
    joined = encoder(none, torch.zeros(2), tokens, torch.tensor(lengths), torch.tensor([0, 1, 1]))
    assert torch.allclose(joined[0], alone[0]) and torch.allclose(joined[1], (3 * alone[1] + 2 * alone[2]) / 5)


def test_all_of_a_long_text_counts_in_windows(folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", 60)
    dials = {"weights": str(folder), "epochs": 1, "ngrams": "none", "max_tokens": 8}
    for long, differs in (("windows", True), ("ends", False)):
        model = train(APP, source, APP.recipe.make({**dials, "long": long}))
        text = "the film was a story about {} people in town and the scene was a story"
        a, b = model.predict([text.format("lovely"), text.format("dreadful")])
        assert (a["probabilities"] != b["probabilities"]) == differs


def test_lower_layers_learn_slower_and_words_not_at_all(folder: Path) -> None:
    encoder = build(read_spec(Weights("tiny", folder, ""), ()), 0.1)
    groups = layer_groups(encoder, 0.5)
    assert [g.rate for g in groups] == sorted(g.rate for g in groups)
    assert {g.rate for g in groups} == {0.125, 0.25, 0.5} and {g.decay for g in groups} == {0.0, 1.0}
    frozen = [name for name, p in encoder.named_parameters() if not p.requires_grad]
    assert len(frozen) == 1 and "word_embeddings" in frozen[0]
    assert _depth("encoder.layer.3.output.dense.weight") == 4 and _depth("pooler.dense.weight") == -1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda folder: (folder / "config.json").write_text("{}"), "model_type"),
        (lambda folder: (folder / "config.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"none"), "weights cannot be read"),
        (
            lambda folder: (folder / "config.json").write_text(json.dumps({"model_type": "nonesuch"})),
            "nonesuch",
        ),
        (
            lambda folder: (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 3})),
            "vocab_size of 3",
        ),
    ],
)
def test_a_broken_encoder_is_one_message(tmp_path: Path, damage: object, said: str) -> None:
    folder = write_encoder(tmp_path / "tiny")
    damage(folder)  # type: ignore[operator]
    with pytest.raises(UserError, match=said) as caught:
        train(APP, write_csv(tmp_path / "a.csv", 60), APP.recipe.make({"weights": str(folder), "epochs": 0}))
    assert "\n" not in str(caught.value)


def test_named_weights_that_are_nowhere_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="no weights 'nonesuch'"):
        find_weights("nonesuch")


def planned(folder: Path, texts: np.ndarray = TEXTS, rows: int = 60, **dials: object) -> tuple[Any, list[str]]:
    return plan(APP.recipe.make({"weights": str(folder), **dials}), texts, (rows, rows // 6, rows // 6))


def test_texts_are_answered_twice_where_there_are_enough(folder: Path) -> None:
    assert planned(folder, rows=6_000)[0].consistency == 1 and planned(folder, rows=600)[0].consistency == 0
    assert planned(folder, rows=600, preset="best")[0].consistency == 1


def test_time_is_planned_by_tokens(folder: Path) -> None:
    plenty, notes = planned(folder)
    assert plenty.epochs == 3 and plenty.max_tokens and "estimated" in notes[-1]
    assert planned(folder, preset="fast")[0].epochs == 0
    given = planned(folder, epochs=7, max_tokens=9)[0]
    assert (given.epochs, given.max_tokens) == (7, 9)
    none, notes = planned(folder, minutes=1e-9)
    assert none.weights == "none" and "n-grams alone" in notes[-1]


def test_more_rows_mean_fewer_epochs_then_none(folder: Path) -> None:
    found = [planned(folder, rows=int(10**6 * 1.25**k))[0] for k in range(60)]
    assert [r.weights for r in found][-1] == "none"
    epochs = [r.epochs for r in found]
    assert epochs == sorted(epochs, reverse=True) and set(epochs) == {0, 1, 2, 3}


def test_foreign_script_is_left_to_the_ngrams(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.text.plan.find_weights", lambda _: (Weights("tiny", folder, ""), "weights: tiny"))
    recipe, notes = plan(APP.recipe.make({}), np.array(["房间很大，服务不错"] * 30, object), (30, 3, 3))
    assert recipe.weights == "none" and "does not know" in notes[0]


def test_our_bert_is_transformers_bert(folder: Path) -> None:
    weights = Weights("tiny", folder, "")
    spec = read_spec(weights, ())
    ours, theirs = build(spec, 0.0, weights).eval().network, foreign.build(spec.config, 0.0, folder).eval()
    tokens, mask = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    expected, found = (net(input_ids=tokens, attention_mask=mask).last_hidden_state for net in (theirs, ours))
    assert torch.allclose(found[mask.bool()], expected[mask.bool()], atol=1e-5)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_weights_under_older_names_are_found(folder: Path, tmp_path: Path) -> None:
    old = write_encoder(tmp_path / "old")
    named = {
        name: tensor.clone() for name, tensor in load_file(old / "model.safetensors").items()
    }  # not the file's memory
    renamed = {
        "bert." + k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
        for k, v in named.items()
    }
    save_file(renamed, old / "model.safetensors", metadata={"format": "pt"})
    built = build(read_spec(Weights("old", old, ""), ()), 0.0, Weights("old", old, "")).network.state_dict()
    assert all(torch.equal(built[k], v) for k, v in named.items() if "pooler" not in k)


def test_answering_by_bert_loads_no_transformers(folder: Path, tmp_path: Path) -> None:
    dials = {"weights": str(folder), "epochs": 0, "ngrams": "none"}
    train(APP, write_csv(tmp_path / "a.csv", 60), APP.recipe.make(dials), Options(out=tmp_path / "out"))
    code = f"import sys; from apps import text; text.load({str(tmp_path / 'out')!r}).predict('a'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"transformers", "fastai", "pandas"} & set(done.stdout.split())


def test_of_a_long_text_the_telling_passages_are_seen(folder: Path, tmp_path: Path) -> None:
    filler = "the film was a story about people in town and the scene was a story " * 3
    texts, labels = sentences(200)
    source = tmp_path / "long.csv"
    rows = [f"{filler}{text} {filler},{label}" for text, label in zip(texts, labels, strict=True)]
    source.write_text("\n".join(["text,label", *rows]))
    dials = {"weights": str(folder), "epochs": 0, "ngrams": "none", "max_tokens": 20}
    for long, seen in (("telling", True), ("ends", False)):
        model = train(APP, source, APP.recipe.make({**dials, "long": long}), Options(out=tmp_path / long))
        assert any("most telling" in note for note in model.facts.notes) == seen
        a, b = model.predict([f"{filler}{word} {filler}" for word in ("lovely", "dreadful")])
        assert (a["probabilities"] != b["probabilities"]) == seen
        assert load(APP, tmp_path / long).predict(filler + "lovely") == model.predict(filler + "lovely")


def test_fine_tunings_are_averaged_also_after_a_stop(folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", 120)
    dials = {"weights": str(folder), "epochs": 2, "lr": 1e-2, "ngrams": "none", "precision": "fp32", "seeds": 2}
    whole = train(APP, source, APP.recipe.make(dials))
    stages = [entry["stage"] for entry in whole.facts.journal]
    assert stages == ["frozen body", "train", "train", "train 2", "train 2", "the mean of 2 fine-tunings"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "SECONDS", 0.0)
        options = Options(out=tmp_path / "out", display=StoppingDisplay("train 2: epoch 1"))
        with pytest.raises(RuntimeError):
            train(APP, source, APP.recipe.make(dials), options)
        resumed = train(APP, source, APP.recipe.make(dials), Options(out=tmp_path / "out", resume=True))
    assert resumed.facts.journal == whole.facts.journal
    assert resumed.facts.metrics == whole.facts.metrics


def test_the_mean_gives_way_only_to_what_is_clearly_better(folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", 120)
    dials = {"weights": str(folder), "epochs": 1, "lr": 1e-2, "ngrams": "none", "precision": "fp32", "seeds": 2}
    found = train(APP, source, APP.recipe.make(dials)).facts
    *others, mean_of_two = [entry["accuracy"] for entry in found.journal]
    error = (mean_of_two * (1 - mean_of_two) / found.rows["valid"]) ** 0.5
    assert ("the mean" in found.chosen) == (mean_of_two + error > max(others))


class StoppingDisplay(Display):
    """Falls over once a sentence begins so."""

    def __init__(self, sentence: str) -> None:
        super().__init__(quiet=True)
        self.sentence = sentence

    def say(self, sentence: str) -> None:
        if sentence.startswith(self.sentence):
            raise RuntimeError("the machine goes off")


def test_a_mean_of_weights_is_the_mean() -> None:
    states = [
        {"w": torch.tensor([1.0, 3.0]), "n": torch.tensor(4)},
        {"w": torch.tensor([3.0, 5.0]), "n": torch.tensor(6)},
    ]
    found = mean(states)
    assert torch.equal(found["w"], torch.tensor([2.0, 4.0])) and int(found["n"]) == 4


def test_many_rows_start_the_head_with_some(folder: Path) -> None:
    assert planned(folder, rows=6_000)[0].head_rows is None
    assert planned(folder, rows=50_000)[0].head_rows == 6_000
    assert planned(folder, rows=50_000, epochs=0)[0].head_rows is None
    assert planned(folder, rows=6_000)[0].seeds == 3 and planned(folder, rows=600)[0].seeds == 1


def test_the_ngrams_are_fitted_to_validation_rows_at_last(tmp_path: Path) -> None:
    train_rows, valid_rows = write_csv(tmp_path / "a.csv", 60), tmp_path / "v.csv"
    valid_rows.write_text("text,label\n" + "a quaint film,good\n" * 300 + "a bleak film,bad\n" * 300)
    model = train(APP, train_rows, APP.recipe.make({"weights": "none", "seed": 1}), Options(valid=valid_rows))
    assert any("validation rows too" in note for note in model.facts.notes)
    assert model.evaluate(valid_rows)["metrics"]["log_loss"] < model.facts.valid["log_loss"]
