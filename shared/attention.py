"""Attention, by the road that is fastest where it runs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

UNREAD = -1e9
"""Added to the score of a token that may not be read: its share of the softmax is 0."""


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(query key' / sqrt(width)) value, all of shape (rows, heads, tokens, width); Vaswani et al. 2017, arXiv:1706.03762.

    `mask` is True where a token may be read, and broadcasts to (rows, heads, tokens, tokens).
    """
    if not plain_pays(query):
        return F.scaled_dot_product_attention(query, key, value, mask)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if mask is not None:  # a sum passes its slope on untouched; filling goes over all scores again on the way back
        scores = scores + torch.zeros_like(mask, dtype=scores.dtype).masked_fill(~mask, UNREAD)
    return scores.softmax(-1) @ value


def plain_pays(x: Tensor) -> bool:
    """Whether products of `x` run in bfloat16 on a processor: torch's fused kernel takes 1.4 to 2 times as long there as the
    plain products, and 2 to 5 times with its way back (docs/experiments/vision.md)."""
    return x.device.type == "cpu" and (x.dtype is torch.bfloat16 or torch.is_autocast_enabled("cpu"))
