"""The dials that the texts decide when a person did not: encoder, length, passes, n-grams of letters.

Times are estimated from counts of tokens, never from a clock, so that a run repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from apps.text.encoder import Spec, find_weights, read_spec
from apps.text.recipe import TextRecipe
from apps.text.tokens import MOST_WINDOWS, Tokens
from shared.precision import resolve, resolve_device

SAMPLE = 400
FORWARD_RATE, TRAINING_RATE = 5_500.0, 1_200.0
"""Tokens a second of six layers of width 384 on one processor core in bfloat16 (AVX-512): an order to plan by."""
PLANNED_FOR = 6 * 384 * 384
SLOWER = 2.2  # in float32
GPU = 120.0  # times faster than one core
UNKNOWN = 0.15
"""Share of unknown tokens from which an encoder does not speak the language of the texts."""
SHORT = 400
"""Median characters below which n-grams of letters are worth their time."""
MOST_LETTERS = 40_000_000
"""Characters of all texts up to which they are affordable: a character gives twenty bytes of them."""
LENGTHS = (256, 192, 128, 96, 64)
EPOCHS = {"fast": 0, "default": 3, "best": 5}
TIMES_JUDGED = 3
"""Passes over the validation rows beside the epochs' own: the frozen encoder's, the blend's, the last."""


@dataclass(frozen=True)
class Survey:
    """What a sample of the texts says: tokens of each, and what it costs to read one."""

    lengths: np.ndarray
    rows: tuple[int, int, int]  # train, valid, test
    slower: float  # than the network planned for, on one core in bfloat16
    windows: bool  # whether all of a long text is read

    def seconds(self, rows: int, longest: int, rate: float) -> float:
        most = longest * MOST_WINDOWS if self.windows else longest
        return rows * float(np.minimum(self.lengths, most).mean()) * self.slower / rate

    def frozen(self, longest: int) -> float:
        """Seconds with the encoder as it is: train and test once, validation for every judgement."""
        train, valid, test = self.rows
        return self.seconds(train + TIMES_JUDGED * valid + test, longest, FORWARD_RATE)

    def epoch(self, longest: int) -> float:
        """Seconds of one pass of fine-tuning and its validation."""
        train, valid, _ = self.rows
        return self.seconds(train, longest, TRAINING_RATE) + self.seconds(valid, longest, FORWARD_RATE)


def plan(recipe: TextRecipe, texts: np.ndarray, rows: tuple[int, int, int]) -> tuple[TextRecipe, list[str]]:
    """(recipe without open dials, notes), from the training texts and the number of rows of train, valid, test."""
    if recipe.characters == "auto":
        sizes = [len(text) for text in _sample(texts)]
        few = float(np.median(sizes)) < SHORT and float(np.mean(sizes)) * sum(rows) < MOST_LETTERS
        recipe = replace(recipe, characters="yes" if few else "no")
    weights, note = find_weights(recipe.weights)
    if weights is None:
        if recipe.ngrams == "none":
            recipe, note = replace(recipe, ngrams="auto"), f"{note}, with n-grams, the only expert left"
        return _without(recipe), [note]
    spec = read_spec(weights)
    survey, unknown = _survey(recipe, spec, texts, rows)
    if unknown > UNKNOWN and recipe.weights == "auto":
        return _without(recipe), [
            f"{note}, but it does not know {unknown:.0%} of these texts' tokens: n-grams alone; "
            "name an encoder of their language with --weights"
        ]
    recipe, said = _plan_encoder(recipe, spec, survey)
    return recipe, [note, *said]


def _without(recipe: TextRecipe) -> TextRecipe:
    return replace(recipe, weights="none", epochs=recipe.epochs or 0, max_tokens=recipe.max_tokens or 0)


def _sample(texts: np.ndarray) -> list[str]:
    return texts[np.linspace(0, len(texts) - 1, min(SAMPLE, len(texts))).astype(int)].tolist()


def _survey(recipe: TextRecipe, spec: Spec, texts: np.ndarray, rows: tuple[int, int, int]) -> tuple[Survey, float]:
    tokens = Tokens(spec.tokenizer)
    found = tokens.encode(_sample(texts), LENGTHS[0] * MOST_WINDOWS)
    config, device = spec.config, resolve_device(recipe.device)
    layers = int(config.get("num_hidden_layers") or config.get("n_layers") or 12)
    slower = layers * int(config.get("hidden_size") or config.get("dim") or 768) ** 2 / PLANNED_FOR
    slower *= 1.0 if resolve(recipe.precision, device) == "bf16" else SLOWER
    slower /= torch.get_num_threads() if device == "cpu" else GPU
    return Survey(np.diff(found.offsets), rows, slower, recipe.long == "windows"), tokens.unknown_share(found)


def _plan_encoder(recipe: TextRecipe, spec: Spec, survey: Survey) -> tuple[TextRecipe, list[str]]:
    """The greatest length at which one epoch is affordable; else at which the frozen encoder is; else none."""
    limit, wanted = 60 * recipe.minutes, EPOCHS[recipe.preset] if recipe.epochs is None else recipe.epochs
    lengths = [recipe.max_tokens or n for n in LENGTHS]
    tunable = [n for n in lengths if survey.frozen(n) + survey.epoch(n) <= limit] if wanted else []
    readable = [n for n in lengths if survey.frozen(n) <= limit]
    if not readable and recipe.max_tokens is None and not recipe.epochs:
        return _without(recipe), [
            f"the encoder would take {_duration(survey.frozen(lengths[-1]))} to read {lengths[-1]} tokens of every "
            f"text, over --minutes {recipe.minutes:g}: n-grams alone"
        ]
    longest = (tunable or readable or lengths[-1:])[0]
    epochs = recipe.epochs
    if epochs is None:
        epochs = min(wanted, int((limit - survey.frozen(longest)) / survey.epoch(longest))) if tunable else 0
    longest = min(longest, spec.longest, max(-(-int(survey.lengths.max()) // 8) * 8, 8))
    cut = float((survey.lengths > longest).mean())
    how = f"read in windows of {longest}" if survey.windows else f"cut to their first and last {longest // 2}"
    notes = [f"long texts: {cut:.0%} are {how} tokens"] if cut else []
    seconds = survey.frozen(longest) + epochs * survey.epoch(longest)
    note = f"estimated: {_duration(seconds)} on {_machine(recipe)}, {epochs} epochs of fine-tuning"
    if epochs < wanted:
        note += f" ({wanted} would take over --minutes {recipe.minutes:g})"
    return replace(recipe, max_tokens=longest, epochs=epochs), [*notes, note]


def _machine(recipe: TextRecipe) -> str:
    if resolve_device(recipe.device) != "cpu":
        return "the GPU"
    threads = torch.get_num_threads()
    return f"{threads} processor core{'s' if threads > 1 else ''}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
