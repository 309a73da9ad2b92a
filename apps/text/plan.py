"""The dials that the texts decide when a person did not: encoder, length, passes, n-grams of letters.

Times are estimated from counts of tokens, never from a clock, so that a run repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from apps.text.awd_lstm import KIND
from apps.text.encoder import Spec, find_weights, read_spec, tells_words
from apps.text.recipe import TextRecipe
from apps.text.tokens import MOST_WINDOWS, Tokens
from shared.errors import UserError
from shared.precision import resolve_device, units
from shared.sampling import evenly

SAMPLE = 400
FORWARD_RATES = {"gpu": 660_000.0, "tiles": 13_000.0, "bf16": 5_500.0, "fp32": 2_150.0}
TRAINING_RATES = {"gpu": 144_000.0, "tiles": 3_600.0, "bf16": 1_200.0, "fp32": 790.0}
"""Tokens a second of six layers of width 384 on one processor core, by its units, as measured: an order to plan by. A GPU's
are 120 times those of bf16, a guess."""
ATTENDED = 700
"""Tokens of a text at which looking at one another takes as long as all else: fitted to what 64 and 256 take."""
PLANNED_FOR = 6 * 384 * 384
UNKNOWN = 0.15
"""Share of unknown tokens from which an encoder does not speak the language of the texts."""
SHORT = 400
"""Median characters below which n-grams of letters are worth their time."""
MOST_LETTERS = 40_000_000
"""Characters of all texts up to which they are affordable: a character gives twenty bytes of them."""
LENGTHS = (256, 192, 160, 128, 96, 64)
HEAD_ROWS = 6_000
"""Where fine-tuning follows, the head need not begin with more than these."""
EPOCHS = {"fast": 0, "default": 3, "best": 5}
SEEDS = {"fast": 1, "default": 3, "best": 5}
ROWS_FOR_TWO, ROWS_FOR_SEEDS = 1_000, 2_000
"""Training rows from which each text is answered twice, and several fine-tunings are averaged: a first look at a small table
stays short."""
LANGUAGE, LANGUAGE_COST = {"lstm": 10, "masked": 5}, 1.3
"""Passes over the texts alone before fine-tuning, and the time of one over that of a pass of fine-tuning."""
ROWS_TO_JUDGE = 500
"""Validation rows that can tell whether masked words pay."""
IN_DOUBT, ROWS_TO_DOUBT = 0.3, 5_000
"""The share of texts that the encoder reads where not all can be, and the training rows from which it may be so few."""
WAYS = {
    "windows": "read in windows of",
    "ends": "cut to first and last, in all",
    "telling": "cut to their most telling",
}
"""What becomes of a long text, by --long."""
TIMES_JUDGED = 3
"""Passes over the validation rows beside the epochs' own: the frozen encoder's, the blend's, the last."""


@dataclass(frozen=True)
class Survey:
    """What a sample of the texts says: tokens of each, and what it costs to read one."""

    lengths: np.ndarray
    rows: tuple[int, int, int]  # train, valid, test
    slower: float  # than the network planned for, on one core
    units: str
    windows: bool  # whether all of a long text is read
    in_doubt: bool = False  # whether the rows are those that the n-grams leave in doubt

    def seconds(self, rows: int, longest: int, rate: float) -> float:
        read = np.minimum(self.lengths, longest * MOST_WINDOWS if self.windows else longest)
        cost = read * (1 + np.minimum(read, longest) / ATTENDED)
        return rows * float(cost.mean()) * self.slower / rate

    def frozen(self, longest: int) -> float:
        """Seconds with the encoder as it is: train and test once, validation for every judgement."""
        return self.seconds(self.rows[0], longest, FORWARD_RATES[self.units]) + self.judged(longest)

    def judged(self, longest: int) -> float:
        """Seconds of measuring: test once, validation for every judgement beside the epochs'."""
        _, valid, test = self.rows
        return self.seconds(TIMES_JUDGED * valid + test, longest, FORWARD_RATES[self.units])

    def started(self, longest: int) -> float:
        """Seconds of all but the epochs, when there are some: the head begins with some of the training rows."""
        return self.seconds(self.head_rows() or self.rows[0], longest, FORWARD_RATES[self.units]) + self.judged(longest)

    def head_rows(self) -> int | None:
        """Training rows that the head begins with before fine-tuning; None: all."""
        enough = HEAD_ROWS // 3 if self.in_doubt else HEAD_ROWS
        return enough if self.rows[0] > 2 * enough else None

    def of_those_in_doubt(self, share: float) -> Survey:
        train, valid, test = (max(round(share * rows), 1) for rows in self.rows)
        return replace(self, rows=(train, valid, test), in_doubt=True)

    def epoch(self, longest: int, draws: int = 1) -> float:
        """Seconds of one pass of fine-tuning, each text answered so often, and its validation."""
        train, valid, _ = self.rows
        judged = self.seconds(valid, longest, FORWARD_RATES[self.units])
        return draws * self.seconds(train, longest, TRAINING_RATES[self.units]) + judged


