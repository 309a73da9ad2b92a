"""What is taken over from an earlier model of texts."""

from __future__ import annotations

from pathlib import Path

import torch

from apps.text.app import APP
from apps.text.model import TextNetwork
from apps.text.preprocessor import TextPreprocessor
from shared.artifact import read
from shared.display import Clock
from shared.run import Options, prepare, train
from tests.apps.text.writing import BAD, FILLER, GOOD, tokenizer, write_csv, write_encoder


def test_an_encoder_that_numbers_tokens_otherwise_is_not_taken_over(tmp_path: Path) -> None:
    source, own, other = write_csv(tmp_path / "a.csv", 60), tmp_path / "own", write_encoder(tmp_path / "other")
    (other / "tokenizer.json").write_text(tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *FILLER, *BAD, *GOOD]))
    train(APP, source, APP.recipe.make({"weights": str(other), "epochs": 0}), Options(out=tmp_path / "out"))
    dials = APP.recipe.make({"weights": str(write_encoder(own)), "epochs": 0})
    prepared = prepare(APP, source, dials, Options(), Clock())
    network, fitted = prepared.setup.network, prepared.preprocessor
    assert isinstance(network, TextNetwork) and isinstance(fitted, TextPreprocessor)
    network.head.mean.fill_(9.0)
    said = APP.adopt(network, fitted, read(tmp_path / "out", "text"))
    assert said == "nothing: the earlier model's encoder has other tokens"
    assert torch.all(network.head.mean == 9.0)
