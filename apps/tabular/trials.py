"""Which transform of a skewed target is learnt best: quick forests say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from apps.tabular import boosting
from apps.tabular.sizes import PROBE
from apps.tabular.transforms import LOG, NONE, ROOT, mean_factor, restored, transformed

BETTER = 0.99
"""A transform is taken where it lowers the error, in the target's own unit, to this share of the plain one's."""


def best_transform(features: Tensor, targets: Tensor, sizes: Sequence[int], first: int, seed: int) -> str:
    """Grows a forest for each on four fifths of the rows and asks it for the rest."""
    rows = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    options = boosting.Options(PROBE, sizes, 0, seed, first)
    cut = len(rows) // 5
    known = boosting.Rows(features[rows[cut:]], targets[rows[cut:]])
    asked, truth = features[rows[:cut]], targets[rows[:cut]]
    errors = {}
    for name in (NONE, ROOT, LOG):
        target = transformed(known.targets, name).double()
        centre, scale = target.mean(), target.std().clamp_min(1e-12)
        answers, _ = boosting.probe(replace(known, targets=((target - centre) / scale).float()), asked, options)
        values = restored(answers.double() * scale + centre, name)
        if name != NONE:
            values *= mean_factor(values, truth)
        errors[name] = float((values - truth).square().mean().sqrt())
    best = min(errors, key=lambda name: errors[name])
    return best if errors[best] < BETTER * errors[NONE] else NONE
