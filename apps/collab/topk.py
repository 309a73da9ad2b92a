"""Measures of a list of recommendations, from hits: 1 where the item at that place is one the user then chose.

Definitions of Järvelin & Kekäläinen 2002 (nDCG) and of the published tables: recall over all chosen items.
"""

from __future__ import annotations

import torch
from torch import Tensor


def top_items(scores: Tensor, k: int) -> Tensor:
    """Positions of the k best, best first, shape (rows, min(k, items))."""
    return scores.topk(min(k, scores.shape[1]), dim=1).indices


def quality(scores: Tensor, had: Tensor, truth: Tensor) -> float:
    """Mean nDCG@10 of lists without what users `had`, against the `truth`: tables of one shape, of zeros and ones."""
    best = top_items(scores.masked_fill(had > 0, -torch.inf), 10)
    return float(ndcg(truth.gather(1, best), truth.sum(1)).mean())


def ndcg(hits: Tensor, chosen: Tensor) -> Tensor:
    """Discounted gain over the best possible; `hits` (rows, k), `chosen` (rows,) how many there were to find."""
    discounts = 1 / torch.arange(2, hits.shape[1] + 2, dtype=torch.float).log2()
    best = discounts.cumsum(0)[chosen.clamp(1, hits.shape[1]).long() - 1]
    return (hits * discounts).sum(1) / best


def average_precision(hits: Tensor, chosen: Tensor) -> Tensor:
    """Mean precision at the places of the hits, shape (rows,)."""
    places = torch.arange(1, hits.shape[1] + 1, dtype=torch.float)
    return (hits * hits.cumsum(1) / places).sum(1) / chosen.clamp(1, hits.shape[1])


def list_metrics(hits: Tensor, chosen: Tensor, k: int) -> dict[str, Tensor]:
    """recall, precision, ndcg, map and hit_rate at k for each row of `hits`, shape (rows, at most k)."""
    found = hits.sum(1)
    return {
        f"recall@{k}": found / chosen.clamp_min(1),
        f"ndcg@{k}": ndcg(hits, chosen),
        f"precision@{k}": found / k,
        f"map@{k}": average_precision(hits, chosen),
        f"hit_rate@{k}": (found > 0).float(),
    }
