"""The network: an encoder with its head, an n-gram expert, and the weights of their blend."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from apps.text.encoder import Encoder
from apps.text.expert import GramExpert
from shared.head import LinearHead

ENCODER, GRAMS = 0, 1


class TextNetwork(nn.Module):
    """Logits, shape (rows, classes). Either expert may be absent; `body` and `head` are the encoder's.

    In training only the encoder's logits, which are what the loop improves, of `draws` of dropout, shape (rows, draws,
    classes) where they are several; in answering the blend.
    """

    blend: Tensor
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

    def forward(self, positions: Tensor, starts: Tensor, *tokens: Tensor) -> Tensor:
        if not self.has_encoder:
            return self.blend[GRAMS] * self.grams(positions, starts)
        if self.training and self.draws > 1:
            return torch.stack([self.encoded(positions, starts, *tokens) for _ in range(self.draws)], 1)
        encoded = self.encoded(positions, starts, *tokens)
        if self.training:
            return encoded
        encoded = self.blend[ENCODER] * encoded.float()
        return encoded + self.blend[GRAMS] * self.grams(positions, starts) if self.has_grams else encoded

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


class Only(nn.Module):
    """One expert of the two, for measuring it alone."""

    def __init__(self, network: TextNetwork, expert: int) -> None:
        super().__init__()
        self.network, self.expert = network, expert

    def forward(self, positions: Tensor, starts: Tensor, *tokens: Tensor) -> Tensor:
        if self.expert == GRAMS:
            return self.network.grams(positions, starts)
        return self.network.encoded(positions, starts, *tokens)