def plan(recipe: TextRecipe, texts: np.ndarray, rows: tuple[int, int, int]) -> tuple[TextRecipe, list[str]]:
    """(recipe without open dials, notes), from the training texts and the number of rows of train, valid, test."""
    if recipe.unfreeze is None:
        recipe = replace(recipe, unfreeze=0.5 if recipe.weights.partition(":")[0] == KIND else 0.0)
    if recipe.characters == "auto":
        sizes = [len(text) for text in _sample(texts)]
        few = float(np.median(sizes)) < SHORT and float(np.mean(sizes)) * sum(rows) < MOST_LETTERS
        recipe = replace(recipe, characters="yes" if few else "no")
    weights, note = find_weights(recipe.weights)
    if weights is None:
        if recipe.ngrams == "none":
            recipe, note = replace(recipe, ngrams="auto"), f"{note}, with n-grams, the only expert left"
        return _without(recipe), [note]
    spec = read_spec(weights, _sample(texts))
    survey, unknown = _survey(recipe, spec, texts, rows)
    if unknown > UNKNOWN and recipe.weights == "auto":
        return _without(recipe), [
            f"{note}, but it does not know {unknown:.0%} of these texts' tokens: n-grams alone; "
            "name an encoder of their language with --weights"
        ]
    recipe, said = _plan_encoder(recipe, spec, survey)
    return recipe, [note, *said]


def _without(recipe: TextRecipe) -> TextRecipe:
    return replace(
        recipe,
        weights="none",
        epochs=recipe.epochs or 0,
        max_tokens=recipe.max_tokens or 0,
        language_epochs=0,
        share=1.0,
    )


def _sample(texts: np.ndarray) -> list[str]:
    return texts[evenly(len(texts), SAMPLE)].tolist()


def _survey(recipe: TextRecipe, spec: Spec, texts: np.ndarray, rows: tuple[int, int, int]) -> tuple[Survey, float]:
    tokens = Tokens(spec.tokenizer)
    found = tokens.encode(_sample(texts), LENGTHS[0] * MOST_WINDOWS)
    config, device = spec.config, resolve_device(recipe.device)
    layers = int(config.get("num_hidden_layers") or config.get("n_layers") or 12)
    width = int(config.get("hidden_size") or config.get("dim") or 768)
    slower = layers * width * int(config.get("inner_size", width)) / PLANNED_FOR
    if device == "cpu":
        slower /= torch.get_num_threads()
    computing = units(recipe.precision, device)
    survey = Survey(found.counts, rows, slower, computing, recipe.long == "windows")
    return survey, tokens.unknown_share(found)


