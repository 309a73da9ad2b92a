"""What good means for a table: the shared tasks, with each member of the ensemble learning by itself."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from shared.metrics import Classification, Regression


class MemberClassification(Classification):
    """Logits (rows, members, classes) in training: the mean of the members' cross-entropies."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.dim() == 3:
            targets = targets.unsqueeze(1).expand(outputs.shape[:2]).reshape(-1)
            outputs = outputs.flatten(0, 1)
        return super().loss(outputs, targets)

    def score(self, metrics: Mapping[str, float]) -> float:
        """The log loss: probabilities to trust, and less of a lottery on small validation splits than accuracy."""
        return -metrics["log_loss"]


class MemberRegression(Regression):
    """Standardised numbers (rows, members) in training: the mean of the members' squared errors."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().loss(outputs, targets.unsqueeze(1).expand_as(outputs) if outputs.dim() == 2 else targets)
