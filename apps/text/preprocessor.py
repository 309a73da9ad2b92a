"""Texts to tensors and logits to answers; the n-grams worth keeping are found on the training texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps.text import encoder, passages
from apps.text.encoded import Texts, Windows
from apps.text.encoder import Spec
from apps.text.grams import BITS, grams
from apps.text.inputs import as_array
from apps.text.passages import chi_squared
from apps.text.ragged import Ragged
from apps.text.recipe import TextRecipe
from apps.text.repeats import marks
from apps.text.several import shares
from apps.text.tokens import Tokens
from shared.classes import Classes, answers_of, classes_from, fit_classes
from shared.copies import recalled
from shared.protocol import Answer, Examples, Field
from shared.sampling import evenly

MOST_WEIGHTS = 6_000_000
"""Features times classes of the n-gram expert: bounds the artifact and the time of the fit."""
LEAST_FEATURES = 10_000

NOTHING = torch.zeros(0, dtype=torch.long)
"""No buckets, or no marks."""

ROWS = 8192
"""Texts looked at together where all at once would take much memory."""


@dataclass
class TextPreprocessor:
    """`buckets`: the hashes that are features, ascending, int64; `letters`: whether n-grams of letters are made;
    `long`: what the encoder sees of a text that has more than `max_tokens`; `telling`: how much each token tells."""

    labels: Classes
    buckets: Tensor
    letters: bool
    spec: Spec | None = None
    max_tokens: int = 0
    long: str = "ends"
    telling: Tensor = field(default_factory=lambda: torch.zeros(0))
    kept: dict[int, tuple[Any, Ragged]] = field(default_factory=dict, compare=False, repr=False)
    """By the id of texts, which is theirs alone while they are kept too: their hashes, till they are asked for."""
    seen: Tensor = NOTHING
    """The marks of the training texts and, at the end, the validation texts that are not empty."""

    @cached_property
    def _positions(self) -> np.ndarray:
        positions = np.full(1 << BITS, -1, np.int32)
        positions[self.buckets.numpy()] = np.arange(len(self.buckets), dtype=np.int32)
        return positions

    @cached_property
    def _tokens(self) -> Tokens | None:
        return None if self.spec is None else Tokens(self.spec.tokenizer)

    def encode(self, inputs: Any) -> Texts:
        texts = as_array(inputs).tolist()
        found = Ragged.empty(len(texts))
        if len(self.buckets):
            _, hashed = self.kept.pop(id(inputs), (None, None))  # the training texts were hashed to find the buckets
            found = select(grams(texts, self.letters) if hashed is None else hashed, self._positions)
        if self._tokens is None or self.spec is None:
            return Texts(found, marks=marks(texts))
        begins = np.arange(len(texts) + 1)
        if self.long == "windows":
            tokens, begins = self._tokens.windows(texts, self.max_tokens)
        elif self.long == "telling" and len(self.telling):
            tokens = self._tokens.passages(texts, self.max_tokens, self.telling.numpy())
        else:
            tokens = self._tokens.encode(texts, self.max_tokens)
        return Texts(found, Windows(tokens, begins, self.spec.pad), marks(texts))

    def encode_targets(self, targets: np.ndarray) -> Tensor:
        return self.labels.encode(targets)

    def decode(self, outputs: Tensor, inputs: Any) -> list[Answer]:
        return answers_of(self.labels, outputs)

    def recalled(self, examples: Examples, of: str = "") -> list[str]:
        """See `shared.protocol.Recalls`."""
        return recalled(marks(examples.inputs), self.seen.numpy(), "texts", of)

    def fields(self) -> list[Field]:
        return [Field("text", "text")]

    def state(self) -> dict[str, Any]:
        encoder = None if self.spec is None else self.spec.state()
        return {
            "labels": self.labels.state(),
            "letters": self.letters,
            "max_tokens": self.max_tokens,
            "long": self.long,
            "encoder": encoder,
        }

    def tensors(self) -> dict[str, Tensor]:
        return {"buckets": self.buckets, "telling": self.telling, "seen": self.seen}


def fit(train: Examples, recipe: TextRecipe) -> TextPreprocessor:
    """Finds the n-grams worth keeping, and takes the encoder's description into the state."""
    texts, labels = train.inputs.tolist(), fit_classes(train.targets, recipe.separator)
    inside = shares(labels.encode(train.targets), len(labels.names))
    weights, _ = encoder.find_weights(recipe.weights)
    spec = None if weights is None else encoder.read_spec(weights, texts)
    fitted = TextPreprocessor(
        labels,
        buckets=NOTHING,
        letters=recipe.ngrams != "none" and recipe.characters == "yes",
        spec=spec,
        max_tokens=recipe.max_tokens,
        long=recipe.long,
        seen=torch.from_numpy(marks(text for text in texts if text.strip()).copy()),
    )
    if spec is not None and recipe.long == "telling":
        fitted.telling = fit_telling(spec, texts, inside)
    if recipe.ngrams != "none":
        hashed = grams(texts, fitted.letters)
        fitted.buckets = find_buckets(hashed, inside)
        fitted.kept[id(train.inputs)] = train.inputs, hashed
    return fitted


def restore(state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TextPreprocessor:
    """The preprocessor that `state` and `tensors` describe. Raises KeyError or ValueError where they do not."""
    spec = None if state["encoder"] is None else Spec(**state["encoder"])
    buckets = tensors["buckets"]
    if buckets.dtype != torch.long or (len(buckets) and not 0 <= buckets.min() <= buckets.max() < 1 << BITS):
        raise ValueError("the hashes of the n-grams are out of range")
    labels, telling = classes_from(state["labels"]), tensors["telling"]
    if telling.dtype != torch.float or telling.ndim != 1:
        raise ValueError("how much each token tells is not a row of numbers")
    longest, long = int(state["max_tokens"]), str(state["long"])
    found = TextPreprocessor(labels, buckets, bool(state["letters"]), spec, longest, long, telling)
    return replace(found, seen=tensors.get("seen", found.seen))


def fit_telling(spec: Spec, texts: Sequence[str], inside: Tensor) -> Tensor:
    """How much each of the encoder's tokens tells about the class, from some of the training texts."""
    some = evenly(len(texts), passages.LOOKED_AT)
    tokens = Tokens(spec.tokenizer)
    found = tokens.read([texts[i] for i in some])
    return torch.from_numpy(passages.fit_telling(found, inside[torch.from_numpy(some)], tokens.size))


def select(found: Ragged, positions: np.ndarray) -> Ragged:
    """Buckets as feature positions; those that are no features are left out."""
    parts = []
    for start in range(0, len(found), ROWS):  # what is made of some rows is small beside the whole
        offsets = found.offsets[start : start + ROWS + 1]
        values = positions[found.values[offsets[0] : offsets[-1]]]
        known = values >= 0
        before = np.concatenate([[0], np.cumsum(known)])[offsets - offsets[0]]
        parts.append(Ragged.of(values[known], np.diff(before)))
    return Ragged.joined(parts)


def find_buckets(found: Ragged, inside: Tensor) -> Tensor:
    """The buckets that stand in two training texts or more, and of those the ones that tell most (chi squared).

    `inside`: how much each text is of each class, shape (rows, classes).
    """
    counts = np.bincount(found.values, minlength=1 << BITS)
    kept = np.flatnonzero(counts >= 2)
    most = max(MOST_WEIGHTS // inside.shape[1], LEAST_FEATURES)
    if len(kept) > most:
        told = chi_squared(found, counts, kept, inside.numpy())
        kept = np.sort(kept[np.argpartition(-told, most)[:most]])
    return torch.from_numpy(kept)
