"""Why an item is recommended: the user's own items that speak most for it."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.ials import curvature
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import ItemFactors, ItemWeights, Ranker
from apps.collab.short_histories import ShortHistoryScorer

REASONS = 3

Answering = Ranker | ShortHistoryScorer


def reasons(ranker: Answering, preprocessor: CollabPreprocessor, had: Tensor, chosen: Tensor) -> list[list[str]]:
    """For each chosen item up to REASONS of the items that the user has, the strongest first; none that speaks against."""
    if not len(had):
        return [[] for _ in chosen]
    shares = contributions(ranker, had, chosen)
    strongest, places = shares.topk(min(REASONS, len(had)), dim=0)
    return [
        [
            preprocessor.items[item - 1]
            for item, share in zip(had[place].tolist(), strong.tolist(), strict=True)
            if share > 0
        ]
        for place, strong in zip(places.T, strongest.T, strict=True)
    ]


def contributions(ranker: Answering, had: Tensor, chosen: Tensor) -> Tensor:
    """What each item the user has adds to the score of each chosen one, shape (had, chosen).

    For factors by Hu, Koren & Volinsky 2008, equation 7. Of a blend: what the score loses without the item.
    """
    if isinstance(ranker, ShortHistoryScorer):
        return ranker.losses(had)[:, chosen]
    if isinstance(ranker, ItemWeights):
        return ranker.weight[had][:, chosen].cpu()
    if not isinstance(ranker, ItemFactors):
        return _losses(ranker, had, chosen)
    items = ranker.items.weight
    return (items[had] @ torch.linalg.solve(curvature(items, had), items[chosen].T)).cpu()


def _losses(ranker: Ranker, had: Tensor, chosen: Tensor) -> Tensor:
    """The whole score less that without each item, shape (had, chosen); of an only item all that is left is its score."""
    count, width = len(had), len(ranker.popularity)
    rows, places = (1 - torch.eye(count)).nonzero(as_tuple=True)
    whole = ranker.score(Histories.of_pairs(torch.zeros_like(had), had, 1, width))
    without = ranker.score(Histories.of_pairs(rows, had[places], count, width))
    return (whole - without)[:, chosen].float().cpu()
