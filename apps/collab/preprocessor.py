"""Raw ids <-> positions, and who has seen what. Position 0 of users and of items is whatever training never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.ids import ROLES, each_id, look_up, positions_of
from apps.collab.likeness import NewItems
from apps.collab.overlap import seen_pairs, unknown_ids
from apps.collab.short_histories import ShortHistoryScorer
from apps.collab.sides import Interactions, SideColumns
from apps.collab.sittings import Sittings
from apps.collab.splitting import NewUserRows
from shared.errors import UserError
from shared.loaders import Tensors
from shared.protocol import Answer, Encoded, Examples, Field, Inputs

SHRINKAGE = (5.0, 10.0)
"""Ratings of the average one that a user's and an item's bias are shrunk by."""


@dataclass
class CollabPreprocessor:
    """`users` and `items` are the raw ids in order of appearance; position 1 is the first of them.

    `scale` are the least, mean and greatest training rating; the biases, one a position, are shrunken means of the
    ratings less their mean: what a bias-only model knows. `user_columns` and `item_columns`, one row a position, are
    what side tables tell, of unrated ones too. `seen` is what each user has in the training rows,
    `held` in the validation rows: nothing is learnt from those, but nobody wants them recommended. `ordered` says that
    what each user has is in the order of time. `sittings` are those of ratings with times.
    """

    task: str
    users: tuple[str, ...]
    items: tuple[str, ...]
    scale: tuple[float, float, float]
    seen: Histories
    held: Histories
    user_bias: Tensor
    item_bias: Tensor
    user_columns: Tensor
    item_columns: Tensor
    ordered: bool = field(default=False, init=False)
    sittings: Sittings = field(default_factory=Sittings.none, init=False)

    @classmethod
    def fit(cls, train: Examples, task: str) -> CollabPreprocessor:
        """Raises UserError where there is nothing to tell apart."""
        sides: Mapping[str, SideColumns] = train.sides if isinstance(train, Interactions) else {}
        users, items = (each_id(train.inputs[role]) for role in ROLES)
        if len(items) < 2:
            raise UserError(f"all rows are of one item, {items[0]!r}: check which column holds the items (--item)")
        users, items = (
            tuple(dict.fromkeys((*names, *sides[role].ids))) if role in sides else names
            for role, names in zip(ROLES, (users, items), strict=True)
        )
        columns = [
            sides[role].placed(names) if role in sides else torch.zeros(len(names) + 1, 0)
            for role, names in zip(ROLES, (users, items), strict=True)
        ]
        scale = (0.0, 1.0, 1.0)
        if task == "ratings":
            values = train.targets.astype(float)
            scale = (float(values.min()), float(values.mean()), float(values.max()))
            if scale[0] == scale[2]:
                raise UserError(f"every rating is {scale[0]:g}: nothing to predict; use --task ranking")
        none = Histories.empty(len(users) + 1, len(items) + 1)
        biases = torch.zeros(len(users) + 1), torch.zeros(len(items) + 1)
        fitted = cls(task, users, items, scale, none, none, *biases, *columns)
        pairs = fitted.positions(train.inputs)
        fitted.ordered = "time" in train.inputs
        fitted.seen = fitted.cells(*_in_order(pairs, train.inputs.get("time")))
        rated = train.targets if task == "ratings" else train.inputs.get("rating")
        if rated is not None:
            sizes = len(users) + 1, len(items) + 1
            rest = torch.from_numpy((rated - rated.mean(dtype=float)).astype(np.float32))
            fitted.user_bias, fitted.item_bias = fit_biases(*pairs, rest, sizes)
            if fitted.ordered and task == "ratings":
                rest = rest - fitted.user_bias[pairs[0]] - fitted.item_bias[pairs[1]]
                fitted.sittings = Sittings.fit(pairs[0], torch.from_numpy(train.inputs["time"]), rest)
        return fitted

    @cached_property
    def user_positions(self) -> dict[str, int]:
        return positions_of(self.users)

    @cached_property
    def item_positions(self) -> dict[str, int]:
        return positions_of(self.items)

    @cached_property
    def item_counts(self) -> Tensor:
        """How many users have each item, shape (items + 1,); 0 for the unknown one."""
        return self.seen.popularity()

    @cached_property
    def holders(self) -> Histories:
        """Who has each item."""
        return self.seen.transposed()

    @cached_property
    def short_histories(self) -> ShortHistoryScorer:
        """Scores for histories that are too short for the ranker."""
        return ShortHistoryScorer(self.seen, self.ordered)

    @cached_property
    def new_items(self) -> NewItems:
        """The items that nobody has, scored by their columns."""
        return NewItems.of(self.item_columns, self.item_counts)

    def cells(self, users: Tensor, items: Tensor) -> Histories:
        """What known users have of known items in rows of these positions, each of shape (rows,)."""
        return Histories.of_pairs(users, torch.where(users > 0, items, 0), len(self.users) + 1, len(self.items) + 1)

    def positions(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Positions of users and items, each of shape (rows,), 0 where unknown."""
        return look_up(self.user_positions, inputs["user"]), look_up(self.item_positions, inputs["item"])

    def recalled(self, examples: Examples, of: str = "") -> list[str]:
        """See `shared.model.Recalls`; where `of` names no earlier model also how many ids it does not know."""
        if isinstance(examples.inputs, NewUserRows):
            return []
        positions = self.positions(examples.inputs)
        return seen_pairs(self.seen, positions, of) + ([] if of else unknown_ids(positions, "measured"))

    def encode(self, inputs: Inputs) -> Encoded:
        """For ratings (user, item) and, where times are given, the level of the user's sitting; for ranking the user
        alone: the network scores every item."""
        if isinstance(inputs, NewUserRows):
            from apps.collab.newusers import NewUsers

            return NewUsers.of(inputs, self)
        return self.spend(dict(inputs))

    def spend(self, inputs: Inputs) -> Encoded:
        """See `shared.protocol.Spends`."""
        if isinstance(inputs, NewUserRows):
            return self.encode(inputs)
        users = look_up(self.user_positions, inputs.pop("user"))
        items = look_up(self.item_positions, inputs.pop("item"))
        if self.task == "ranking":
            return Tensors(users)
        if not len(self.sittings) or "time" not in inputs:
            return Tensors(users, items)
        times = torch.from_numpy(np.asarray(inputs.pop("time"), dtype=float))
        return Tensors(users, items, self.sittings.of(users, times))

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        """Ratings, shape (rows,); or (user, item) positions, shape (rows, 2), where each unknown user has a number below 0."""
        if self.task == "ratings":
            return torch.tensor(targets.astype(float), dtype=torch.float)
        if not len(targets):
            return torch.zeros(0, 2, dtype=torch.long)
        users, items = self.positions({"user": targets[:, 0], "item": targets[:, 1]})
        pairs = torch.stack([users, items], 1).long()
        unknown = users == 0
        if unknown.any():
            names = targets[unknown.numpy(), 0].astype(str)
            pairs[unknown, 0] = -1 - torch.from_numpy(np.unique(names, return_inverse=True)[1])
        return pairs

    def decode(self, outputs: Tensor, inputs: Inputs) -> list[Answer]:
        users, items = self.positions(inputs)
        return self._ratings(outputs, users, items) if self.task == "ratings" else self._scores(outputs, users, items)

    def _ratings(self, outputs: Tensor, users: Tensor, items: Tensor) -> list[Answer]:
        """`uncertainty` is the standard deviation of what the user would give, in the ratings' unit."""
        values, deviations = outputs.double().T.tolist()
        values = [round(min(max(value, self.scale[0]), self.scale[2]), 4) for value in values]
        return [
            {"prediction": value, "value": value, "uncertainty": round(deviation, 4), **self._basis(user, item)}
            for value, deviation, user, item in zip(values, deviations, users.tolist(), items.tolist(), strict=True)
        ]

    def _basis(self, user: int, item: int) -> Answer:
        """What an answer rests on, and how many training rows of the user and of the item stand behind it."""
        support = {
            "user": int(self.seen.starts[user + 1] - self.seen.starts[user]),
            "item": int(self.item_counts[item]),
        }
        if user and item and not all(support.values()):
            return {"basis": "columns", "support": support}
        basis = {(True, True): "personal", (True, False): "user-only", (False, True): "item-only"}
        return {"basis": basis.get((user > 0, item > 0), "mean"), "support": support}

    def _scores(self, outputs: Tensor, users: Tensor, items: Tensor) -> list[Answer]:
        """The pair's score and its rank among all items; an unknown item has the least score and the last rank."""
        answers, outputs = [], outputs.clone()
        self.new_items.fill(outputs)
        for row, user, item in zip(outputs, users.tolist(), items.tolist(), strict=True):
            known = row[1:]
            score = float(row[item] if item else known.min())
            rank = int((known > score).sum()) + 1 if item else len(self.items) + 1
            answer = {"prediction": score, "value": score, "rank": rank, **self._basis(user, item)}
            answers.append(answer | ({} if answer["support"]["user"] else {"basis": "popular"}))
        return answers

    def fields(self) -> list[Field]:
        return [Field("user", "text"), Field("item", "text")]

    def state(self) -> dict[str, Any]:
        names = {"users": list(self.users), "items": list(self.items)}
        return {"task": self.task, **names, "scale": list(self.scale), "ordered": self.ordered}

    def tensors(self) -> dict[str, Tensor]:
        parts = {"seen": self.seen, "held": self.held}
        cells = {f"{name}_{part}": getattr(had, part) for name, had in parts.items() for part in ("starts", "items")}
        names = ("user_bias", "item_bias", "user_columns", "item_columns")
        return cells | {name: getattr(self, name) for name in names} | self.sittings.tensors()

    @classmethod
    def restore(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CollabPreprocessor:
        least, mean, greatest = map(float, state["scale"])
        users, items = tuple(map(str, state["users"])), tuple(map(str, state["items"]))
        seen, held = (
            Histories(tensors[f"{name}_starts"], tensors[f"{name}_items"], len(items) + 1) for name in ("seen", "held")
        )
        told = [tensors[name] for name in ("user_bias", "item_bias", "user_columns", "item_columns")]
        found = cls(str(state["task"]), users, items, (least, mean, greatest), seen, held, *told)
        found.ordered, found.sittings = bool(state.get("ordered", False)), Sittings.restore(tensors)
        return found


def _in_order(pairs: tuple[Tensor, Tensor], times: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """The pairs by time, where there is one."""
    if times is None:
        return pairs
    order = torch.from_numpy(np.argsort(times, kind="stable").astype(np.int32))
    return pairs[0][order], pairs[1][order]


def fit_biases(users: Tensor, items: Tensor, rest: Tensor, sizes: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(users', items') from ratings less their mean: of the items first, then of what they leave to the users."""
    item_bias = _shrunken(items, rest, sizes[1], SHRINKAGE[1])
    return _shrunken(users, rest - item_bias[items], sizes[0], SHRINKAGE[0]), item_bias


def _shrunken(owner: Tensor, values: Tensor, owners: int, strength: float) -> Tensor:
    sums = torch.zeros(owners).index_add_(0, owner, values)
    return sums / (torch.bincount(owner, minlength=owners) + strength)
