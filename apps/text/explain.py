"""Why a model of texts answers as it does: telling words of a class and of a text, and the worst answers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unicodedata import category

import torch

from apps.text.grams import UNSPACED, clip
from apps.text.inputs import as_array
from apps.text.model import TextNetwork
from apps.text.preprocessor import TextPreprocessor
from apps.text.several import loss_of
from shared.errors import UserError
from shared.model import Model
from shared.predict import answers

_SINGLE = "\u3040-\u30ff\u3400-\u9fff" + "".join(f"{chr(begin)}-{chr(end - 1)}" for begin, end in UNSPACED)
_MARKS = "".join(
    letter for letter in map(chr, range(0x300, 0x2E80)) if category(letter)[0] == "M"
)  # no letters to `re`
_SIGNS = "\u2600-\u27bf\U0001f000-\U0001faff"  # emoji
PIECE = re.compile(rf"\s*(?:[{_SINGLE}][{_MARKS}]*|[^\s{_SINGLE}]+)")
"""A word with the space before it; a character of a script without spaces is one by itself."""
WORD = re.compile(rf"[{_SINGLE}][{_MARKS}]*[{_SINGLE}][{_MARKS}]*|(?:[^\W{_SINGLE}][{_MARKS}]*)+(?:'\w+)?|[{_SIGNS}]")
MOST_WORDS = 50_000


def mark(model: Model, text: str, pieces: int = 100) -> dict[str, Any]:
    """The answer to a text, with `marks`: its pieces in order, each with how much it speaks for the answer.

    A piece's effect is what leaving it out takes from the log of the likeliest label's probability (occlusion:
    Zeiler & Fergus 2014, arXiv:1311.2901). A text of more words than `pieces` is cut into runs of words.
    """
    words = PIECE.findall(text) or [text]
    run = math.ceil(len(words) / max(pieces, 1))
    parts = ["".join(words[i : i + run]) for i in range(0, len(words), run)]
    without = ["".join(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
    answer, *others = answers(model.predictor, model.preprocessor, as_array([text, *without]))
    predicted = max(answer["probabilities"], key=answer["probabilities"].get)
    whole, rest = _log(answer, predicted), [_log(other, predicted) for other in others]
    return {**answer, "marks": [[part, round(whole - left, 4)] for part, left in zip(parts, rest, strict=True)]}


def _log(answer: dict[str, Any], name: str) -> float:
    return math.log(max(answer["probabilities"][name], 1e-6))


def telling_words(model: Model, texts: Iterable[str], most: int = 20) -> dict[str, list[list[Any]]]:
    """For each class the words of `texts` that speak most for it, and how much, by the n-gram expert.

    How much: the class's logit of the word's own n-grams, less the mean of all classes'. Words of fewer than two
    texts are left out. Raises UserError for a model without n-grams.
    """
    network, fitted = _parts(model)
    if not network.has_grams:
        raise UserError("this model was trained with --ngrams none: only `mark` can tell its words")
    counts = Counter(word for text in texts for word in set(WORD.findall(clip(text).lower())))
    words = [word for word, number in counts.most_common(MOST_WORDS) if number >= 2]
    names = fitted.labels.names
    if not words:
        return {name: [] for name in names}
    positions, starts = fitted.encode(as_array(words)).batch(torch.arange(len(words)))[:2]
    ends = torch.cat([starts[1:], starts.new_tensor([len(positions)])])
    weight = network.grams.weight.detach().cpu()
    sums = torch.cat([torch.zeros(1, len(names)), weight[positions].cumsum(0)])
    logits = sums[ends] - sums[starts]
    logits -= logits.mean(1, keepdim=True)
    found = {}
    for k, name in enumerate(names):
        values, order = logits[:, k].topk(min(most, len(words)))
        found[name] = [[words[i], round(v, 4)] for i, v in zip(order.tolist(), values.tolist(), strict=True) if v > 0]
    return found


def top_losses(model: Model, source: str | Path, most: int = 20) -> list[dict[str, Any]]:
    """The labelled rows of `source` with the greatest losses, worst first: text, label, answer and loss."""
    examples = model.app.read_examples(Path(source), model.recipe)
    data = model.encode(examples)
    outputs = model.predictor.outputs(data.inputs)
    losses = loss_of(outputs, data.targets, "none")
    worst = losses.topk(min(most, len(data))).indices
    answered = model.preprocessor.decode(outputs[worst], None)
    return [
        {
            "text": str(examples.inputs[i]),
            "label": str(examples.targets[i]),
            **answer,
            "loss": round(losses[i].item(), 4),
        }
        for i, answer in zip(worst.tolist(), answered, strict=True)
    ]


def _parts(model: Model) -> tuple[TextNetwork, TextPreprocessor]:
    network, fitted = model.predictor.network, model.preprocessor
    assert isinstance(network, TextNetwork) and isinstance(fitted, TextPreprocessor)
    return network, fitted
