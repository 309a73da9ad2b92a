"""What a person brings to measure on: pairs that stand in training too, and users and items that training never saw."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from apps.collab.histories import Histories
from apps.collab.ids import ROLES, look_up, positions_of
from apps.collab.sides import Interactions
from shared.copies import copied
from shared.protocol import Examples


def compared(train: Interactions, examples: Examples, part: str) -> list[str]:
    """What to say of rows measured whose user and item stand in training too, as their answers are known, whose user or
    item stands neither there nor in a side table, or that are older than training's."""
    if not len(examples):
        return []
    pairs, known = [], []
    for role in ROLES:
        names = train.inputs[role].remove_unused_categories().categories
        told = train.sides[role].ids if role in train.sides else ()
        places = positions_of(dict.fromkeys((*names, *told)))
        pairs.append(look_up(places, examples.inputs[role]))
        known.append(look_up(places, train.inputs[role]))
    alike = copied([part.numpy() for part in pairs], [part.numpy() for part in known])
    return _told(alike, len(examples), part) + unknown_ids(pairs, part) + _older(train, examples, part)


def _older(train: Interactions, examples: Examples, part: str) -> list[str]:
    if "time" not in train.inputs or "time" not in examples.inputs:
        return []
    older = int((examples.inputs["time"] < train.inputs["time"].max()).sum())
    said = f"{older:,} of {len(examples):,} {part} rows are older than the last training row"
    return [f"{said}: training has seen their future"] if older else []


def seen_pairs(seen: Histories, pairs: tuple[Tensor, Tensor], of: str = "") -> list[str]:
    """What to say of rows to measure a trained model on that it has `seen`, by the positions of their users and items."""
    alike = copied([part.numpy() for part in pairs], [seen.rows().int().numpy(), seen.items.numpy()])
    return _told(alike, len(pairs[0]), "measured", of)


def unknown_ids(pairs: Sequence[Tensor], part: str) -> list[str]:
    """What to say of positions of users and of items that are 0: unknown."""
    users, items = (int((positions == 0).sum()) for positions in pairs)
    said = f"of {len(pairs[0]):,} {part} rows {users:,} have a user and {items:,} an item that training never saw"
    return [f"{said}: if they should be known, check how ids are written"] if users or items else []


def _told(alike: int, rows: int, part: str, of: str = "") -> list[str]:
    """`of`: an earlier model whose training rows they are."""
    said = f"{alike:,} of {rows:,} {part} rows have a user and item of the training rows{f' of {of}' if of else ''}"
    return [f"{said}: results mislead; {'measure on others (--test)' if of else 'delete them there'}"] if alike else []
