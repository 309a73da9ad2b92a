"""Raw ids <-> positions, and who has seen what. Position 0 of users and of items is whatever training never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.reading import clean_id
from shared.errors import UserError
from shared.loaders import Tensors
from shared.protocol import Answer, Examples, Field, Inputs


@dataclass
class CollabPreprocessor:
    """`users` and `items` are the raw ids in order of appearance; position 1 is the first of them.

    `scale` are the least, mean and greatest training rating; `seen` is what each user has in the training rows,
    `held` in the validation rows: nothing is learnt from those, but nobody wants them recommended.
    """

    task: str
    users: tuple[str, ...]
    items: tuple[str, ...]
    scale: tuple[float, float, float]
    seen: Histories
    held: Histories

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
        none = Histories.empty(len(users) + 1, len(items) + 1)
        fitted = cls(task, users, items, scale, none, none)
        fitted.seen = fitted.histories(train.inputs)
        return fitted

    @cached_property
    def user_positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.users, 1)}

    @cached_property
    def item_positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.items, 1)}

    @cached_property
    def item_counts(self) -> Tensor:
        """How many users have each item, shape (items + 1,); 0 for the unknown one."""
        return self.seen.popularity()

    @cached_property
    def holders(self) -> Histories:
        """Who has each item."""
        return self.seen.transposed()

    def histories(self, inputs: Inputs) -> Histories:
        """What known users have of known items in these rows."""
        return self.cells(*self.positions(inputs))

    def cells(self, users: Tensor, items: Tensor) -> Histories:
        """The same of positions, each of shape (rows,)."""
        return Histories.of_pairs(users, torch.where(users > 0, items, 0), len(self.users) + 1, len(self.items) + 1)

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
        basis = {(True, True): "personal", (True, False): "user-only", (False, True): "item-only"}
        support = {
            "user": int(self.seen.starts[user + 1] - self.seen.starts[user]),
            "item": int(self.item_counts[item]),
        }
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
        parts = {"seen": self.seen, "held": self.held}
        return {f"{name}_{part}": getattr(had, part) for name, had in parts.items() for part in ("starts", "items")}

    @classmethod
    def restore(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CollabPreprocessor:
        least, mean, greatest = map(float, state["scale"])
        users, items = tuple(map(str, state["users"])), tuple(map(str, state["items"]))
        seen, held = (
            Histories(tensors[f"{name}_starts"], tensors[f"{name}_items"], len(items) + 1) for name in ("seen", "held")
        )
        return cls(str(state["task"]), users, items, (least, mean, greatest), seen, held)


def look_up(positions: Mapping[str, int], names: Sequence[object]) -> Tensor:
    """Positions of ids, shape (rows,), int64; 0 where unknown or missing."""
    found = (positions.get(clean_id(name), 0) for name in names)
    return torch.from_numpy(np.fromiter(found, np.int64, len(names)))
