"""The language of the texts: what is hidden and told, that learning it lowers perplexity, and that validation decides."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from apps.text import language
from apps.text.app import APP
from apps.text.encoder import build, read_spec
from apps.text.language import MASKED, LanguageModel
from apps.text.plan import plan
from shared.errors import UserError
from shared.run import train
from shared.weights import Weights
from tests.apps.text.writing import FILLER, write_csv, write_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("weights") / "tiny", mask=True)


def model(folder: Path) -> LanguageModel:
    weights = Weights("tiny", folder, "")
    return LanguageModel(build(read_spec(weights, ()), 0.0, weights), 16, 4, [0, 1, 2, 3, 4])


def test_some_tokens_are_hidden_and_only_those_told(folder: Path) -> None:
    tokens = torch.full((64, 62), 9)
    tokens[:, 0], there = 2, torch.arange(62) < 50
    shown, told = model(folder)._hide(tokens, there.expand(64, -1), 4)
    assert not told[:, 0].any() and not told[:, 50:].any()
    assert torch.equal(shown[~told], tokens[~told])
    assert told[:, 1:50].float().mean().item() == pytest.approx(MASKED, abs=0.02)
    assert (shown[told] == 4).float().mean().item() == pytest.approx(0.8, abs=0.05)


def test_measuring_hides_the_same_each_time(folder: Path) -> None:
    network = model(folder).eval()
    tokens, lengths = torch.randint(5, 20, (3, 30)), torch.tensor([30, 20, 2])
    arguments = torch.zeros(0), torch.zeros(3), tokens, lengths, torch.arange(3)
    assert torch.equal(network(*arguments), network(*arguments)) and network(*arguments).shape == (3, 2)


def test_masked_words_are_learnt_and_kept_only_where_validation_gains(folder: Path, tmp_path: Path) -> None:
    dials = {
        "weights": str(folder),
        "epochs": 1,
        "language_epochs": 3,
        "ngrams": "none",
        "precision": "fp32",
        "lr": 1e-2,
    }
    found = train(APP, write_csv(tmp_path / "a.csv", 240), APP.recipe.make(dials)).facts.journal
    perplexities = [entry["perplexity"] for entry in found if entry["stage"] == "language"]
    assert perplexities[-1] < perplexities[0] < len(FILLER) * 4
    stages = [entry["stage"] for entry in found]
    assert stages[:2] == ["frozen body", "trial as it was"] and stages[5:7] == [
        "frozen body",
        "trial after the language",
    ]


@pytest.mark.parametrize("gain", [1.0, -1.0])
def test_the_better_start_stays(folder: Path, tmp_path: Path, gain: float, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.0, gain])
    monkeypatch.setattr(language, "_trial", lambda *_: next(scores))
    dials = {"weights": str(folder), "epochs": 1, "lr": 0.0, "ema": 0.0, "ngrams": "none", "language_epochs": 1}

    def changed(setup: object, *_: object) -> None:
        with torch.no_grad():
            setup.network.body.network.embeddings["LayerNorm"].bias.fill_(7.0)  # type: ignore[attr-defined]

    monkeypatch.setattr(language, "learn", changed)
    network = train(APP, write_csv(tmp_path / "a.csv", 60), APP.recipe.make(dials)).predictor.network
    bias = network.body.network.embeddings["LayerNorm"].bias  # type: ignore[union-attr, index]
    assert (bias == 7.0).all() == (gain > 0)


def test_best_tries_masked_words_where_rows_can_judge(folder: Path, tmp_path: Path) -> None:
    texts = APP.read(write_csv(tmp_path / "a.csv"), APP.recipe.make({"weights": "none"}), None, None).train.inputs

    def planned(valid: int, weights: Path = folder, **dials: object) -> int:
        recipe = APP.recipe.make({"weights": str(weights), **dials})
        found = plan(recipe, texts, (5_000, valid, 500))[0].language_epochs
        assert found is not None
        return found

    assert planned(600, preset="best") == 5 and planned(100, preset="best") == 0 == planned(600)
    assert planned(100, language_epochs=2) == 2
    unmasked = write_encoder(tmp_path / "unmasked")
    assert planned(600, unmasked, preset="best") == 0
    with pytest.raises(UserError, match="cannot tell"):
        planned(600, unmasked, language_epochs=1)


def test_layers_wake_one_after_another(folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", 240)
    dials = {"weights": str(folder), "epochs": 1, "ngrams": "none", "unfreeze": 1.0, "lr": 1e-2, "precision": "fp32"}
    from apps import text

    learner = text.learner(source, **dials)
    seen = []
    learner.add_cb(counting(seen))
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1, 1e-3)
    assert seen == sorted(seen) and seen[0] == 1 < seen[-1]
    assert all(p.requires_grad for group in learner.opt.param_lists for p in group)


def counting(seen: list[int]) -> object:
    from fastai.callback.core import Callback

    class Counting(Callback):
        def after_backward(self) -> None:
            seen.append(sum(any(p.requires_grad for p in group) for group in self.opt.param_lists))

    return Counting()
