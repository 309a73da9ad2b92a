"""The dials that the texts decide when a person did not: encoder, length, passes, n-grams of letters.

Times are estimated from counts of tokens, never from a clock, so that a run repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.text.encoder import Spec, find_weights, read_spec
from apps.text.recipe import TextRecipe
from apps.text.tokens import Tokens
from shared.precision import resolve_device

SAMPLE = 400
FORWARD_RATE, TRAINING_RATE = 20_000.0, 5_000.0
"""Tokens a second of a network of six layers of width 384, on two cores: an order of magnitude to plan by."""
PLANNED_FOR = 6 * 384 * 384
GPU = 60.0  # times faster
UNKNOWN = 0.15
"""Share of unknown tokens from which an encoder does not speak the language of the texts."""
SHORT = 400
"""Median characters below which n-grams of letters are worth their time."""
LENGTHS = (256, 128, 64)
EPOCHS = {"fast": 0, "default": 3, "best": 5}


@dataclass(frozen=True)
class Survey:
    """What a sample of the texts says: tokens of each, and what it costs to read them once."""

    lengths: np.ndarray
    rows: int  # in training
    every: int  # in all parts
    slower: float  # than the network planned for, on this device

    def seconds(self, rows: int, longest: int, rate: float) -> float:
        return rows * float(np.minimum(self.lengths, longest).mean()) * self.slower / rate


def settle(recipe: TextRecipe, texts: np.ndarray, every: int, judged: bool) -> tuple[TextRecipe, list[str]]:
    """(recipe without open dials, notes). `every`: rows of all parts; `judged`: whether validation has rows."""
    short = float(np.median([len(text) for text in _sample(texts)])) < SHORT
    if recipe.characters == "auto":
        recipe = replace(recipe, characters="yes" if short else "no")
    weights, note = find_weights(recipe.weights)
    if weights is None:
        if recipe.ngrams == "none":
            recipe, note = replace(recipe, ngrams="auto"), f"{note}, with n-grams, the only expert left"
        return _without(recipe), [note]
    spec = read_spec(weights)
    survey, unknown = _survey(recipe, spec, texts, every)
    if unknown > UNKNOWN and recipe.weights == "auto":
        return _without(recipe), [
            f"{note}, but it does not know {unknown:.0%} of these texts' tokens: n-grams alone; "
            "name an encoder of their language with --weights"
        ]
    recipe, said = _settle_length(recipe, spec, survey)
    if recipe.weights == "none":
        return _without(recipe), [note, *said]
    recipe, more = _settle_epochs(recipe, survey, judged)
    return recipe, [note, *said, *more]


def _without(recipe: TextRecipe) -> TextRecipe:
    return replace(recipe, weights="none", epochs=recipe.epochs or 0, max_tokens=recipe.max_tokens or 0)


def _sample(texts: np.ndarray) -> list[str]:
    return texts[np.linspace(0, len(texts) - 1, min(SAMPLE, len(texts))).astype(int)].tolist()


def _survey(recipe: TextRecipe, spec: Spec, texts: np.ndarray, every: int) -> tuple[Survey, float]:
    tokens = Tokens(spec.tokenizer)
    found = tokens.encode(_sample(texts), recipe.max_tokens or min(spec.longest, 512))
    config = spec.config
    layers = int(config.get("num_hidden_layers") or config.get("n_layers") or 12)
    size = layers * int(config.get("hidden_size") or config.get("dim") or 768) ** 2
    slower = size / PLANNED_FOR / (GPU if resolve_device(recipe.device) != "cpu" else 1.0)
    return Survey(np.diff(found.offsets), len(texts), every, slower), tokens.unknown_share(found)


def _settle_length(recipe: TextRecipe, spec: Spec, survey: Survey) -> tuple[TextRecipe, list[str]]:
    """The greatest length whose features are affordable; no encoder where none is."""
    allowed = [recipe.max_tokens] if recipe.max_tokens else LENGTHS
    limit = 60 * recipe.features_minutes
    longest = next((n for n in allowed if survey.seconds(survey.every, n, FORWARD_RATE) <= limit), None)
    if longest is None:
        if not recipe.max_tokens:
            seconds = survey.seconds(survey.every, allowed[-1], FORWARD_RATE)
            note = f"the encoder would take {seconds / 60:.0f} min for one pass of {allowed[-1]} tokens a text, over "
            note += f"--features-minutes {recipe.features_minutes:g}: n-grams alone"
            return replace(recipe, weights="none"), [note]
        longest = recipe.max_tokens
    longest = min(longest, spec.longest, max(-(-int(survey.lengths.max()) // 8) * 8, 8))
    cut = float((survey.lengths > longest).mean())
    notes = [f"long texts: {cut:.0%} are cut to their first and last {longest // 2} tokens"] if cut else []
    return replace(recipe, max_tokens=longest), notes


def _settle_epochs(recipe: TextRecipe, survey: Survey, judged: bool) -> tuple[TextRecipe, list[str]]:
    seconds = survey.seconds(survey.rows, recipe.max_tokens, TRAINING_RATE)
    features = survey.seconds(survey.every, recipe.max_tokens, FORWARD_RATE)
    if recipe.epochs is None:
        epochs = min(EPOCHS[recipe.preset], int(60 * recipe.minutes / max(seconds, 1e-9)))
        recipe = replace(recipe, epochs=epochs)
    note = f"estimated on two cores: features {_duration(features)}, fine-tuning {_duration(seconds)} an epoch, "
    note += f"{recipe.epochs} epochs"
    if not recipe.epochs and EPOCHS[recipe.preset]:
        note += f" (over --minutes {recipe.minutes:g}: the encoder stays as it is)"
    return recipe, [note]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
