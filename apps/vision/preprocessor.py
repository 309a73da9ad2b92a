"""Pictures <-> tensors: the class names and how the backbone wants its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.vision.backbones import Backbone
from apps.vision.duplicates import marks
from apps.vision.pictures import Encoded, Pictures
from shared.classes import Classes, answers_of, classes_from
from shared.copies import recalled
from shared.protocol import Answer, Examples, Field


@dataclass
class VisionPreprocessor:
    """Decoding happens at reading; what is left is to hand the bytes on."""

    labels: Classes
    backbone: Backbone
    seen: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long), compare=False)
    """The marks of the training pictures."""

    def encode(self, inputs: Pictures) -> Encoded:
        return Encoded(inputs)

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        return self.labels.encode(targets)

    def decode(self, outputs: Tensor, inputs: Pictures) -> list[Answer]:
        """Prediction and probabilities; a picture that could not be decoded gets neither, and the reason."""
        return [
            answer if error is None else {"prediction": None, "probabilities": {}, "error": error}
            for answer, error in zip(answers_of(self.labels, outputs), inputs.errors, strict=True)
        ]

    def recalled(self, examples: Examples, of: str = "") -> list[str]:
        """See `shared.protocol.Recalls`."""
        return recalled(marks(examples.inputs), self.seen.numpy(), "pictures", of)

    def fields(self) -> list[Field]:
        return [Field("picture", "image")]

    def state(self) -> dict[str, Any]:
        return {"labels": self.labels.state(), "backbone": self.backbone.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> VisionPreprocessor:
        return cls(classes_from(state["labels"]), Backbone.from_state(state["backbone"]))

    def tensors(self) -> dict[str, Tensor]:
        return {"seen": self.seen}
