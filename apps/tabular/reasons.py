"""Why a model answers as it does: importance, dependence and reliability on labelled rows, contributions of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.tabular.blocks import read_columns
from apps.tabular.columns import to_words
from apps.tabular.kinds import NUMBER
from apps.tabular.matching import matched
from apps.tabular.preprocessor import TabularPreprocessor
from apps.tabular.reading import find_measured
from apps.tabular.targets import ClassTarget, NumberTarget
from shared.errors import UserError, as_path
from shared.metrics import classification_metrics, regression_metrics
from shared.model import Model
from shared.protocol import Columns, Examples, count, pick

ROWS, REPEATS = 2000, 5
LEADING, POINTS = 5, 10
ORDERS = 16

RARE = np.array([0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015])
METRICS, TRIED = ("accuracy", "balanced_accuracy", "f1_macro"), (*RARE, *np.linspace(0.02, 0.98, 49), *(1 - RARE))
"""For which the best threshold between two classes is found, and among which."""

Loss = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class _Asked:
    """A model's answers as arrays: probabilities (rows, classes), or numbers (rows, 1) in the target's unit."""

    model: Model

    @property
    def preprocessor(self) -> TabularPreprocessor:
        assert isinstance(self.model.preprocessor, TabularPreprocessor)
        return self.model.preprocessor

    @property
    def columns(self) -> tuple[str, ...]:
        return self.preprocessor.used

    def answers(self, inputs: Columns) -> np.ndarray:
        outputs = self.model.predictor.outputs(self.preprocessor.encode(inputs)).double()
        target = self.preprocessor.target
        if isinstance(target, ClassTarget):
            return outputs.exp().numpy()
        assert isinstance(target, NumberTarget)
        values: np.ndarray = target.values(outputs).reshape(len(outputs), -1)[:, :1].numpy()
        return values

    def loss(self, examples: Examples) -> tuple[str, Loss]:
        targets = self.preprocessor.encode_targets(examples.targets).numpy()
        if isinstance(self.preprocessor.target, ClassTarget):
            return "log_loss", lambda answers: classification_metrics(answers, targets)["log_loss"]
        return "rmse", lambda answers: regression_metrics(answers[:, 0], targets)["rmse"]


def explain(
    model: Model, source: str | Path, rows: int = ROWS, seed: int = 0, single: Sequence[int] = ()
) -> dict[str, Any]:
    """JSON values: `importance` of all columns, `dependence` on the leading ones (for classes of the probability of
    `dependence_class`), and for classes `reliability`; of two the `thresholds` that are best for some metrics; the
    `contributions` to the answers for `single` rows, counted from 1 as `predict` does: those without a label too;
    `notes` on how the rows were read.

    Measured on at most `rows` labelled rows of `source`: give rows that the model was not trained on. Raises
    UserError where there are none, or not so many.
    """
    path = as_path(source, "source")
    asked, every = _Asked(model), model.app.read_examples(path, model.recipe)
    every = replace(every, inputs=matched(every.inputs, asked.columns))
    if not len(every):
        raise UserError(f"{source}: no labelled rows to explain by")
    told = matched(read_columns(find_measured(path)), asked.columns) if single else every.inputs
    beyond = [row for row in single if not 1 <= row <= count(told)]
    if beyond:
        raise UserError(f"{source} has no row {beyond[0]}: they are counted from 1 to {count(told):,}")
    notes = list(model.remarks(every))
    examples = every.take(np.random.default_rng(seed).permutation(len(every))[:rows])
    metric, loss = asked.loss(examples)
    importance, labels = _importance(asked, examples.inputs, loss, seed), asked.preprocessor.labels
    leading = [entry["column"] for entry in importance[:LEADING]]
    found: dict[str, Any] = {"rows": len(examples), "metric": metric, "importance": importance, "notes": notes}
    if labels is not None:
        found["dependence_class"] = labels.names[-1]
    found["dependence"] = {name: _dependence(asked, examples.inputs, name) for name in leading}
    answers = asked.answers(examples.inputs) if single or labels is not None else np.zeros(0)
    if labels is not None:
        targets = labels.encode(examples.targets).numpy()
        found["reliability"] = _reliability(answers, targets)
        if len(labels.names) == 2:
            found["thresholds"] = best_thresholds(answers, targets, labels.names)
    background = examples.inputs, answers
    found["contributions"] = [
        {"row": row, **_of_row(asked, pick(told, np.array([row - 1], int)), background, seed)} for row in single
    ]
    return found


def _importance(asked: _Asked, inputs: Columns, loss: Loss, seed: int) -> list[dict[str, Any]]:
    """By how much the loss grows when a column is shuffled (Breiman 2001), greatest first; `spread` over repeats."""
    draws, rows, whole = np.random.default_rng(seed), count(inputs), loss(asked.answers(inputs))
    found = []
    for name in (name for name in asked.columns if name in inputs):
        shuffled = [{**inputs, name: inputs[name][draws.permutation(rows)]} for _ in range(REPEATS)]
        growth = [loss(asked.answers(columns)) - whole for columns in shuffled]
        found.append({"column": name, "mean": float(np.mean(growth)), "spread": float(np.std(growth))})
    return sorted(found, key=lambda entry: -entry["mean"])


def _dependence(asked: _Asked, inputs: Columns, name: str) -> list[dict[str, Any]]:
    """The mean answer were the column this value in every row (Friedman 2001): of the last class, or the number."""
    column, sample = inputs[name], np.arange(min(count(inputs), 200))
    is_number = column.dtype != object and any(k.name == name and k.kind == NUMBER for k in asked.preprocessor.kinds)
    if is_number:
        values = np.unique(np.quantile(column[np.isfinite(column)], np.linspace(0.02, 0.98, POINTS), method="nearest"))
    else:
        words, counts = np.unique([word for word in to_words(column) if word is not None], return_counts=True)
        values = words[np.argsort(-counts, kind="stable")][:POINTS]
    found = []
    for value in values.tolist():
        fixed = np.full(len(sample), value, np.float64 if is_number else object)
        answers = asked.answers({**pick(inputs, sample), name: fixed})
        found.append({"value": value, "mean": float(answers[:, -1].mean())})
    return found


def _reliability(answers: np.ndarray, targets: np.ndarray) -> list[dict[str, float]]:
    """How often the predicted class was right, by the probability it was given, in tenths."""
    sure, right = answers.max(1), answers.argmax(1) == targets
    tenth = np.minimum((sure * 10).astype(int), 9)
    return [
        {"probability": float(sure[which].mean()), "right": float(right[which].mean()), "rows": int(which.sum())}
        for which in (tenth == i for i in range(10))
        if which.any()
    ]


def best_thresholds(probabilities: np.ndarray, targets: np.ndarray, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """For each metric the threshold of the second of two classes that makes it greatest, and what it is there and at a half.

    `probabilities` (rows, 2), `targets` positions (rows,). Chosen on these very rows: so many that luck decides little.
    """
    found = []
    tables = {float(at): _answered_from(probabilities[:, 1], at, targets) for at in (*TRIED, 0.5)}
    for metric in METRICS:
        best = max(tables, key=lambda at: (tables[at][metric], -abs(at - 0.5)))
        entry = {"metric": metric, "class": names[1], "threshold": round(best, 4)}
        found.append(entry | {"value": tables[best][metric], "at_half": tables[0.5][metric]})
    return found


def _answered_from(probability: np.ndarray, at: float, targets: np.ndarray) -> dict[str, float]:
    said = (probability >= at).astype(float)
    return classification_metrics(np.stack([1 - said, said], 1), targets)


def contributions(model: Model, value: Any, background: Any, seed: int = 0) -> list[dict[str, Any]]:
    """What each column adds to a row's answer: the `mean` answer and the contributions sum to the `answer`.

    Sampled Shapley values (Strumbelj & Kononenko 2014): columns change from those of a row of `background` to the
    asked row's in random orders; these rows have answers from low to high, for their mean to be that of all. Of the predicted
    `class`'s probability, or of the number. `value` and `background` are what `predict` takes.
    """
    asked = _Asked(model)
    inputs, beside = (matched(model.app.inputs(one, model.recipe)[0], asked.columns) for one in (value, background))
    beside = pick(beside, np.random.default_rng(seed).permutation(count(beside))[:ROWS])
    rows, answers = (pick(inputs, np.array([row])) for row in range(count(inputs))), asked.answers(beside)
    return [_of_row(asked, row, (beside, answers), seed) for row in rows]


def _of_row(asked: _Asked, row: Columns, background: tuple[Columns, np.ndarray], seed: int) -> dict[str, Any]:
    beside, known = background
    names, draws = [name for name in asked.columns if name in row], np.random.default_rng(seed)
    missing = {name: np.full(count(beside), None, row[name].dtype) for name in names if name not in beside}
    beside = {**beside, **missing}  # NaN where numbers are: else the answer would be to a row without the column
    best = int(asked.answers(row)[0].argmax())
    added, starts = dict.fromkeys(names, 0.0), 0.0
    middles = (np.arange(ORDERS) + 0.5) * len(known) / ORDERS  # of equal parts of the rows in order of their answers
    for other in known[:, best].argsort(kind="stable")[middles.astype(int)].tolist():
        order = draws.permutation(len(names))
        steps = {name: np.repeat(beside[name][[other]], len(names) + 1) for name in names}
        for place, i in enumerate(order, 1):
            own = row[names[i]]
            steps[names[i]] = np.concatenate(
                [to_kind(steps[names[i]][:place], own), np.repeat(own, len(names) + 1 - place)]
            )
        answers = asked.answers(steps)[:, best]
        starts += float(answers[0]) / ORDERS
        for place, i in enumerate(order, 1):
            added[names[i]] += float(answers[place] - answers[place - 1]) / ORDERS
    ranked = sorted(added.items(), key=lambda entry: -abs(entry[1]))
    labels = asked.preprocessor.labels
    named = {} if labels is None else {"class": labels.names[best]}
    return {**named, "answer": starts + sum(added.values()), "mean": starts, "contributions": dict(ranked)}


def to_kind(column: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The column as words where the other one is."""
    return to_words(column) if like.dtype == object else column
