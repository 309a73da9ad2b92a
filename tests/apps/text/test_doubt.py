"""The encoder is shown what the n-grams leave in doubt, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from apps.text import blend
from apps.text.app import APP
from apps.text.blend import weigh
from apps.text.doubt import crossed_margins, least, narrowed
from apps.text.model import ENCODER, GRAMS, Only, TextNetwork, margins
from apps.text.plan import IN_DOUBT, plan
from apps.text.recipe import TextRecipe
from apps.text.several import balance
from shared.display import Clock
from shared.errors import UserError
from shared.model import Model, load
from shared.run import Options, prepare, train
from tests.apps.text.writing import sentences, write_csv, write_encoder

SHARE = 0.25


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("texts") / "a.csv", 600)


def dials(folder: Path, **more: Any) -> TextRecipe:
    return APP.recipe.make({"weights": str(folder), "epochs": 1, "precision": "fp32", "share": SHARE, **more})


@pytest.fixture(scope="module")
def model(folder: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return train(APP, source, dials(folder), Options(out=tmp_path_factory.mktemp("out") / "model"))


def seen_by_encoder(network: TextNetwork, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """(the network's outputs, the token ids that its encoder was shown)."""
    shown: list[Tensor] = []
    handle = network.body.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[2]))
    with torch.inference_mode():
        outputs = network(*given)
    handle.remove()
    return outputs, torch.cat(shown) if shown else torch.zeros(0, 0)


def test_answers_are_the_blend_in_doubt_and_the_n_grams_else(model: Model) -> None:
    network = deepcopy(model.predictor.network).cpu()
    assert isinstance(network, TextNetwork)
    network.bias.copy_(torch.tensor([0.25, -0.25]))
    network.alone_bias.copy_(torch.tensor([0.0, 0.5]))
    texts = np.array([*sentences(80, 3)[0], "", "town", "the people"], object)
    given = model.preprocessor.encode(texts).batch(torch.arange(len(texts)))
    network.eval()
    outputs, shown = seen_by_encoder(network, given)
    with torch.inference_mode():
        grams, encoded = (Only(network, expert)(*given) for expert in (GRAMS, ENCODER))
    asked = margins(grams) <= network.sure
    assert 0 < asked.sum() == len(shown) < len(texts)
    both = network.blend[ENCODER] * encoded + network.blend[GRAMS] * grams + network.bias
    assert torch.allclose(outputs[asked], both[asked], atol=1e-5)
    assert torch.equal(outputs[~asked], network.alone * grams[~asked] + network.alone_bias)


def test_texts_without_doubt_are_not_shown_to_the_encoder(model: Model) -> None:
    network = deepcopy(model.predictor.network).cpu()
    assert isinstance(network, TextNetwork)
    given = model.preprocessor.encode(np.array(["lovely charming film"], object)).batch(torch.arange(1))
    assert not len(seen_by_encoder(network.eval(), given)[1])


def test_run_says_so_repeats_and_is_kept(model: Model, folder: Path, source: Path, tmp_path: Path) -> None:
    assert any("25% of texts that the n-grams leave most in doubt" in note for note in model.facts.notes)
    assert any("validation texts that the n-grams leave in doubt" in note for note in model.facts.notes)
    again = train(APP, source, dials(folder), Options(out=tmp_path / "out"))
    assert again.facts.metrics == model.facts.metrics
    texts = sentences(20, 4)[0]
    assert load(APP, tmp_path / "out").predict(texts) == model.predict(texts)


def test_loop_gets_the_share_of_which_others_n_grams_are_least_sure(folder: Path, source: Path) -> None:
    prepared = prepare(APP, source, dials(folder), Options(), Clock())
    found, whole = narrowed(prepared.setup), prepared.setup
    assert (len(found.train), len(found.valid)) == tuple(round(SHARE * len(p)) for p in (whole.train, whole.valid))
    sure = crossed_margins(whole.network.grams, whole.train, whole.recipe)
    rows = least(sure, SHARE)
    assert torch.equal(found.train.targets, whole.train.targets[rows])
    assert sure[rows].max() <= sure.sort().values[len(rows) :].min()


def test_classes_weigh_alike_over_all_texts_not_in_each_part(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = prepare(APP, source, dials(folder, class_weights="auto"), Options(), Clock()).setup
    bad = setup.valid.targets == 0
    targets = setup.valid.targets.masked_fill(bad & (bad.cumsum(0) > 5), 1)  # five are left of a class
    used: list[Any] = []
    monkeypatch.setattr(blend, "ENOUGH", 1)
    monkeypatch.setattr(blend, "weigh", lambda *given: used.append(given[3]) or weigh(*given))
    assert isinstance(setup.network, TextNetwork) and isinstance(setup.recipe, TextRecipe)
    blend.choose(setup.network, replace(setup.valid, targets=targets), setup.recipe)
    assert len(used) == 2 and all(torch.equal(each, balance(targets, 2)) for each in used)


def test_all_is_read_where_there_is_time_and_what_is_in_doubt_else(folder: Path) -> None:
    texts = np.array(sentences(60)[0], object)
    found = [
        plan(APP.recipe.make({"weights": str(folder), "minutes": minutes, "device": "cpu"}), texts, (rows, valid, 500))[
            0
        ].share
        for minutes, rows, valid in ((24, 6_000, 600), (0.0003, 6_000, 600), (0.0003, 4_000, 600), (0.0003, 6_000, 60))
    ]
    assert found == [1.0, IN_DOUBT, 1.0, 1.0]


@pytest.mark.parametrize(
    ("asked", "said"), [({"share": 0.0}, "above 0"), ({"share": 1.5}, "up to 1"), ({"ngrams": "none"}, "n-grams")]
)
def test_a_share_that_cannot_be_is_refused(folder: Path, source: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        train(APP, source, dials(folder, **asked))


def test_a_share_without_a_single_n_gram_is_no_crash(folder: Path, tmp_path: Path) -> None:
    lines = [f"{'word' * 2}{i},{'good' if i % 2 else 'bad'}" for i in range(120)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    model = train(APP, tmp_path / "a.csv", dials(folder, characters="no"))
    assert not model.predictor.network.has_grams
    assert model.predict("wordword1")["prediction"] in ("good", "bad")
