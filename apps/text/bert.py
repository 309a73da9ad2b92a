"""BERT's encoder in plain torch, so that answering need not load transformers, which takes longer than torch itself.

Parameters are named as in transformers' BertModel; a test holds both to the same outputs. Devlin et al. 2019,
arXiv:1810.04805.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shared.attention import attend
from shared.dropout import Dropout


@dataclass(frozen=True)
class Output:
    """What transformers' encoders return, as far as it is used."""

    last_hidden_state: Tensor


def speaks(config: Mapping[str, Any]) -> bool:
    """Whether a Hugging Face configuration describes what `Bert` builds."""
    plain = config.get("hidden_act", "gelu") == "gelu" and not config.get("is_decoder")
    absolute = config.get("position_embedding_type", "absolute") == "absolute"
    return config.get("model_type") == "bert" and plain and absolute


class Bert(nn.Module):
    """Token ids and a mask of 1 and 0, each (rows, tokens), to states, (rows, tokens, width)."""

    def __init__(self, config: Mapping[str, Any], dropout: float) -> None:
        super().__init__()
        width, eps = int(config["hidden_size"]), float(config.get("layer_norm_eps", 1e-12))
        self.dropout = Dropout(dropout)
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(int(config["vocab_size"]), width),
                "position_embeddings": nn.Embedding(int(config.get("max_position_embeddings", 512)), width),
                "token_type_embeddings": nn.Embedding(int(config.get("type_vocab_size", 2)), width),
                "LayerNorm": nn.LayerNorm(width, eps),
            }
        )
        heads, inner = int(config["num_attention_heads"]), int(config["intermediate_size"])
        layers = [Layer(width, heads, inner, eps, dropout) for _ in range(int(config["num_hidden_layers"]))]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def get_input_embeddings(self) -> nn.Module:
        """As transformers calls it."""
        return self.embeddings["word_embeddings"]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Output:
        parts, places = self.embeddings, torch.arange(input_ids.shape[1], device=input_ids.device)
        first_type = parts["token_type_embeddings"](torch.zeros_like(places))
        states = parts["word_embeddings"](input_ids) + first_type + parts["position_embeddings"](places)
        states = self.dropout(parts["LayerNorm"](states))
        mask = None if attention_mask.all() else attention_mask[:, None, None].bool()
        for layer in self.encoder["layer"]:  # type: ignore[attr-defined]
            states = layer(states, mask)
        return Output(states)


class Layer(nn.Module):
    """Attention, then two dense layers, each added to its input and normalised."""

    def __init__(self, width: int, heads: int, inner: int, eps: float, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, Dropout(dropout)
        reading = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": reading, "output": _added(width, width, eps)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _added(inner, width, eps)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        reading = self.attention["self"]
        query, key, value = (self._parted(reading[name](states)) for name in ("query", "key", "value"))  # type: ignore[index]
        read = attend(query, key, value, mask).transpose(1, 2).flatten(2)
        states = self._add(self.attention["output"], read, states)
        return self._add(self.output, F.gelu(self.intermediate["dense"](states)), states)

    def _parted(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _add(self, part: nn.Module, x: Tensor, states: Tensor) -> Tensor:
        found: Tensor = part["LayerNorm"](self.dropout(part["dense"](x)) + states)  # type: ignore[index]
        return found


def _added(inside: int, width: int, eps: float) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(inside, width), "LayerNorm": nn.LayerNorm(width, eps)})
