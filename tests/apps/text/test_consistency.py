"""R-Drop: two answers to a text, and how far they are apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from apps.text.app import APP
from apps.text.consistency import distance
from shared.run import train
from tests.apps.text.writing import write_csv, write_encoder


def test_distance_is_the_mean_divergence_both_ways() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(2, 4, 3)
    p, q = first.log_softmax(1), second.log_softmax(1)
    there, back = (F.kl_div(a, b, reduction="batchmean", log_target=True) for a, b in ((p, q), (q, p)))
    assert distance(first, second, False).item() == pytest.approx(((there + back) / 2).item(), abs=1e-6)
    assert distance(first, first, True) == 0 < distance(first, second, True)


@pytest.mark.parametrize("several", [False, True])
def test_two_answers_are_trained_and_one_is_given(tmp_path: Path, several: bool) -> None:
    source = write_csv(tmp_path / "a.csv", 120)
    if several:
        source.write_text(source.read_text().replace(",good", ",good;fine").replace(",bad", ",bad;poor"))
    folder = write_encoder(tmp_path / "tiny")
    dials: dict[str, object] = {
        "weights": str(folder),
        "epochs": 1,
        "ngrams": "none",
        "precision": "fp32",
        "lr": 0.0,
        "ema": 0.0,
    }
    dials["separator"] = ";" if several else "none"
    plain, twice = (train(APP, source, APP.recipe.make({**dials, "consistency": weight})) for weight in (0.0, 1.0))
    assert plain.facts.metrics == twice.facts.metrics
    losses = [model.facts.journal[-1]["loss"] for model in (plain, twice)]
    assert losses[1] > 0 and losses[1] != losses[0]
    assert len(twice.predict("a lovely film")["probabilities"]) == (4 if several else 2)
