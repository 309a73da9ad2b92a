"""Trains the blend's autoencoder in the shared loop, one row a user, and chooses the shares by what it did not see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from apps.collab.blend import Blend
from apps.collab.fitting import fit_ranker
from apps.collab.objective import TopItems
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.recipe import CollabRecipe
from shared.checkpoint import Checkpoint
from shared.loaders import Tensors
from shared.progress import CLOSED_FORM, Progress, Setup
from shared.protocol import Data

JUDGES = 2000
"""Users that the autoencoder and the shares are judged by, at most."""

ROWS = 16
"""Rows of `batch_size` that stand for a user in a step."""

PATIENCE = 5
"""Epochs of users that count for one of `patience`: they are short."""


class Likelihood(TopItems):
    """TopItems for the loop over users: its targets are their positions in training, pairs in validation."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Multinomial likelihood in nats an item (Liang et al. 2018, equation 2) of all that users at `targets` have;
        logits of shape (rows, items + 1)."""
        had = self.preprocessor.seen.take(targets.cpu())
        table = had.table(torch.arange(len(had)))[:, 1:].to(outputs.device)
        return -(F.log_softmax(outputs[:, 1:].float(), dim=1) * table).sum() / table.sum().clamp_min(1)


@dataclass(frozen=True)
class Trial:
    """A blend fitted to part of the rows, and the pairs (user, item) held out of it that judge it."""

    blend: Blend
    preprocessor: CollabPreprocessor
    pairs: Tensor


def train_blend(setup: Setup, progress: Progress, checkpoint: Checkpoint | None) -> None:
    """Offers the blend to `progress`, after an interruption with the best autoencoder so far."""
    from shared.train import fit

    blend, objective = setup.network, setup.objective
    assert isinstance(blend, Blend) and isinstance(objective, TopItems)
    trial = _trial(setup, blend, objective.preprocessor)
    inner = replace(progress, score=float("-inf"), weights=None)
    users = (trial.preprocessor.seen.counts() > 0).nonzero()[:, 0].int()
    recipe = setup.recipe
    loop = replace(
        setup,
        recipe=replace(recipe, batch_size=max(1, recipe.batch_size // ROWS), patience=recipe.patience * PATIENCE),
        network=trial.blend.autoencoder,
        groups=[replace(group, parameters=list(trial.blend.autoencoder.parameters())) for group in setup.groups],
        objective=Likelihood(trial.preprocessor),
        train=Data(Tensors(users), users.long()),
        valid=Data(Tensors(trial.pairs[:, 0].int()), trial.pairs),
    )
    try:
        fit(loop, recipe.epochs, inner, checkpoint)
    finally:
        _finish(blend, trial, inner, progress)


def _trial(setup: Setup, blend: Blend, preprocessor: CollabPreprocessor) -> Trial:
    """On the validation rows of known users where there are some: the blend itself. Else another one, without a tenth of
    the cells."""
    pairs = setup.valid.targets.cpu().clamp_min(0)
    if len(known := pairs[pairs[:, 0] > 0]):
        return Trial(blend, preprocessor, _judged(known))
    assert isinstance(setup.recipe, CollabRecipe)
    rest, held = preprocessor.seen.split(setup.recipe.seed)
    part = replace(preprocessor, seen=rest)
    trial = Blend(part).to(setup.recipe.device)
    for member in trial.rankers():
        fit_ranker(member, setup.recipe)
    trial.autoencoder.load_state_dict(blend.autoencoder.state_dict())
    return Trial(trial, part, _judged(torch.stack([held.rows(), held.items.long()], 1)))


def _judged(pairs: Tensor) -> Tensor:
    """The pairs of JUDGES users drawn evenly."""
    users = pairs[:, 0].unique()
    return pairs[torch.isin(pairs[:, 0], users[:: -(-len(users) // JUDGES)])] if len(users) else pairs


def _finish(blend: Blend, trial: Trial, inner: Progress, progress: Progress) -> None:
    if inner.weights is None:  # stopped before the first epoch: the other members are fitted already
        blend.shares[list(blend.members).index("autoencoder")] = 0
        progress.keep(blend, CLOSED_FORM)
        return
    trial.blend.autoencoder.load_state_dict(inner.weights)
    trial.blend.eval()  # the loop leaves it, or its autoencoder, in training
    users = trial.pairs[:, 0].unique()
    known = trial.preprocessor
    truth = known.cells(*trial.pairs.unbind(1)).table(users)
    seen = known.seen.table(users)
    truth[:, 0], seen[:, 0] = 0.0, 1.0
    truth[seen > 0] = 0.0
    score = trial.blend.choose(users, seen, truth)
    shares = trial.blend.shares
    blend.autoencoder.load_state_dict(inner.weights)
    blend.shares.copy_(shares)
    named = {name: float(share) for name, share in zip(blend.members, shares.tolist(), strict=True)}
    progress.log({"stage": "blend", **named, TopItems.headline: score})
    progress.offer(score, blend, inner.chosen)
