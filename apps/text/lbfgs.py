"""torch's L-BFGS (Liu & Nocedal 1989) without torch.compile, which it would load for nothing: two seconds of a run on n-grams alone."""

from __future__ import annotations

import inspect

import torch
from torch.optim import Optimizer


class LBFGS(torch.optim.LBFGS):
    """The closure clears the gradients itself: `zero_grad` would load torch.compile, too."""

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
