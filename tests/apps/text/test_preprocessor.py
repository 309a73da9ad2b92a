"""Any value a table can hold goes in, nothing raises, and the state survives JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.text import preprocessor
from apps.text.app import APP
from apps.text.encoder import Spec
from apps.text.preprocessor import TextPreprocessor
from apps.text.tokens import MOST_WINDOWS
from shared.errors import UserError
from shared.protocol import Examples
from tests.apps.text.writing import BAD, FILLER, GOOD, sentences, tokenizer

CELLS = st.one_of(st.text(st.characters(codec=None), max_size=60), st.none(), st.floats(), st.integers(), st.booleans())
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *FILLER]


@pytest.fixture(scope="module")
def fitted() -> TextPreprocessor:
    texts, labels = sentences(80)
    train = Examples(np.array(texts, object), np.array(labels, object))
    plain = APP.fit(train, APP.recipe.make({"weights": "none", "characters": "yes"}))
    config = {"model_type": "bert", "hidden_size": 16, "max_position_embeddings": 64}
    spec = Spec("tiny", config, tokenizer(WORDS), "mean")
    return TextPreprocessor(plain.labels, plain.buckets, True, spec, 16)


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=5))
def test_any_cell_is_encoded_the_same_after_json(fitted: TextPreprocessor, cells: list[object]) -> None:
    inputs = np.array([*cells, None], object)[:-1]
    restored = APP.restore(json.loads(json.dumps(fitted.state(), allow_nan=False)), fitted.tensors())
    rows = torch.arange(len(cells))
    before, after = fitted.encode(inputs).batch(rows), restored.encode(inputs).batch(rows)
    assert len(before) == 5
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert before[2].shape[1] <= 16 and (before[3] >= 2).all()


def test_no_rows_are_no_error(fitted: TextPreprocessor) -> None:
    encoded = fitted.encode(np.empty(0, object))
    assert len(encoded) == 0 and [len(part) for part in encoded.batch(torch.arange(0))] == [0] * 5


def test_long_texts_keep_their_first_and_last_tokens(fitted: TextPreprocessor) -> None:
    text = " ".join(["lovely"] + ["town"] * 50 + ["dull"])
    tokens = fitted.encode(np.array([text], object)).batch(torch.arange(1))[2][0].tolist()
    assert len(tokens) == 16
    assert tokens[:2] == [2, WORDS.index("lovely")] and tokens[-2:] == [WORDS.index("dull"), 3]


def test_batches_are_as_wide_as_few_others(fitted: TextPreprocessor) -> None:
    texts = np.array([" ".join(["town"] * n) for n in range(1, 30)], object)
    encoded = replace(fitted, max_tokens=27).encode(texts)
    widths = {n: encoded.batch(torch.tensor([n - 1]))[2].shape[1] for n in range(1, 30)}
    assert widths[5] == 7 and widths[15] == 18 and widths[29] == 27  # two tokens more; 17 to 18; no more than there are
    assert encoded.lengths is not None and encoded.lengths[14] == 17


def test_windows_hold_every_token_between_marks(fitted: TextPreprocessor) -> None:
    texts = np.array([" ".join(["town"] * 30 + ["dull"]), "", "lovely " * 1000], object)
    tokens, lengths, owners = replace(fitted, long="windows").encode(texts).batch(torch.arange(3))[2:]
    rows = [row[:n].tolist() for row, n in zip(tokens, lengths.tolist(), strict=True)]
    assert owners.tolist() == [0, 0, 0, 1] + [2] * MOST_WINDOWS
    assert all(row[0] == 2 and row[-1] == 3 and len(row) <= 16 for row in rows)
    assert sum((row[1:-1] for row in rows[:3]), []) == [WORDS.index("town")] * 30 + [WORDS.index("dull")]


def test_unseen_labels_are_named(fitted: TextPreprocessor) -> None:
    with pytest.raises(UserError, match="ugly"):
        fitted.encode_targets(np.array(["good", "ugly"], object))


def test_hashes_out_of_range_are_refused(fitted: TextPreprocessor) -> None:
    with pytest.raises(ValueError, match="range"):
        APP.restore(fitted.state(), {"buckets": torch.tensor([1 << 40])})


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = sentences(200)
    train = Examples(np.array(texts, object), np.array(labels, object))
    recipe = APP.recipe.make({"weights": "none", "characters": "yes"})

    monkeypatch.setattr(preprocessor, "MOST_WEIGHTS", 100)
    monkeypatch.setattr(preprocessor, "LEAST_FEATURES", 100)

    def fitted_and_encoded() -> tuple[list[int], list[int]]:
        made = APP.fit(train, recipe)
        grams = made.encode(train.inputs).grams
        return made.buckets.tolist(), [*grams.values.tolist(), *grams.offsets.tolist()]

    whole = fitted_and_encoded()
    monkeypatch.setattr(preprocessor, "ROWS", 7)
    assert fitted_and_encoded() == whole and len(whole[0]) == 100


def test_memory_holds_no_training_texts(tmp_path: Path, fitted: TextPreprocessor) -> None:
    assert set(fitted.state()) == {"labels", "letters", "max_tokens", "long", "encoder"}
