"""Raw ids <-> positions, and who has seen what. Position 0 of users and of items is whatever training never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.collab.reading import clean_id
from shared.errors import UserError
from shared.loaders import Tensors
from shared.protocol import Answer, Examples, Field, Inputs


@dataclass(frozen=True)
class CollabPreprocessor:
    """`users` and `items` are the raw ids in order of appearance; position 1 is the first of them.

    The items that the user at position p has seen are `seen_items[seen_starts[p] : seen_starts[p + 1]]`.
    `scale` are the least, mean and greatest training rating.
    """

    task: str
    users: tuple[str, ...]
    items: tuple[str, ...]
    scale: tuple[float, float, float]
    seen_starts: Tensor
    seen_items: Tensor

    @classmethod
    def fit(cls, train: Examples, task: str) -> CollabPreprocessor:
        """Raises UserError where there is nothing to tell apart."""
        users = tuple(dict.fromkeys(map(clean_id, train.inputs["user"])))
        items = tuple(dict.fromkeys(map(clean_id, train.inputs["item"])))
        if len(items) < 2:
            raise UserError(f"all rows are of one item, {items[0]!r}: check which column holds the items (--item)")
        scale = (0.0, 1.0, 1.0)
        if task == "ratings":
            values = train.targets.astype(float)
            scale = (float(values.min()), float(values.mean()), float(values.max()))
            if scale[0] == scale[2]:
                raise UserError(f"every rating is {scale[0]:g}: nothing to predict; use --task ranking")
        empty = cls(task, users, items, scale, torch.zeros(len(users) + 2, dtype=torch.long), torch.zeros(0))
        pairs = empty.positions(train.inputs)
        return cls(task, users, items, scale, *_by_user(*pairs, len(users) + 1))

    @cached_property
    def user_positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.users, 1)}

    @cached_property
    def item_positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.items, 1)}

    @cached_property
    def item_counts(self) -> Tensor:
        """How many users have each item, shape (items + 1,); 0 for the unknown one."""
        return torch.bincount(self.seen_items.long(), minlength=len(self.items) + 1)

    def positions(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Positions of users and items, each of shape (rows,), 0 where unknown."""
        return look_up(self.user_positions, inputs["user"]), look_up(self.item_positions, inputs["item"])

    def encode(self, inputs: Inputs) -> Tensors:
        """For ratings (user, item); for ranking the user alone: the network scores every item."""
        users, items = self.positions(inputs)
        return Tensors(users, items) if self.task == "ratings" else Tensors(users)

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        """Ratings, shape (rows,); or (user, item) positions, shape (rows, 2)."""
        if self.task == "ratings":
            return torch.tensor(targets.astype(float), dtype=torch.float)
        if not len(targets):
            return torch.zeros(0, 2, dtype=torch.long)
        return torch.stack(self.positions({"user": targets[:, 0], "item": targets[:, 1]}), 1)

    def seen(self, user: int) -> Tensor:
        """Positions of the items this user has, none for the unknown user."""
        return self.seen_items[self.seen_starts[user] : self.seen_starts[user + 1]].long()

    def seen_cells(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """(row, item) of everything the users at these positions, shape (rows,), have: cells of a rows x items table."""
        starts = self.seen_starts[users]
        counts = self.seen_starts[users + 1] - starts
        rows = torch.arange(len(users)).repeat_interleave(counts)
        offsets = torch.arange(len(rows)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
        return rows, self.seen_items[starts.repeat_interleave(counts) + offsets].long()

    def decode(self, outputs: Tensor, inputs: Inputs) -> list[Answer]:
        users, items = self.positions(inputs)
        return self._ratings(outputs, users, items) if self.task == "ratings" else self._scores(outputs, users, items)

    def _ratings(self, outputs: Tensor, users: Tensor, items: Tensor) -> list[Answer]:
        values = outputs.double().clamp(self.scale[0], self.scale[2]).tolist()
        return [
            {"prediction": round(value, 4), "value": round(value, 4), **self._basis(user, item)}
            for value, user, item in zip(values, users.tolist(), items.tolist(), strict=True)
        ]

    def _basis(self, user: int, item: int) -> Answer:
        """What an answer rests on, and how many training rows of the user and of the item stand behind it."""
        basis = {(True, True): "personal", (True, False): "user-only", (False, True): "item-only"}
        support = {"user": len(self.seen(user)), "item": int(self.item_counts[item])}
        return {"basis": basis.get((user > 0, item > 0), "mean"), "support": support}

    def _scores(self, outputs: Tensor, users: Tensor, items: Tensor) -> list[Answer]:
        """The pair's score and its rank among all items; an unknown item has the least score and the last rank."""
        answers = []
        for row, user, item in zip(outputs, users.tolist(), items.tolist(), strict=True):
            known = row[1:]
            score = float(row[item] if item else known.min())
            rank = int((known > score).sum()) + 1 if item else len(self.items) + 1
            answer = {"prediction": score, "value": score, "rank": rank, **self._basis(user, item)}
            answers.append(answer | ({} if user else {"basis": "popular"}))
        return answers

    def fields(self) -> list[Field]:
        return [Field("user", "text"), Field("item", "text")]

    def state(self) -> dict[str, Any]:
        return {"task": self.task, "users": list(self.users), "items": list(self.items), "scale": list(self.scale)}

    def tensors(self) -> dict[str, Tensor]:
        return {"seen_starts": self.seen_starts, "seen_items": self.seen_items}

    @classmethod
    def restore(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CollabPreprocessor:
        least, mean, greatest = map(float, state["scale"])
        starts, items = tensors["seen_starts"], tensors["seen_items"]
        names = tuple(map(str, state["users"])), tuple(map(str, state["items"]))
        return cls(str(state["task"]), *names, (least, mean, greatest), starts, items)


def look_up(positions: Mapping[str, int], names: Sequence[object]) -> Tensor:
    """Positions of ids, shape (rows,), int64; 0 where unknown or missing."""
    return torch.tensor([positions.get(clean_id(name), 0) for name in names], dtype=torch.long)


def _by_user(users: Tensor, items: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """(starts, items) of each user's items, in compressed rows."""
    counts = torch.bincount(users, minlength=rows)
    starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
    return starts, items[users.argsort(stable=True)].int()
