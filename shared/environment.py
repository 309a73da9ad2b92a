"""Where a number was measured, for the artifact: it depends on that too."""

from __future__ import annotations

import platform

import torch

from shared.recipe import Recipe


def environment(recipe: Recipe) -> dict[str, str]:
    """What a number depends on besides data and dials."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": str(torch.get_num_threads()),
        "device": recipe.device,
        "precision": recipe.precision,
    }
