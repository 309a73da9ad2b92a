"""Raw ids <-> positions, and who has seen what. Position 0 of users and of items is whatever training never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.collab.biases import fit_biases
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
from shared.protocol import Answer, Data, Encoded, Examples, Field, Inputs


@dataclass
class CollabPreprocessor:
    """`users` and `items` are the raw ids in order of appearance; position 1 is the first of them.

    `scale` are the least, mean and greatest training rating; the biases, one a position, are shrunken means of the
    ratings less their mean: what a bias-only model knows. `user_columns` and `item_columns`, one row a position, are
    what side tables tell, of unrated ones too. `seen` is what each user has in the training rows,
    `held` in the validation rows, `left_out` in rows unrated or not liked: nothing is learnt from those, but nobody wants
    them recommended. `ordered` says that
    what each user has is in the order of time. `sittings` are those of ratings with times.
    """

    task: str
    users: tuple[str, ...]
    items: tuple[str, ...]
    scale: tuple[float, float, float]
    seen: Histories
    held: Histories
    left_out: Histories
    user_bias: Tensor
    item_bias: Tensor
    user_columns: Tensor
    item_columns: Tensor
    ordered: bool
    sittings: Sittings

    @classmethod
    def fit(cls, train: Examples, task: str) -> CollabPreprocessor:
        """Raises UserError where there is nothing to tell apart."""
        users, items = (each_id(train.inputs[role]) for role in ROLES)
        if len(items) < 2:
            raise UserError(f"all rows are of one item, {items[0]!r}: check which column holds the items (--item)")
        sides = train.sides if isinstance(train, Interactions) else {}
        users, user_columns = _beside(users, sides.get("user"))
        items, item_columns = _beside(items, sides.get("item"))
        scale = _scale(train.targets.astype(float)) if task == "ratings" else (0.0, 1.0, 1.0)
        sizes = len(users) + 1, len(items) + 1
        user, item = (
            look_up(positions_of(users), train.inputs["user"]),
            look_up(positions_of(items), train.inputs["item"]),
        )
        times = train.inputs.get("time")
        seen = Histories.of_pairs(*_in_order(user, item, times), *sizes)
        user_bias, item_bias, sittings = torch.zeros(sizes[0]), torch.zeros(sizes[1]), Sittings.none()
        rated = train.targets if task == "ratings" else train.inputs.get("rating")
        if rated is not None:
            rest = torch.from_numpy((rated - rated.mean(dtype=float)).astype(np.float32))
            user_bias, item_bias = fit_biases(user, item, rest, sizes)
            if times is not None and task == "ratings":
                rest = rest - user_bias[user] - item_bias[item]
                sittings = Sittings.fit(user, torch.from_numpy(times), rest)
        beside = user_bias, item_bias, user_columns, item_columns
        none = Histories.empty(*sizes)
        made = cls(task, users, items, scale, seen, none, none, *beside, times is not None, sittings)
        if isinstance(train, Interactions) and train.left_out:
            made.left_out = made.cells(*made.positions(train.left_out))
        return made

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
        """See `shared.protocol.Recalls`; where `of` names no earlier model also how many ids it does not know."""
        if isinstance(examples.inputs, NewUserRows):
            return []
        positions = self.positions(examples.inputs)
        return seen_pairs(self.seen, positions, of) + ([] if of else unknown_ids(positions, "measured"))

    def encode(self, inputs: Inputs) -> Encoded:
        """For ratings (user, item) and, where times are given, the level of the user's sitting; for ranking the user
        alone: the network scores every item."""
        return self.spend(inputs if isinstance(inputs, NewUserRows) else dict(inputs))

    def spend(self, inputs: Inputs) -> Encoded:
        """See `shared.protocol.Spends`; rows of new users stay as they are."""
        if isinstance(inputs, NewUserRows):
            from apps.collab.newusers import NewUsers

            return NewUsers.of(inputs, self)
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

    @property
    def decimals(self) -> int:
        """How many tell ratings apart, however small their unit."""
        return max(4, 4 - math.floor(math.log10(self.scale[2] - self.scale[0])))

    def _ratings(self, outputs: Tensor, users: Tensor, items: Tensor) -> list[Answer]:
        """`uncertainty` is the standard deviation of what the user would give, in the ratings' unit."""
        values, deviations = outputs.double().T.tolist()
        values = [round(min(max(value, self.scale[0]), self.scale[2]), self.decimals) for value in values]
        return [
            {
                "prediction": value,
                "value": value,
                "uncertainty": round(deviation, self.decimals),
                **self._basis(user, item),
            }
            for value, deviation, user, item in zip(values, deviations, users.tolist(), items.tolist(), strict=True)
        ]

    def _basis(self, user: int, item: int) -> Answer:
        """What an answer rests on, and how many training rows of the user and of the item stand behind it."""
        support = {"user": len(self.seen.of(user)), "item": int(self.item_counts[item])}
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

    def remember(self, held: Sequence[Data]) -> None:
        """What users have in rows that training did not see is not to be recommended to them."""
        if self.task == "ratings":
            pairs = [torch.stack(part.inputs.batch(torch.arange(len(part)))[:2], 1) for part in held]
        else:
            pairs = [part.targets for part in held]
        self.held = self.cells(*torch.cat(pairs).unbind(1))

    def fields(self) -> list[Field]:
        return [Field("user", "text"), Field("item", "text")]

    def state(self) -> dict[str, Any]:
        names = {"users": list(self.users), "items": list(self.items)}
        return {"task": self.task, **names, "scale": list(self.scale), "ordered": self.ordered}

    def tensors(self) -> dict[str, Tensor]:
        parts = {"seen": self.seen, "held": self.held, "left_out": self.left_out}
        cells = {f"{name}_{part}": getattr(had, part) for name, had in parts.items() for part in ("starts", "items")}
        names = ("user_bias", "item_bias", "user_columns", "item_columns")
        return cells | {name: getattr(self, name) for name in names} | self.sittings.tensors()

    @classmethod
    def restore(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CollabPreprocessor:
        least, mean, greatest = map(float, state["scale"])
        users, items = tuple(map(str, state["users"])), tuple(map(str, state["items"]))
        seen, held = (_restored(name, tensors, len(items) + 1) for name in ("seen", "held"))
        known = "left_out_starts" in tensors  # not in an artifact of an earlier version
        left_out = _restored("left_out", tensors, len(items) + 1) if known else Histories.empty(len(seen), seen.width)
        return cls(
            task=str(state["task"]),
            users=users,
            items=items,
            scale=(least, mean, greatest),
            seen=seen,
            held=held,
            left_out=left_out,
            user_bias=tensors["user_bias"],
            item_bias=tensors["item_bias"],
            user_columns=tensors["user_columns"],
            item_columns=tensors["item_columns"],
            ordered=bool(state.get("ordered", False)),
            sittings=Sittings.restore(tensors),
        )


def _restored(name: str, tensors: Mapping[str, Tensor], width: int) -> Histories:
    return Histories(tensors[f"{name}_starts"], tensors[f"{name}_items"], width)


def _beside(ids: tuple[str, ...], told: SideColumns | None) -> tuple[tuple[str, ...], Tensor]:
    """(the ids and those that a side table adds, what it tells by position)."""
    if told is None:
        return ids, torch.zeros(len(ids) + 1, 0)
    ids = tuple(dict.fromkeys((*ids, *told.ids)))
    return ids, told.placed(ids)


def _scale(ratings: np.ndarray) -> tuple[float, float, float]:
    """The least, mean and greatest."""
    least, mean, greatest = float(ratings.min()), float(ratings.mean()), float(ratings.max())
    if least == greatest:
        raise UserError(f"every rating is {least:g}: nothing to predict; use --task ranking")
    return least, mean, greatest


def _in_order(users: Tensor, items: Tensor, times: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """The rows by time, where there is one."""
    if times is None:
        return users, items
    order = torch.from_numpy(np.argsort(times, kind="stable").astype(np.int32))
    return users[order], items[order]
