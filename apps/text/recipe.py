"""The dials of the text app. Importing this file loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.recipe import Recipe, Stages, dial

AUTO = "by the number and length of the texts"


@dataclass(frozen=True)
class TextRecipe(Recipe):
    """Dials that stay None are settled when the texts have been seen: `apps/text/plan.py`."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fast": {"minutes": 3.0},
        "default": {},
        "best": {"minutes": 240.0},
    }

    text: str | None = dial(None, "column of the texts; none: inferred")
    target: str | None = dial(None, "column of the labels; none: inferred")
    separator: str = dial("auto", "what stands between the labels of a cell; none: one label; auto: ; | or ,")
    megabytes: float = dial(
        100.0, "most of a table that is read; of a larger one a random share of its rows", least=0.001
    )
    epochs: int = dial(None, f"passes of fine-tuning; none: {AUTO}, 0: the encoder stays as it is", least=0)
    max_tokens: int = dial(None, f"tokens of a text that the encoder sees (--long says which); none: {AUTO}", least=8)
    long: str = dial(
        "telling",
        "of a text over max_tokens: its most telling passages, its two ends, or all of it in windows of that many",
        ("telling", "ends", "windows"),
    )
    minutes: float = dial(24.0, "most minutes for the encoder, as estimated: shortens texts and fine-tuning", least=0)
    seeds: int = dial(
        None, "fine-tunings whose weights are averaged; none: by --minutes, at most three (best: five)", least=1
    )
    ema: float = dial(
        0.99, "decay per step of the averaged weights that are kept; 0: the plain weights", least=0, below=1
    )
    head_rows: int = dial(
        None, "training rows, at random, that the frozen encoder's head is fitted to; none: by their number", least=1
    )
    batch_size: int = dial(32, "texts in a step", least=1)
    lr: float = dial(
        3e-4, "highest rate of the one-cycle schedule, at the encoder's last layer; of an LSTM 16 times that", least=0
    )
    unfreeze: float = dial(
        None, "share of the steps until all layers learn, the last ones first; none: 0, of an LSTM 0.5", least=0
    )
    share: float = dial(
        None,
        "share of the texts, those in which the n-grams are least sure, that the encoder reads; none: as time allows",
    )
    language_epochs: int = dial(
        None,
        "passes over the texts alone, telling their words, before; none: an LSTM as time allows, others with "
        "--preset best where validation gains by it",
        least=0,
    )
    layer_decay: float = dial(0.85, "learning rate of a layer over that of the next, when fine-tuning", least=0)
    weight_decay: float = dial(0.01, "decoupled weight decay (AdamW)", least=0)
    patience: int = dial(0, "epochs without a better validation score before training stops; 0: never", least=0)
    dropout: float = dial(
        0.1, "share of units dropped in the encoder and before its head, when fine-tuning", least=0, below=1
    )
    smoothing: float = dial(0.05, "share of the answer spread over all classes in the loss", least=0, below=1)
    consistency: float = dial(
        None, "weight of the agreement of two answers to a text under other dropout; none: 1 as time allows", least=0
    )
    ngrams: str = dial("auto", "the n-gram expert beside the encoder", ("auto", "none"))
    characters: str = dial(
        "auto", "n-grams of letters within words; auto: where texts are short", ("auto", "yes", "no")
    )
    class_weights: str = dial("none", "weigh rows so that classes count alike in the loss", ("none", "auto"))

    def stages(self) -> Stages:
        """The head is first fitted to what the encoder says as it is, unless that has learnt nothing."""
        untaught = self.weights == "awd_lstm" and not self.language_epochs
        return Stages(frozen_epochs=0 if untaught else None, head_rows=self.head_rows, seeds=self.seeds or 1)
