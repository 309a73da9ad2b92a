"""Texts: fastai's stock learner, scikit-learn's TF-IDF with logistic regression, and ours, on the same rows in one run.

    python -m benchmarks.text TABLE [--rows N] [--skip fastai] [--preset fast] [--encoder]

The table needs a text and a label column; the columns, and the rows held out, are found as the text app does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from apps.text.app import APP
from apps.text.encoded import Texts
from shared.display import Display
from shared.loaders import Loader
from shared.precision import autocast, resolve
from shared.protocol import Data, Examples, Splits
from shared.run import Options, train

Result = tuple[float, float, int]
"""Accuracy on the held-out rows, seconds of training, texts to train on (however often they were read)."""


def fastai(splits: Splits) -> Result:
    """`TextDataLoaders` and `text_classifier_learner` as they come, from scratch, one epoch."""
    import fastai.callback.schedule  # noqa: F401 (gives the learner its fit_one_cycle)
    from fastai.metrics import accuracy
    from fastai.text.data import TextDataLoaders
    from fastai.text.learner import text_classifier_learner
    from fastai.text.models.awdlstm import AWD_LSTM

    parts = [(splits.train, False), (held_out(splits), True)]
    frames = [pd.DataFrame({"text": part.inputs, "label": part.targets, "is_valid": mark}) for part, mark in parts]
    start = time.perf_counter()
    loaders = TextDataLoaders.from_df(pd.concat(frames), text_col="text", label_col="label", valid_col="is_valid")
    learner = text_classifier_learner(loaders, AWD_LSTM, pretrained=False, metrics=accuracy)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1)
        seconds = time.perf_counter() - start
        return float(learner.validate()[1]), seconds, len(splits.train)


def scikit_learn(splits: Splits) -> Result:
    """`TfidfVectorizer` of one and two words, and `LogisticRegression`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=10))
    start = time.perf_counter()
    model.fit(splits.train.inputs, splits.train.targets)
    seconds, held = time.perf_counter() - start, held_out(splits)
    return float((model.predict(held.inputs) == held.targets).mean()), seconds, len(splits.train)


def ours(preset: str) -> Callable[[Splits], Result]:
    """The text app; reading and the last measuring are not training."""

    def run(splits: Splits) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            table, held = Path(folder, "train.csv"), Path(folder, "test.csv")
            write(splits.train, table)
            write(held_out(splits), held)
            recipe = APP.recipe.make({"preset": preset})
            facts = train(APP, table, recipe, Options(test=held, display=Display())).facts
        seconds = sum(facts.seconds.get(stage, 0.0) for stage in ("encode", "build", "train", "settle"))
        return facts.metrics["accuracy"], seconds, facts.rows["train"]

    return run


def held_out(splits: Splits) -> Examples:
    return splits.test if len(splits.test) else splits.valid


def write(examples: Examples, path: Path) -> None:
    pd.DataFrame({"text": examples.inputs, "label": examples.targets}).to_csv(path, index=False)


def encoder_share(splits: Splits, steps: int = 12, rounds: int = 5) -> tuple[float, float]:
    """(tokens a second in training over those of full random batches of as many cells, median of rounds; share of padding)."""
    recipe = APP.recipe.make({"max_tokens": splits.recipe.max_tokens, "ngrams": "none"})
    fitted = APP.fit(splits.train, recipe)
    inputs = fitted.encode(splits.train.inputs)
    network = APP.model(fitted, recipe, pretrained=True).train()
    loader = Loader(Data(inputs, fitted.encode_targets(splits.train.targets)), recipe.batch_size, seed=0)
    real = [batch for batch, _ in zip(loader, range(steps), strict=False)]
    cells = int(np.mean([batch[2].numel() for batch in real]))
    longest = recipe.max_tokens
    rows = max(cells // longest, 1)
    grams = Texts(inputs.grams).batch(torch.arange(rows))
    full = torch.randint(999, 9999, (rows, longest)), torch.full((rows,), longest), torch.arange(rows)
    random = [(*grams, *full, torch.zeros(rows, dtype=torch.long))] * steps
    precision, loss = resolve("auto", "cpu"), APP.objective(fitted, recipe).loss

    def speed(batches: list[tuple[torch.Tensor, ...]]) -> float:
        start = time.perf_counter()
        for *arguments, targets in batches:
            with autocast(torch.device("cpu"), precision):
                outputs = network(*arguments)
            loss(outputs, targets).backward()
            network.zero_grad()
        return sum(int(batch[3].sum()) for batch in batches) / (time.perf_counter() - start)

    speed(random), speed(real)  # the first use of a shape prepares its products
    shares = [speed(real) / speed(random) for _ in range(rounds)]
    padding = 1 - sum(int(batch[3].sum()) for batch in real) / sum(batch[2].numel() for batch in real)
    return float(np.median(shares)), padding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("table", type=Path)
    parser.add_argument("--rows", type=int, help="training rows, drawn at random (default: all)")
    parser.add_argument("--skip", nargs="*", default=[], choices=("fastai", "scikit-learn", "ours"))
    parser.add_argument("--preset", default="fast", choices=("fast", "default", "best"))
    parser.add_argument("--encoder", action="store_true", help="also the encoder's speed in training")
    given = parser.parse_args()
    splits = APP.read(given.table, APP.recipe.make({}), None, None)
    if given.rows:
        rows = np.random.default_rng(0).permutation(len(splits.train))[: given.rows]
        splits = Splits(splits.train.take(np.sort(rows)), splits.valid, splits.test, splits.recipe)
    print(
        f"{given.table.name}: {len(splits.train):,} texts to train on, {len(held_out(splits)):,} held out; "
        f"{torch.get_num_threads()} threads"
    )
    print(f"{'':<24} {'accuracy':>8} {'seconds':>8} {'texts/s':>8}")
    runs = {"fastai": fastai, "scikit-learn": scikit_learn, "ours": ours(given.preset)}
    for name, run in runs.items():
        if name not in given.skip:
            accuracy, seconds, texts = run(splits)
            shown = f"{name}, {given.preset}" if name == "ours" else name
            print(f"{shown:<24} {accuracy:>8.4f} {seconds:>8.1f} {texts / seconds:>8.1f}", flush=True)
    if given.encoder:
        share, padding = encoder_share(splits)
        print(f"tokens/s in training over full random batches: {share:.2f}; padding: {padding:.1%}")


if __name__ == "__main__":
    main()
