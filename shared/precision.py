"""Arithmetic: where bfloat16 pays, found by measuring a matrix product once a process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

import torch

from shared.errors import UserError

PAYS = 1.5
"""bfloat16 is used where a matrix product is at least this many times faster; hardware units for it give
four to eight times, emulation less than one, so noise cannot tip the choice from run to run."""

LOOK = 0.1
"""Seconds after which a product has been timed enough: an emulated one takes a quarter of a second."""


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context to run a network in, for a resolved precision ("fp32" or "bf16")."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def resolve(precision: str, device: str) -> str:
    """auto -> "bf16" where the device is good at it, else "fp32"."""
    if precision != "auto":
        return precision
    return "bf16" if bfloat16_ratio(torch.device(device).type) >= PAYS else "fp32"


def units(precision: str, device: str) -> str:
    """What computes, for plans of how long a run takes: "gpu", or a processor in "fp32", "bf16", or "tiles", bfloat16 by units
    for matrices. Either argument may be "auto".

    Told by the processor, not timed: a plan must not change with what else runs.
    """
    device = resolve_device(device)
    if torch.device(device).type != "cpu":
        return "gpu"
    resolved = resolve(precision, device)
    return "tiles" if resolved == "bf16" and multiplies_tiles() else resolved


def multiplies_tiles() -> bool:
    """Whether the processor has AMX, 6 to 7 times as fast as fp32 where other bfloat16 units are 2.5 to 3 times; no
    where torch is too old to tell."""
    told: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(told.get("amx_bf16"))


@lru_cache
def bfloat16_ratio(device: str) -> float:
    """Time of an fp32 matrix product over that of a bfloat16 one, best of six or of what fits in LOOK seconds, (512, 512)."""
    if device == "cuda":
        return 2.0 if torch.cuda.is_bf16_supported(including_emulation=False) else 0.5

    def best(kind: torch.dtype) -> float:
        a, times = torch.ones(512, 512, dtype=kind, device=device), [0.0]
        while len(times) <= 6 and sum(times) < LOOK:
            start = time.perf_counter()
            (a @ a).sum().item()
            times.append(time.perf_counter() - start)
        return min(times[1:])

    return best(torch.float32) / best(torch.bfloat16)


def resolve_device(device: str) -> str:
    """auto -> the first GPU when there is one, else the processor. Raises UserError at a device that is not there."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    there = ["cpu", *(["cuda", *gpus] if gpus else [])]
    if device == "auto":
        return "cuda" if gpus else "cpu"
    if device not in there:
        raise UserError(f"device={device!r} is not there; there are: {', '.join(there)}. Give one of them, or auto")
    return device
