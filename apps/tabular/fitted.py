"""What is fitted once the networks are trained: empty until then, of whatever size its rows ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class Fitted(nn.Module):
    """A module whose buffers begin empty; their sizes are known once it is fitted, or from the file that it is loaded from."""

    def __init__(self, empty: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in empty.items():
            self.register_buffer(name, tensor)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name, own in list(self._buffers.items()):
            if own is not None and (stored := state_dict.get(prefix + name)) is not None:
                setattr(self, name, stored.new_empty(stored.shape, device=own.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self.check()

    def check(self) -> None:
        """Raises RuntimeError where the parts do not fit together: a file need not be ours."""
