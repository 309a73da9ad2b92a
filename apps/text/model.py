"""The network: an encoder with its head, an n-gram expert, and the weights of their blend."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from apps.text.encoder import Encoder
from apps.text.expert import GramExpert
from shared.head import LinearHead
from shared.loaders import rounded

ENCODER, GRAMS = 0, 1


class TextNetwork(nn.Module):
    """Logits, shape (rows, classes). Either expert may be absent; `body` and `head` are the encoder's.

    In training only the encoder's logits, which are what the loop improves, of `draws` of dropout, shape (rows, draws,
    classes) where they are several; in answering the blend, of weights `blend` and with `bias` added. Texts of which the
    n-grams are surer than `sure` are left to them, whose weight is then `alone`, with `alone_bias` added.
    """

    blend: Tensor
    bias: Tensor
    sure: Tensor
    alone: Tensor
    alone_bias: Tensor
    draws: int

    def __init__(self, classes: int, features: int, encoder: Encoder | None, width: int, dropout: float) -> None:
        super().__init__()
        self.draws = 1
        if features:
            self.grams = GramExpert(features, classes)
        if encoder is not None:
            self.body = encoder
            self.head = LinearHead(width, classes, dropout)
        both = bool(features) and encoder is not None
        self.register_buffer("blend", torch.full((2,), 0.6 if both else 1.0))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("sure", torch.tensor(torch.inf))
        self.register_buffer("alone", torch.ones(()))
        self.register_buffer("alone_bias", torch.zeros(classes))

    def forward(self, positions: Tensor, starts: Tensor, *tokens: Tensor) -> Tensor:
        if not self.has_encoder:
            return self.blend[GRAMS] * self.grams(positions, starts) + self.bias
        if self.training and self.draws > 1:
            return torch.stack([self.encoded(positions, starts, *tokens) for _ in range(self.draws)], 1)
        if self.training or not self.has_grams:
            encoded = self.encoded(positions, starts, *tokens)
            return encoded if self.training else self.blend[ENCODER] * encoded.float() + self.bias
        grams: Tensor = self.grams(positions, starts)
        asked = margins(grams) <= self.sure
        outputs = self.alone * grams + self.alone_bias
        if asked.any():
            encoded = self.encoded(positions, starts[asked], *_shown(asked, *tokens))
            outputs[asked] = self.blend[ENCODER] * encoded.float() + self.blend[GRAMS] * grams[asked] + self.bias
        return outputs

    def encoded(self, positions: Tensor, starts: Tensor, *tokens: Tensor) -> Tensor:
        """The encoder's own logits."""
        logits: Tensor = self.head(self.body(positions, starts, *tokens))
        return logits

    @property
    def has_encoder(self) -> bool:
        return hasattr(self, "body")

    @property
    def has_grams(self) -> bool:
        return hasattr(self, "grams")


def margins(logits: Tensor) -> Tensor:
    """How far the likeliest class is ahead of the next, shape (rows,)."""
    first, second = logits.topk(2, 1).values.unbind(1)
    return first - second


def _shown(asked: Tensor, tokens: Tensor, lengths: Tensor, owners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The windows of the texts that are asked, numbered anew."""
    if asked.all():
        return tokens, lengths, owners
    kept = asked[owners]
    lengths = lengths[kept]
    return tokens[kept, : rounded(int(lengths.max()))], lengths, (asked.cumsum(0) - 1)[owners[kept]]


class Only(nn.Module):
    """One expert of the two, for measuring it alone."""

    def __init__(self, network: TextNetwork, expert: int) -> None:
        super().__init__()
        self.network, self.expert = network, expert

    def forward(self, positions: Tensor, starts: Tensor, *tokens: Tensor) -> Tensor:
        if self.expert == GRAMS:
            return self.network.grams(positions, starts)
        return self.network.encoded(positions, starts, *tokens)
