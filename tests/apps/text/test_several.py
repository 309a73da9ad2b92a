"""Texts with several labels: read, learnt, answered, measured, kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.text.app import APP
from apps.text.explain import mark, top_losses
from shared.errors import UserError
from shared.model import load
from shared.run import Options, train
from tests.apps.text.writing import FILLER, write_encoder

TOPICS = ("sea", "hill", "snow")


def write_source(path: Path, rows: int = 400) -> Path:
    """Texts that name zero to three topics; the topics are the labels, but for one text with a label of its own."""
    draws = np.random.default_rng(0)
    lines = ["text,label"]
    for _ in range(rows):
        named = [topic for topic in TOPICS if draws.random() < 0.4]
        words = [*draws.choice(FILLER, 6), *named]
        draws.shuffle(words)
        lines.append(f"{' '.join(words)},{'; '.join(named)}")
    path.write_text("\n".join([*lines, "a rare bird,bird"]))
    return path


@pytest.mark.parametrize("encoder", [False, True])
def test_several_labels_are_learnt_and_kept(tmp_path: Path, encoder: bool) -> None:
    source, out = write_source(tmp_path / "a.csv"), tmp_path / "out"
    weights = str(write_encoder(tmp_path / "tiny")) if encoder else "none"
    dials = {"weights": weights, "separator": "auto" if encoder else ";", "epochs": int(encoder), "precision": "fp32"}
    model = train(APP, source, APP.recipe.make(dials), Options(out=out))
    assert model.facts.headline == "f1_macro" and model.facts.metrics["f1_micro"] > 0.9
    assert set(model.facts.metrics) == set(model.facts.baseline)
    answers = model.predict(["the sea and the hill", "a story"])
    assert [set(answer["prediction"]) for answer in answers] == [{"sea", "hill"}, set()]
    assert load(APP, out).predict("snow on a hill") == model.predict("snow on a hill")
    assert mark(model, "the sea")["marks"] and top_losses(model, source, 3)[0]["loss"] > 0


def test_one_label_is_too_few(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"word {i},{'x' * (i % 2)}\n" for i in range(40)))
    with pytest.raises(UserError, match="--separator"):
        train(APP, tmp_path / "a.csv", APP.recipe.make({"weights": "none", "separator": ";"}))
