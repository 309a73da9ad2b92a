"""Small sources of texts and a small encoder, for the tests of the text app."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

GOOD = ("lovely", "bright", "charming", "warm", "splendid")
BAD = ("dull", "grey", "tedious", "cold", "dreadful")
FILLER = ("the", "film", "was", "a", "story", "about", "and", "with", "people", "in", "town", "scene")


def sentences(rows: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Sentences whose one telling word decides the label."""
    draws = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(rows):
        good = bool(draws.random() < 0.5)
        words = [*draws.choice(FILLER, int(draws.integers(4, 12))), draws.choice(GOOD if good else BAD)]
        draws.shuffle(words)
        texts.append(" ".join(words))
        labels.append("good" if good else "bad")
    return texts, labels


def write_csv(path: Path, rows: int = 240, seed: int = 0) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(*sentences(rows, seed), strict=True))
    return path


def write_classes(folder: Path, rows: int = 40, seed: int = 0) -> Path:
    """One .txt a text, in a folder a class."""
    for i, (text, label) in enumerate(zip(*sentences(rows, seed), strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{i}.txt").write_text(text)
    return folder


DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}


def write_encoder(folder: Path, kind: str = "bert", mask: bool = False) -> Path:
    """An encoder of two tiny layers with random weights, in the Hugging Face layout; `mask`: with a token for it."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModel

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(["[MASK]"] if mask else []), *GOOD, *BAD, *FILLER]
    config = {
        "model_type": kind,
        "vocab_size": len(words),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.1,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
        **(DISTILBERT if kind == "distilbert" else {}),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(tokenizer(words))
    torch.manual_seed(0)
    network = AutoModel.from_config(AutoConfig.for_model(**config))
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "model.safetensors")
    return folder


def tokenizer(words: list[str]) -> str:
    """A tokenizer.json of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    text: str = made.to_str()
    return text