def _plan_encoder(recipe: TextRecipe, spec: Spec, survey: Survey) -> tuple[TextRecipe, list[str]]:
    """The greatest length at which one epoch is affordable; else at which the frozen encoder is; else none."""
    limit, wanted = 60 * recipe.minutes, EPOCHS[recipe.preset] if recipe.epochs is None else recipe.epochs
    recipe = _plan_share(recipe, survey, wanted)
    assert recipe.share is not None
    if recipe.share < 1:
        survey = survey.of_those_in_doubt(recipe.share)
    lengths = [recipe.max_tokens or n for n in LENGTHS]
    tunable = [n for n in lengths if survey.started(n) + survey.epoch(n) <= limit] if wanted else []
    readable = [n for n in lengths if survey.frozen(n) <= limit]
    if not readable and recipe.max_tokens is None and not recipe.epochs:
        return _without(recipe), [
            f"the encoder would take {_duration(survey.frozen(lengths[-1]))} to read {lengths[-1]} tokens of every "
            f"text, over --minutes {recipe.minutes:g}: n-grams alone"
        ]
    longest = (tunable or readable or lengths[-1:])[0]
    epochs = recipe.epochs
    if epochs is None:
        epochs = min(wanted, int((limit - survey.started(longest)) / survey.epoch(longest))) if tunable else 0
    longest = min(longest, spec.longest, max(-(-int(survey.lengths.max()) // 8) * 8, 8))
    language, trials = _language(recipe, spec, survey, longest, epochs)
    learning = (LANGUAGE_COST * language + trials * epochs) * survey.epoch(longest)
    left = limit - learning - survey.started(longest)
    consistency = recipe.consistency
    if consistency is None:
        twice = wanted == epochs > 0 and epochs * survey.epoch(longest, 2) <= left
        consistency = 1.0 if twice and _gains_by_two(recipe, spec, survey) else 0.0
    once = epochs * survey.epoch(longest, 2 if consistency else 1)
    seeds = recipe.seeds or _seeds(recipe, survey, once, left)
    recipe = replace(
        recipe,
        max_tokens=longest,
        epochs=epochs,
        seeds=seeds,
        head_rows=survey.head_rows() if recipe.head_rows is None and epochs else recipe.head_rows,
        language_epochs=language,
        consistency=consistency,
    )
    seconds = survey.started(longest) + learning + seeds * once if epochs else survey.frozen(longest)
    return recipe, [*_told_reading(recipe, survey), _told_training(recipe, seconds, wanted, trials)]


def _told_reading(recipe: TextRecipe, survey: Survey) -> list[str]:
    """What to say of what the encoder does not see."""
    notes = []
    if cut := float((survey.lengths > recipe.max_tokens).mean()):
        notes.append(f"long texts: {cut:.0%} are {WAYS[recipe.long]} {recipe.max_tokens} tokens")
    if survey.in_doubt:
        notes.append(
            f"the encoder reads the {recipe.share:.0%} of texts that the n-grams leave most in doubt (--share)"
        )
    return notes


def _told_training(recipe: TextRecipe, seconds: float, wanted: int, trials: int) -> str:
    """What to say of the time and of what it is spent on; of `wanted` epochs some may be too many."""
    note = (
        f"estimated for the encoder: {_duration(seconds)} on {_machine(recipe)}, {recipe.epochs} epochs of fine-tuning"
    )
    if recipe.epochs:
        note += ", each text answered twice" if recipe.consistency else ""
        note += f", {recipe.seeds} times, averaged" if recipe.seeds > 1 else ""
    if recipe.language_epochs:
        note += f", after {recipe.language_epochs} of the texts' language{' where that pays' if trials else ''}"
    if recipe.epochs < wanted:
        note += f" ({wanted} would take over --minutes {recipe.minutes:g})"
    return note


def _gains_by_two(recipe: TextRecipe, spec: Spec, survey: Survey) -> bool:
    """Whether answering each text twice is worth its time."""
    enough = survey.rows[0] >= ROWS_FOR_TWO or recipe.preset == "best"
    return enough and spec.config["model_type"] != KIND


def _plan_share(recipe: TextRecipe, survey: Survey, wanted: int) -> TextRecipe:
    """The share of the texts that the encoder reads: those in doubt, where all passes over the whole of all would take too
    long, and where there are rows enough to tell doubt."""
    one_each, both = recipe.separator in ("none", "auto"), recipe.ngrams != "none"
    if recipe.share is not None:
        if not 0 < recipe.share <= 1:
            raise UserError(f"share={recipe.share:g}: give a share of the texts, above 0 and up to 1")
        if recipe.share < 1 and not (one_each and both and survey.rows[1]):
            raise UserError("--share below 1 needs n-grams, one label a text, and validation texts: leave it out")
        return recipe
    longest = recipe.max_tokens or LENGTHS[0]
    whole = survey.started(longest) + wanted * survey.epoch(longest) <= 60 * recipe.minutes
    enough = survey.rows[0] >= ROWS_TO_DOUBT and survey.rows[1] >= ROWS_TO_JUDGE
    return replace(recipe, share=IN_DOUBT if wanted and one_each and both and enough and not whole else 1.0)


def _language(recipe: TextRecipe, spec: Spec, survey: Survey, longest: int, epochs: int) -> tuple[int, int]:
    """(passes over the texts alone, fine-tunings that try whether these pay)."""
    lstm = spec.config.get("model_type") == KIND
    if not tells_words(spec):
        if recipe.language_epochs:
            raise UserError(f"{spec.name} cannot tell the words of texts: leave out --language-epochs")
        return 0, 0
    trials = 0 if lstm else 2
    if recipe.language_epochs is not None:
        return recipe.language_epochs, trials if recipe.language_epochs else 0
    spare = 60 * recipe.minutes - survey.started(longest) - (1 + trials) * epochs * survey.epoch(longest)
    affordable = int(spare / (LANGUAGE_COST * survey.epoch(longest)))
    wanted = recipe.preset == "best" and survey.rows[1] >= ROWS_TO_JUDGE
    most = LANGUAGE["lstm" if lstm else "masked"] if lstm or wanted else 0
    found = min(max(affordable, 0), most) if epochs else 0
    return found, trials if found else 0


def _seeds(recipe: TextRecipe, survey: Survey, once: float, left: float) -> int:
    """Fine-tunings of `once` seconds each that the time left allows."""
    if not once or survey.rows[0] < ROWS_FOR_SEEDS:
        return 1
    return min(max(int(left / once), 1), SEEDS[recipe.preset])


def _machine(recipe: TextRecipe) -> str:
    if resolve_device(recipe.device) != "cpu":
        return "the GPU"
    threads = torch.get_num_threads()
    return f"{threads} processor core{'s' if threads > 1 else ''}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
