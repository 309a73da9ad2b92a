"""Rows of a table <-> tensors. Fitted on the training rows; takes any value a table can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.tabular import boosting
from apps.tabular.codes import kinds_of
from apps.tabular.columns import plain_words, to_words, words_only
from apps.tabular.features import (
    Category,
    Number,
    category_from,
    category_state,
    find_edges,
    number_state,
    pad_edges,
    raw_numbers,
)
from apps.tabular.kinds import CATEGORY, CODE, DATE, GROUP, MIXED, NUMBER, TEXT, USED, Kind
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
from apps.tabular.transforms import checked_transform, is_skewed
from apps.tabular.trials import PROBED, best_transform
from shared.copies import recalled
from shared.errors import UserError, some
from shared.labels import Labels
from shared.loaders import Tensors
from shared.protocol import Answer, Columns, Examples, Field, count

TEXT_WEIGHT = "text."
AUTO_TRANSFORM = "auto"
OF_NUMBERS, OF_WORDS = (NUMBER, MIXED, CODE, DATE, TEXT), (CATEGORY, MIXED, CODE)


class Rows(Tensors):
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

    def encode(self, inputs: Columns) -> Rows:
        """(numbers, float32 (rows, n); missing flags, uint8 (rows, m); codes, int32 (rows, c))."""
        return self.spend(dict(inputs))

    def spend(self, inputs: Columns) -> Rows:
        """See `shared.protocol.Spends`. Raises UserError where no column of training is there."""
        inputs = matched(inputs, self.used)
        rows, group = count(inputs), next((kind.name for kind in self.kinds if kind.kind == GROUP), None)
        groups = inputs.get(group or "")
        numbers = np.zeros((rows, len(self.numbers)), np.float32)
        flags = np.zeros((rows, sum(n.flagged for n in self.numbers)), np.uint8)
        codes = np.zeros((rows, len(self.categories)), np.int32)
        kinds = {kind.name: kind.kind for kind in self.kinds}
        for i, category in enumerate(self.categories):
            words = _words(inputs.get(category.column, _missing(rows)), kinds[category.column])
            codes[:, i] = category.encode(words)
            if kinds[category.column] == CATEGORY:
                inputs.pop(category.column, None)
        self._fill_numbers(inputs, numbers, flags)
        found = Rows(torch.from_numpy(numbers), torch.from_numpy(flags), torch.from_numpy(codes))
        if groups is not None:
            owners = [str(word) for word in to_words(groups).tolist()]
            found.groups = torch.from_numpy(np.unique(owners, return_inverse=True)[1])
        return found

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the columns that it learns from."""
        return tuple(kind.name for kind in self.kinds if kind.kind in USED)

    def differences(self, inputs: Columns) -> list[str]:
        """See `shared.model.Compares`."""
        absent = lacking(inputs, self.used)
        if len(absent) == len(self.used):  # answering is refused, or nothing is known of any row
            return []
        said = [f"columns that training had are lacking, taken as missing: {some(absent)}"] if absent else []
        categories = {category.column: category for category in self.categories}
        return said + strange(matched(inputs, self.used), self.kinds, categories)

    def recalled(self, examples: Examples, of: str = "") -> list[str]:
        """See `shared.model.Recalls`."""
        if not len(self.seen) or lacking(examples.inputs, self.used):
            return []
        found, seen = row_marks(examples, self.kinds), self.seen.numpy()
        return [] if is_by_chance(found, seen) else recalled(found, seen, "rows", of)

    def _fill_numbers(self, inputs: Columns, numbers: np.ndarray, flags: np.ndarray) -> None:
        kinds, parts, flag = {kind.name: kind for kind in self.kinds}, {}, 0
        for i, number in enumerate(self.numbers):  # the parts of one column stand side by side
            if not i or number.column != self.numbers[i - 1].column:
                column = _taken(inputs, number.column, len(numbers))
                parts = raw_numbers(kinds[number.column], column, self.texts.get(number.column))
            numbers[:, i] = number.encode(parts[number.part])
            if number.flagged:
                flags[:, flag] = np.isnan(parts[number.part])
                flag += 1

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
            "numbers": [number_state(number) for number in self.numbers],
            "categories": [category_state(category) for category in self.categories],
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
    words = ((kind.name, _words(columns[kind.name], kind.kind)) for kind in kinds if kind.kind in OF_WORDS)
    categories = tuple(Category.fit(name, column) for name, column in words)
    if not numbers and not categories:
        raise UserError("no column is left to learn from: each is empty, constant or an identifier; add others")
    target = fit_target(train.targets, recipe.task, recipe.interval)
    seen = torch.from_numpy(row_marks(train, kinds))
    fitted = TabularPreprocessor(kinds, tuple(numbers), categories, target, edges, texts, seen)
    return fitted if recipe.task == CLASSIFICATION else _with_transform(fitted, train, recipe)


def _with_transform(fitted: TabularPreprocessor, train: Examples, recipe: TabularRecipe) -> TabularPreprocessor:
    """The target learnt after the transform that was asked for, or that quick forests find best."""
    target, transform = fitted.target, recipe.target_transform
    assert isinstance(target, NumberTarget)
    if transform == AUTO_TRANSFORM:
        if not boosting.installed() or not is_skewed(train.targets):
            return fitted
        sample = train.take(np.random.default_rng(recipe.seed).permutation(len(train))[:PROBED])
        inputs = fitted.encode(sample.inputs).tensors
        sizes, first = [len(category) for category in fitted.categories], inputs[0].shape[1] + inputs[1].shape[1]
        features = boosting.forest_features(*inputs)
        transform = best_transform(features, target.encode(sample.targets), sizes, first, recipe.seed)
    moved = with_transform(target, train.targets, checked_transform(transform, train.targets))
    return replace(fitted, target=moved)


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
        tuple(category_from(category) for category in state["categories"]),
        target_from(state["target"]),
        tensors["edges"],
        {
            name.removeprefix(TEXT_WEIGHT): TextProjection(weight.numpy())
            for name, weight in tensors.items()
            if name.startswith(TEXT_WEIGHT)
        },
        tensors.get("seen", torch.zeros(0, dtype=torch.long)),  # models of before have none
    )


def _taken(inputs: Columns, name: str, rows: int) -> np.ndarray:
    """A column by name, out of `inputs`; one that is not there is missing in every row."""
    return inputs.pop(name, _missing(rows))


def _words(column: np.ndarray, kind: str) -> np.ndarray:
    if kind == CODE:
        return plain_words(column)
    return words_only(column) if kind == MIXED else column


def _missing(rows: int) -> np.ndarray:
    return np.full(rows, None, object)


def _field(kind: Kind, medians: Mapping[str, float], words: Mapping[str, tuple[str | None, ...]]) -> Field:
    if kind.kind == CATEGORY:
        choices = tuple(word for word in words[kind.name] if word is not None)
        return Field(kind.name, "choice", choices, choices[0] if choices else None)
    return (
        Field(kind.name, "text")
        if kind.kind in (MIXED, DATE, TEXT)
        else Field(kind.name, "number", (), medians.get(kind.name))
    )
