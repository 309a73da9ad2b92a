"""Rows of a table <-> tensors. Fitted on the training rows; takes any value a table can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.tabular import boosting
from apps.tabular.codes import kinds_of
from apps.tabular.columns import to_words
from apps.tabular.features import Category, Number, find_edges, pad_edges, raw_numbers, raw_words
from apps.tabular.forest import forest_features
from apps.tabular.kinds import CATEGORY, DATE, GROUP, MIXED, OF_NUMBERS, OF_WORDS, TEXT, USED, Kind
from apps.tabular.matching import lacking, matched, strange
from apps.tabular.recipe import TabularRecipe
from apps.tabular.repeats import is_by_chance, row_marks
from apps.tabular.targets import (
    CLASSIFICATION,
    ClassTarget,
    NumberTarget,
    Target,
    fit_target,
    target_from,
    with_transform,
)
from apps.tabular.texts import TextProjection
from apps.tabular.transforms import NONE, checked_transform, is_skewed
from apps.tabular.trials import best_transform
from shared.copies import recalled
from shared.errors import UserError, some
from shared.labels import Labels
from shared.loaders import Tensors
from shared.protocol import Answer, Columns, Examples, Field, count

TEXT_WEIGHT = "text."
TRIED = 20_000
"""Training rows, at most, on which transforms of the target are tried."""


class EncodedRows(Tensors):
    """Encoded rows; `groups`, int64 (rows,), says which belong together, where a column tells."""

    groups: Tensor | None = None


@dataclass(frozen=True)
class TabularPreprocessor:
    """`edges`, shape (numbers, bins + 1), bound the pieces of each scaled number's embedding; `seen` are the marks of the
    training rows, int64."""

    kinds: tuple[Kind, ...]
    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    target: Target
    edges: Tensor
    texts: Mapping[str, TextProjection]
    seen: Tensor

    def encode(self, inputs: Columns) -> EncodedRows:
        """(numbers, float32 (rows, n); missing flags, uint8 (rows, m); codes, int32 (rows, c))."""
        return self.spend(dict(inputs))

    def spend(self, inputs: Columns) -> EncodedRows:
        """See `shared.protocol.Spends`. Raises UserError where no column of training is there."""
        inputs = matched(inputs, self.used)
        missing = np.full(count(inputs), None, object)  # in place of a column that is not there
        codes = self._codes(inputs, missing)
        numbers, flags = self._numbers(inputs, missing)
        found = EncodedRows(*map(torch.from_numpy, (numbers, flags, codes)))
        for kind in self.kinds:
            if kind.kind == GROUP and kind.name in inputs:
                owners = [str(word) for word in to_words(inputs[kind.name]).tolist()]
                found.groups = torch.from_numpy(np.unique(owners, return_inverse=True)[1])
        return found

    def _codes(self, inputs: Columns, missing: np.ndarray) -> np.ndarray:
        """Those of all categories; columns that are nothing else are taken out of `inputs`."""
        codes = np.zeros((len(missing), len(self.categories)), np.int32)
        kinds = {kind.name: kind for kind in self.kinds}
        for i, category in enumerate(self.categories):
            kind = kinds[category.column]
            take = inputs.pop if kind.kind == CATEGORY else inputs.get
            codes[:, i] = category.encode(raw_words(kind, take(kind.name, missing)))
        return codes

    def _numbers(self, inputs: Columns, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(numbers, missing flags); the columns are taken out of `inputs`."""
        numbers = np.zeros((len(missing), len(self.numbers)), np.float32)
        flags = np.zeros((len(missing), sum(number.flagged for number in self.numbers)), np.uint8)
        kinds, parts, flag = {kind.name: kind for kind in self.kinds}, {}, 0
        for i, number in enumerate(self.numbers):  # the parts of one column stand side by side
            if not i or number.column != self.numbers[i - 1].column:
                column = inputs.pop(number.column, missing)
                parts = raw_numbers(kinds[number.column], column, self.texts.get(number.column))
            numbers[:, i] = number.encode(parts[number.part])
            if number.flagged:
                flags[:, flag] = np.isnan(parts[number.part])
                flag += 1
        return numbers, flags

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the columns that it learns from."""
        return tuple(kind.name for kind in self.kinds if kind.kind in USED)

    def differences(self, inputs: Columns) -> list[str]:
        """See `shared.protocol.Compares`."""
        absent = lacking(inputs, self.used)
        if len(absent) == len(self.used):  # answering is refused, or nothing is known of any row
            return []
        said = [f"columns that training had are lacking, taken as missing: {some(absent)}"] if absent else []
        categories = {category.column: category for category in self.categories}
        return said + strange(matched(inputs, self.used), self.kinds, categories)

    def recalled(self, examples: Examples, of: str = "") -> list[str]:
        """See `shared.protocol.Recalls`."""
        if not len(self.seen) or lacking(examples.inputs, self.used):
            return []
        found, seen = row_marks(examples, self.kinds), self.seen.numpy()
        return [] if is_by_chance(found, seen) else recalled(found, seen, "rows", of)

    @property
    def labels(self) -> Labels | None:
        """The classes, where the target is one of some."""
        return self.target.labels if isinstance(self.target, ClassTarget) else None

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        return self.target.encode(targets)

    def decode(self, outputs: Tensor, inputs: Columns) -> list[Answer]:
        return self.target.answers(outputs)

    def fields(self) -> list[Field]:
        medians = {number.column: number.centre for number in self.numbers}
        words = {category.column: category.words for category in self.categories}
        return [_field(kind, medians, words) for kind in self.kinds if kind.kind in USED]

    def state(self) -> dict[str, Any]:
        return {
            "kinds": [[kind.name, kind.kind, kind.detail] for kind in self.kinds],
            "numbers": [asdict(number) for number in self.numbers],
            "categories": [category.state() for category in self.categories],
            "target": self.target.state(),
        }

    def tensors(self) -> dict[str, Tensor]:
        texts = {TEXT_WEIGHT + name: torch.from_numpy(text.weight) for name, text in self.texts.items()}
        return {"edges": self.edges, "seen": self.seen, **texts}


def fit(train: Examples, recipe: TabularRecipe) -> TabularPreprocessor:
    """Raises UserError where no column is left to learn from, or the target cannot be learnt."""
    columns: Columns = train.inputs
    kinds = tuple(kinds_of(train, recipe))
    texts = {kind.name: TextProjection.fit(columns[kind.name]) for kind in kinds if kind.kind == TEXT}
    numbers, edges = _fit_numbers(kinds, columns, texts, recipe.bins)
    worded = [kind for kind in kinds if kind.kind in OF_WORDS]
    categories = tuple(Category.fit(kind.name, raw_words(kind, columns[kind.name])) for kind in worded)
    if not numbers and not categories:
        raise UserError("no column is left to learn from: each is empty, constant or an identifier; add others")
    target = fit_target(train.targets, recipe.task, recipe.interval)
    seen = torch.from_numpy(row_marks(train, kinds))
    fitted = TabularPreprocessor(kinds, tuple(numbers), categories, target, edges, texts, seen)
    return fitted if recipe.task == CLASSIFICATION else _with_transform(fitted, train, recipe)


def _with_transform(fitted: TabularPreprocessor, train: Examples, recipe: TabularRecipe) -> TabularPreprocessor:
    """The target learnt after the transform that was asked for, or that quick forests find best."""
    target, asked = fitted.target, recipe.target_transform
    assert isinstance(target, NumberTarget)
    transform = _best_transform(fitted, train, recipe.seed) if asked == "auto" else asked
    moved = with_transform(target, train.targets, checked_transform(transform, train.targets))
    return replace(fitted, target=moved)


def _best_transform(fitted: TabularPreprocessor, train: Examples, seed: int) -> str:
    """By trial, where one is worth it."""
    if not boosting.installed() or not is_skewed(train.targets):
        return NONE
    sample = train.take(np.random.default_rng(seed).permutation(len(train))[:TRIED])
    numbers, flags, codes = fitted.encode(sample.inputs).tensors
    features, first = forest_features(numbers, flags, codes), numbers.shape[1] + flags.shape[1]
    sizes = [len(category) for category in fitted.categories]
    return best_transform(features, fitted.encode_targets(sample.targets), sizes, first, seed)


def _fit_numbers(
    kinds: tuple[Kind, ...], columns: Columns, texts: Mapping[str, TextProjection], bins: int
) -> tuple[list[Number], Tensor]:
    numbers: list[Number] = []
    edges: list[np.ndarray] = []
    for kind in kinds:
        if kind.kind not in OF_NUMBERS:
            continue
        for part, values in raw_numbers(kind, columns[kind.name], texts.get(kind.name)).items():
            number = Number.fit(kind.name, part, values)
            if number is not None:
                numbers.append(number)
                edges.append(find_edges(number.encode(values), bins))
    return numbers, torch.from_numpy(pad_edges(edges, bins))


def restore(state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TabularPreprocessor:
    return TabularPreprocessor(
        tuple(Kind(*map(str, kind)) for kind in state["kinds"]),
        tuple(Number(**number) for number in state["numbers"]),
        tuple(Category.from_state(category) for category in state["categories"]),
        target_from(state["target"]),
        tensors["edges"],
        {
            name.removeprefix(TEXT_WEIGHT): TextProjection(weight.numpy())
            for name, weight in tensors.items()
            if name.startswith(TEXT_WEIGHT)
        },
        tensors.get("seen", torch.zeros(0, dtype=torch.long)),  # models of before have none
    )


def _field(kind: Kind, medians: Mapping[str, float], words: Mapping[str, tuple[str | None, ...]]) -> Field:
    if kind.kind == CATEGORY:
        choices = tuple(word for word in words[kind.name] if word is not None)
        return Field(kind.name, "choice", choices, choices[0] if choices else None)
    if kind.kind in (MIXED, DATE, TEXT):
        return Field(kind.name, "text")
    return Field(kind.name, "number", (), medians.get(kind.name))
