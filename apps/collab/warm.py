"""Warm start: what an earlier model knows of the same users and items, matched by raw id, never by position.

Two models' factors lie in different bases, so predictions are mixed, not numbers at the same place: where both
know the user and the item, the earlier prediction weighs as much as the ratings that stand behind it. Users whom only
this model knows are folded into the earlier one: a small shop may share its catalogue, not its customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.collab.autoencoder import Autoencoder
from apps.collab.factors import Factors, compress, prior_precision
from apps.collab.gibbs import rectangles
from apps.collab.ials import user_factors
from apps.collab.ids import look_up
from apps.collab.model import RatingNetwork, ranker_of
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import ItemFactors, ItemWeights, Ranker
from shared.artifact import Artifact
from shared.errors import UserError


@dataclass(frozen=True)
class Common:
    """Positions in the earlier model of this one's users and items (0: not there), and the earlier one's weight."""

    users: Tensor
    items: Tensor
    user_weight: Tensor
    item_weight: Tensor


@torch.no_grad()
def adopt(network: nn.Module, preprocessor: CollabPreprocessor, earlier: Artifact) -> str:
    """Mixes in what `earlier` knows; says of how many users and items. Raises UserError at another task."""
    if earlier.preprocessor.get("task") != preprocessor.task:
        task = earlier.preprocessor.get("task")
        raise UserError(f"the earlier model's task is {task}, this one's {preprocessor.task}: train with --task {task}")
    common = _common(preprocessor, CollabPreprocessor.restore(earlier.preprocessor, earlier.fitted))
    if isinstance(network, RatingNetwork):
        _mix_factors(network, earlier.network, common)
    for each in ranker_of(network).rankers():
        _mix_ranker(each, earlier.network, common)
    users, items = int((common.users > 0).sum()), int((common.items > 0).sum())
    return f"knows {users:,} of {len(preprocessor.users):,} users and {items:,} of {len(preprocessor.items):,} items"


def _mix_ranker(ranker: Ranker, earlier: Mapping[str, Tensor], common: Common) -> None:
    """Mixes in the earlier model's ranker of the same kind, if it has one, alone or among others."""
    if isinstance(ranker, ItemWeights):
        old = _within(earlier, ("", "ranker.", "members.weights.")).get("weight")
        if old is not None:
            share = torch.outer(common.item_weight, common.item_weight)
            ranker.weight.lerp_(old[common.items][:, common.items], share)
    elif isinstance(ranker, ItemFactors):
        _mix_factors(ranker, _within(earlier, ("", "ranker.", "members.factors.")), common)
    elif isinstance(ranker, Autoencoder):
        _take_over(ranker, _within(earlier, ("members.autoencoder.",)), common.items)


def _within(tensors: Mapping[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """Those whose names begin so, without the beginning."""
    return {
        name[len(start) :]: tensor for start in prefixes for name, tensor in tensors.items() if name.startswith(start)
    }


def _take_over(network: Autoencoder, old: Mapping[str, Tensor], items: Tensor) -> None:
    """The earlier autoencoder's weights, of items those that both know: training goes on from there."""
    known = items > 0
    for name, weight in network.named_parameters() if old else ():
        if name == "first.weight":
            weight[:, known] = old[name][:, items[known]]
        elif name.startswith("last."):
            weight[known] = old[name][items[known]]
        else:
            weight.copy_(old[name])


def _common(new: CollabPreprocessor, old: CollabPreprocessor) -> Common:
    users = F.pad(look_up(old.user_positions, new.users), (1, 0))
    items = F.pad(look_up(old.item_positions, new.items), (1, 0))
    user_weight = _weight(users, old.seen.counts(), new.seen.counts())
    return Common(users, items, user_weight, _weight(items, old.item_counts, new.item_counts))


def _weight(positions: Tensor, old_counts: Tensor, new_counts: Tensor) -> Tensor:
    """The earlier model's share of all rows of each user or item; 0 where it knows none."""
    before = torch.where(positions > 0, old_counts[positions], 0).float()
    return before / (before + new_counts).clamp_min(1)


def _mix_factors(network: RatingNetwork | ItemFactors, earlier: Mapping[str, Tensor], common: Common) -> None:
    """Adds the weighted difference of the two models' predictions, for users that the earlier one does not know after it
    has seen their rows of items that it knows."""
    users, items = network.users.weight, network.items.weight
    old = _whole(earlier)
    if old is None:
        return
    new = _whole(network.state_dict())
    assert new is not None
    known_users, user_weight = _with_strangers(network, old, earlier, common)
    by_user, by_item = user_weight[:, None], common.item_weight[:, None]
    left = torch.cat([users, by_user * known_users, -by_user * new.users], 1)
    right = torch.cat([items, by_item * old.items[common.items], by_item * new.items], 1)
    mixed = compress(Factors(left, right), users.shape[1])
    users.copy_(mixed.users)
    items.copy_(mixed.items)


def _with_strangers(
    network: RatingNetwork | ItemFactors, old: Factors, earlier: Mapping[str, Tensor], common: Common
) -> tuple[Tensor, Tensor]:
    """(users as the earlier model has them or, where it does not, would fold them in; their weights)."""
    users, items = old.users[common.users], old.items[common.items]
    held = network.seen.rows()[common.items[network.seen.items.long()] > 0]
    strangers = (torch.bincount(held, minlength=len(users)) > 0) & (common.users == 0)
    strangers[0] = False
    if isinstance(network, ItemFactors):
        width = network.users.weight.shape[1]
        users[strangers, :width] = user_factors(items[:, :width].contiguous(), network.seen)[strangers]
    elif network.rows is not None:
        known = common.items[network.rows[1]] > 0
        rows = [part[known] for part in network.rows]
        users[strangers, :-1] = _posterior_means(rows, items, old.users[:, :-1], float(earlier["noise"]), len(users))[
            strangers
        ]
    else:
        strangers[:] = False
    return users, torch.where(strangers, 1.0, common.user_weight)


def _posterior_means(rows: list[Tensor], items: Tensor, users: Tensor, noise: float, owners: int) -> Tensor:
    """Factors and bias, shape (owners, width + 1), of the owners of `rows` (user, item, rating), given the items' and a normal
    prior about the unknown user, `users[0]`, that spreads as the other users do."""
    prior = prior_precision(users[1:])
    owner, item, rating = rows
    left = items[:, :-1]
    padded = F.pad(left, (0, 0, 0, 1))
    found = users[0].repeat(owners, 1)
    for block in rectangles(owner, item, rating - items[item, -1], (owners, len(items))):
        x = F.embedding(block.partners, padded)
        slope = prior @ users[0] + (x.mT @ block.ratings[..., None]).squeeze(-1) / noise
        found[block.owners] = torch.linalg.solve(prior + x.mT @ x / noise, slope)
    return found


def _whole(tensors: Mapping[str, Tensor]) -> Factors | None:
    """A model's predictions as factors alone: biases and mean become columns against ones."""
    if "users.weight" not in tensors:
        return None
    users, items = tensors["users.weight"], tensors["items.weight"]
    user_bias = tensors.get("user_bias.weight", torch.zeros(len(users), 1))
    item_bias = tensors.get("item_bias.weight", tensors.get("item_bias", torch.zeros(len(items)))).reshape(-1, 1)
    item_bias = item_bias + tensors.get("mean", torch.zeros(()))
    left = torch.cat([users, user_bias, torch.ones(len(users), 1)], 1)
    return Factors(left, torch.cat([items, torch.ones(len(items), 1), item_bias], 1))
