"""Batches: encoded inputs sliced by position, in a repeatable order, as fastai's Learner takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shared.protocol import Data, Encoded

if TYPE_CHECKING:
    from fastai.data.core import DataLoaders

TOKENS_PER_ROW = 128
"""Where rows differ in length, a batch holds at most `batch_size * TOKENS_PER_ROW` cells, padding included."""

WIDTHS = 8
"""Of batches whose rows differ in length, between one power of two and the next. Each new shape costs a network time to make
ready for, and blocks of memory that fit no other (docs/experiments/text.md)."""


class Tensors:
    """Encoded inputs that are plain tensors of one length: a batch is a slice of each."""

    lengths: Tensor | None = None

    def __init__(self, *tensors: Tensor) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor[rows] for tensor in self.tensors)


class Chosen:
    """Some rows of encoded inputs, by position, in the order given."""

    def __init__(self, inputs: Encoded, rows: Tensor) -> None:
        self.inputs, self.rows = inputs, rows
        self.lengths = None if inputs.lengths is None else inputs.lengths[rows]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor) -> tuple[Tensor, ...]:
        return self.inputs.batch(self.rows[rows])


def chosen(part: Data, rows: Tensor) -> Data:
    """These rows of a split, in this order, without a copy of the inputs."""
    return Data(Chosen(part.inputs, rows), part.targets[rows], None if part.weights is None else part.weights[rows])


def some(part: Data, rows: int | None, seed: int) -> Data:
    """So many rows at random, all of them where `rows` is None."""
    if rows is None or rows >= len(part):
        return part
    return chosen(part, torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))[:rows])


def batches(
    rows: int, batch_size: int, lengths: Tensor | None = None, order: torch.Generator | None = None
) -> list[Tensor]:
    """Positions of each batch. With `lengths`, rows of like length stand together within a cell budget;
    with `order`, both the rows and the batches are shuffled by that generator."""
    positions = torch.arange(rows) if order is None else torch.randperm(rows, generator=order)
    if lengths is None:
        return list(positions.split(batch_size))
    pool = rows if order is None else batch_size * 50
    sorted_pools = [part[lengths[part].argsort(stable=True)] for part in positions.split(max(pool, 1))]
    cut = [batch for part in sorted_pools for batch in _within_budget(part, lengths, batch_size)]
    if order is None:
        return cut
    return [cut[i] for i in torch.randperm(len(cut), generator=order).tolist()]


def rounded(length: int) -> int:
    """A length, one or more, up to the next of the widths that batches have."""
    step = max((1 << length.bit_length() - 1) // WIDTHS, 1)
    return -(-length // step) * step


def _within_budget(rows: Tensor, lengths: Tensor, batch_size: int) -> list[Tensor]:
    cells, cut, start = batch_size * TOKENS_PER_ROW, [], 0
    sizes = lengths[rows].tolist()
    for i, length in enumerate(sizes):  # ascending: the row at hand is the longest so far
        if i > start and (i - start >= batch_size or (i - start + 1) * rounded(length) > cells):
            cut.append(rows[start:i])
            start = i
    return [*cut, rows[start:]] if len(rows) else cut


class Loader:
    """The little that fastai's Learner asks of a loader: iteration, length, device, n_inp, drop_last; new, get_idxs and one_batch.

    Each pass has its own order, a function of `seed` and the pass's number alone, so a resumed run
    sees what the uninterrupted one would have seen.
    """

    drop_last = False

    def __init__(self, data: Data, batch_size: int, seed: int | None = None, device: str = "cpu") -> None:
        self.data, self.batch_size, self.seed = data, batch_size, seed
        self.device = torch.device(device)
        self.passes = 0
        self.n_inp = len(data.inputs.batch(torch.arange(min(1, len(data)))))
        self._length = len(self._order(0))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = self._order(self.passes)
        self.passes += 1
        for rows in order:
            weights = () if self.data.weights is None or self.seed is None else (self.data.weights[rows],)
            batch = (*self.data.inputs.batch(rows), self.data.targets[rows], *weights)
            yield tuple(tensor.to(self.device, non_blocking=True) for tensor in batch)

    def _order(self, number: int) -> list[Tensor]:
        shuffle = None if self.seed is None else torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order = batches(len(self.data), self.batch_size, self.data.inputs.lengths, shuffle)
        return order if shuffle is None else _merge_single(order)

    def to(self, device: torch.device | str) -> Loader:
        self.device = torch.device(device)
        return self

    def new(self, shuffle: bool = False, drop_last: bool = False, get_idxs: object = None) -> Loader:
        """The same rows in the order of `get_idxs`, or shuffled, none dropped: so asks `Learner.get_preds`."""
        return Loader(self.data, self.batch_size, self.seed if shuffle else None, str(self.device))

    def one_batch(self) -> tuple[Tensor, ...]:
        """The first rows in order, as `Learner.summary` asks for them; no pass is counted."""
        return next(iter(self.new()))

    def get_idxs(self) -> list[int]:
        """The rows as a pass without shuffling takes them: `Learner.get_preds` puts its answers back in order by it."""
        return [row for rows in self.new()._order(0) for row in rows.tolist()]


def _merge_single(order: list[Tensor]) -> list[Tensor]:
    """A training batch of one row breaks BatchNorm: it joins another."""
    singles = [rows for rows in order if len(rows) == 1]
    rest = [rows for rows in order if len(rows) > 1]
    if not singles or not rest:
        return order
    return [*rest[:-1], torch.cat([rest[-1], *singles])]


def data_loaders(train: Data, valid: Data, batch_size: int, seed: int, device: str) -> DataLoaders:
    """fastai's pair of loaders over our batches; training is shuffled, validation is in order."""
    from fastai.data.core import DataLoaders

    return DataLoaders(
        Loader(train, batch_size, seed, device), Loader(valid, batch_size * 2, None, device), device=device
    )
