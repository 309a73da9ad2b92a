"""AWD-LSTM in plain torch: Merity et al. 2017, arXiv:1708.02182, in the sizes and with the marks of words that fastai uses.

From scratch, or from a language model that fastai saved: read as data, never unpickled as code.
"""

from __future__ import annotations

import json
import pickletools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.text.bert import Output
from apps.text.grams import UNSPACED, sound
from shared.errors import UserError, first_line, readable
from shared.weights import Weights

KIND, FROM_SCRATCH = "awd_lstm", "from scratch"
SPECIAL = ("xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxrep", "xxwrep", "xxup", "xxmaj")
LEAST, MOST_WORDS = 3, 60_000  # texts' words: times that one must occur, and how many are kept
SIZES = {"hidden_size": 400, "inner_size": 1152, "num_hidden_layers": 3}
INPUT, HIDDEN, WORD, WEIGHT = 2.0, 1.5, 0.25, 2.5
"""Dropout of the input, between layers, of whole words and of recurrent weights, over the dial: for `--dropout 0.1`
half of .4, .3, .05 and .5, as fastai's stock learner drops (its `drop_mult` is 0.5)."""
LONGEST = 4096
FASTER = 16.0
"""Times the learning rate of other encoders."""

_SINGLE = (*UNSPACED, (0x3040, 0x3100), (0x3400, 0xA000))  # and Japanese, Chinese
_UNSPACED = "".join(rf"\x{{{begin:x}}}-\x{{{end - 1:x}}}" for begin, end in _SINGLE)
_TOKEN = rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+?(?=n't\b)|n't\b|'(?:s|m|re|ve|ll|d)\b|[^\W{_UNSPACED}]+|[^\w\s]"
"""A word, a part of a contraction as English tokenizers cut them, a character of a script without spaces, a mark."""
_REPEATED, _TWICE = re.compile(r"(\S)\1{2,}"), re.compile(r"(?<!\S)(\S+)((?:\s+\1){2,})(?!\S)")
_CAPITALS = re.compile(r"\b([A-Z][A-Z]+|[A-Z][a-z]+)\b")
_BREAK = re.compile(r"<br\s*/?>")


def marked(text: str) -> str:
    """Lower case, with marks for what that loses and for repetitions, as in fastai's language models."""
    text = _BREAK.sub("\n", text)
    text = _REPEATED.sub(lambda m: f" xxrep {len(m[0])} {m[1]} ", text)
    text = _TWICE.sub(lambda m: f" xxwrep {len(m[0].split())} {m[1]} ", text)
    return _CAPITALS.sub(lambda m: f"{'xxup' if m[1].isupper() else 'xxmaj'} {m[1]}", text).lower()


def fit_tokenizer(texts: Iterable[str], words: Sequence[str] = SPECIAL) -> str:
    """A tokenizer as JSON: of `words`, and after them those of the texts that occur often enough."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors, trainers

    counted = Tokenizer(models.WordLevel({}, unk_token=SPECIAL[0]))
    counted.pre_tokenizer = pre_tokenizers.Split(Regex(_TOKEN), "removed", invert=True)
    trainer = trainers.WordLevelTrainer(vocab_size=MOST_WORDS, min_frequency=LEAST, show_progress=False)
    counted.train_from_iterator((marked(sound(text)) for text in texts), trainer)
    found = sorted(counted.get_vocab().items(), key=lambda item: item[1])
    known = dict.fromkeys([*words, *(word for word, _ in found)])
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token=SPECIAL[0]))
    made.pre_tokenizer = counted.pre_tokenizer
    mark = SPECIAL[2]
    made.post_processor = processors.TemplateProcessing(
        single=f"{mark} $A", special_tokens=[(mark, made.token_to_id(mark))]
    )
    text: str = made.to_str()
    return text


def describe(weights: Weights, texts: Iterable[str]) -> tuple[dict[str, Any], str]:
    """(configuration, tokenizer as JSON): the words of a language model, and those of the texts after them."""
    sizes, words = dict(SIZES), list(SPECIAL)
    if weights.found != FROM_SCRATCH:
        state, words = read_weights(weights.path)
        layers = sum(name.endswith("weight_hh") for name in state)
        sizes = dict(
            zip(SIZES, (state["embedding.weight"].shape[1], state["layers.0.weight_hh"].shape[1], layers), strict=True)
        )
    tokenizer = fit_tokenizer(texts, words)
    vocabulary = json.loads(tokenizer)["model"]["vocab"]
    config = {"model_type": KIND, "vocab_size": len(vocabulary), "pad_token_id": vocabulary[SPECIAL[1]], **sizes}
    return config | {"max_position_embeddings": LONGEST}, tokenizer


def build(config: Mapping[str, Any], tokenizer: str, dropout: float, weights: Weights | None) -> AwdLstm:
    """The network; words that the weights do not know begin as the mean of those they know (ULMFiT, 3.2)."""
    network = AwdLstm(config, dropout)
    if weights is not None and weights.found != FROM_SCRATCH:
        state, words = read_weights(weights.path)
        places = {word: i for i, word in enumerate(words)}
        vocabulary = json.loads(tokenizer)["model"]["vocab"]
        known, embedding = state["embedding.weight"], network.embedding.weight.detach()
        embedding[:] = known.mean(0)
        both = [(i, places[word]) for word, i in vocabulary.items() if word in places]
        ours, theirs = torch.tensor(both).unbind(1)
        embedding[ours] = known[theirs]
        network.load_state_dict({**state, "embedding.weight": embedding})
    return network


class AwdLstm(nn.Module):
    """Token ids, (rows, tokens), to states, (rows, tokens, width). Padding stands behind a text, so that no state sees it."""

    def __init__(self, config: Mapping[str, Any], dropout: float) -> None:
        super().__init__()
        width, inner, layers = (int(config[name]) for name in ("hidden_size", "inner_size", "num_hidden_layers"))
        sizes = [width, *[inner] * (layers - 1), width]
        self.embedding = nn.Embedding(int(config["vocab_size"]), width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.layers = nn.ModuleList(Layer(a, b, WEIGHT * dropout) for a, b in zip(sizes, sizes[1:], strict=False))
        self.shares = (WORD * dropout, INPUT * dropout, HIDDEN * dropout)

    def get_input_embeddings(self) -> nn.Module:
        """As transformers calls it."""
        return self.embedding

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Output:
        word, whole, between = self.shares if self.training else (0.0, 0.0, 0.0)
        kept = F.dropout(self.embedding.weight.new_ones(self.embedding.num_embeddings, 1), word)
        states = locked(self.embedding(input_ids) * kept[input_ids], whole)
        for i, layer in enumerate(self.layers):
            states = layer(states if i == 0 else locked(states, between))
        return Output(states)


class Layer(nn.Module):
    """One LSTM layer whose recurrent weights are dropped in training, one draw a batch."""

    def __init__(self, inside: int, outside: int, dropout: float) -> None:
        super().__init__()
        self.outside, self.dropout = outside, dropout
        drawn = dict(nn.LSTM(inside, outside).named_parameters())
        self.weight_ih, self.weight_hh = drawn["weight_ih_l0"], drawn["weight_hh_l0"]
        self.bias_ih, self.bias_hh = drawn["bias_ih_l0"], drawn["bias_hh_l0"]

    def forward(self, states: Tensor) -> Tensor:
        recurrent = F.dropout(self.weight_hh, min(self.dropout, 0.9), self.training)
        nothing = states.new_zeros(1, len(states), self.outside)
        weights = (self.weight_ih, recurrent, self.bias_ih, self.bias_hh)
        read: Tensor = torch.lstm(states, (nothing, nothing), weights, True, 1, 0.0, self.training, False, True)[0]
        return read


def locked(states: Tensor, share: float) -> Tensor:
    """Drops the same units at every token of a row (Gal & Ghahramani 2016, arXiv:1512.05287)."""
    return states * F.dropout(torch.ones_like(states[:, :1]), min(share, 0.9)) if share else states


def read_weights(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """(weights by our names, the words in order) from a folder of one .pth or .safetensors and one .pkl or .json."""
    state = _named_ours(_tensors(_only(path, (".safetensors", ".pth"))), path)
    words = _words(_only(path, (".json", ".pkl")))
    if len(words) != len(state["embedding.weight"]):
        raise UserError(
            f"{path}: {len(words):,} words and {len(state['embedding.weight']):,} embeddings: not of one model"
        )
    if missing := [word for word in SPECIAL[:3] if word not in words]:
        raise UserError(f"{path}: the vocabulary lacks {', '.join(missing)}: give a language model of fastai 1 or 2")
    return state, words


def _only(folder: Path, suffixes: tuple[str, ...]) -> Path:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; --weights awd_lstm:FOLDER needs a model's weights and its words")
    found = sorted(path for path in folder.iterdir() if path.suffix in suffixes)
    if len(found) != 1:
        names = " or ".join(suffixes)
        raise UserError(f"{folder} holds {len(found)} files of {names}: exactly one is needed")
    return found[0]


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, weights_only=True, map_location="cpu")
    except SafetensorError as error:
        raise UserError(f"{path} is damaged ({error})") from None
    except Exception as error:  # whatever a damaged or a dangerous file makes of torch's reader
        reason = first_line(error, 100)
        raise UserError(f"{path}: not a file of tensors alone, so it is not read ({reason})") from None
    found = found.get("model", found) if isinstance(found, dict) else {}
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}


_THEIRS = re.compile(r"(?:0\.)?rnns\.(\d+)\.(?:module\.)?(weight_ih|weight_hh|bias_ih|bias_hh)_l0(_raw)?$")


def _named_ours(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """fastai's names to ours; of the recurrent weights those before dropout."""
    found: dict[str, Tensor] = {}
    for name, tensor in sorted(state.items()):  # ..._l0 before ..._l0_raw, which stays
        if name in ("0.encoder.weight", "encoder.weight"):
            found["embedding.weight"] = tensor.float()
        elif part := _THEIRS.match(name):
            found[f"layers.{part[1]}.{part[2]}"] = tensor.float()
    if any(name not in found or found[name].ndim != 2 for name in ("embedding.weight", "layers.0.weight_hh")):
        raise UserError(f"{path}: these are not the weights of an AWD-LSTM as fastai saves them")
    return found


_STRINGS = {"BINUNICODE", "SHORT_BINUNICODE", "UNICODE", "BINUNICODE8"}
_FRAME = {
    "PROTO",
    "FRAME",
    "EMPTY_LIST",
    "LIST",
    "MARK",
    "APPEND",
    "APPENDS",
    "STOP",
    "MEMOIZE",
    "PUT",
    "BINPUT",
    "LONG_BINPUT",
}


def _words(path: Path) -> list[str]:
    """A list of strings from JSON, or from a pickle whose instructions are read, not run: any but a list's are refused."""
    with readable(path, "check its permissions"):
        content = path.read_bytes()
    if path.suffix == ".json":
        return _words_of_json(content, path)
    found = []
    try:
        for code, value, _ in pickletools.genops(content):
            if code.name in _STRINGS:
                found.append(str(value))
            elif code.name not in _FRAME:
                raise UserError(f"{path} is more than a list of words ({code.name}), so it is not read")
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error})") from None
    return found


def _words_of_json(content: bytes, path: Path) -> list[str]:
    """Of a list of words, one under `itos`, or an object whose names are the words, in order."""
    why = "give a JSON list of strings"
    try:
        words = json.loads(content)
    except (ValueError, RecursionError) as error:
        words, why = None, first_line(error, 100)
    words = words.get("itos", words) if isinstance(words, dict) else words
    if not isinstance(words, list | dict) or not all(isinstance(word, str) for word in words):
        raise UserError(f"{path} is no list of words ({why})")
    return list(words)
