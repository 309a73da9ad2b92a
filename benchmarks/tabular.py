"""Tables, on the same splits in one run: ours, fastai's stock learner, LightGBM, CatBoost and scikit-learn's boosting.

    python -m benchmarks.tabular adult california_housing digits houses.csv:price [--seeds 1] [--preset best] [--peers lightgbm,catboost]

    python -m benchmarks.tabular fastai_samples/adult_sample --race --seeds 4 --preset fast --epochs 0

A task is one of TASKS, of `benchmarks.tables.TABLES`, or FILE:TARGET. Ours is given files, as a person gives them, and told
the target alone; peers are given frames, and run with their defaults. One that is not installed is left out and said (`pip install catboost`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables import TABLES
from data import locate
from shared.metrics import classification_metrics, regression_metrics
from shared.tables import read_table


@dataclass(frozen=True)
class Task:
    """A table, its target, and the columns that nobody has beforehand. Without `test` a fifth is split off by seed."""

    train: str
    target: str
    test: str | None = None
    hidden: tuple[str, ...] = ()
    unit: float = 1.0  # the target is divided by it, to stand beside published numbers


TASKS = {
    "adult": Task("train.csv", "salary", "test.csv"),
    "california_housing": Task("housing.csv", "median_house_value", unit=1e5),
    "bike_sharing": Task("hour.csv", "cnt", hidden=("casual", "registered")),
    "fastai_samples/adult_sample": Task("adult.csv", "salary"),
}
SHOWN = ("seconds", "accuracy", "auc", "log_loss", "rmse", "coverage")


@dataclass(frozen=True)
class Split:
    """Frames with the target in them, and what it is."""

    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    classes: list[str]  # empty: a number

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.drop(columns=self.target)

    def targets(self, frame: pd.DataFrame) -> np.ndarray:
        column = frame[self.target]
        if self.classes:
            return np.searchsorted(self.classes, column.astype(str))
        return column.to_numpy(np.float64)

    def words(self) -> list[str]:
        """The columns that hold words."""
        return [str(name) for name in self.features(self.train).select_dtypes(exclude="number")]

    def measure(self, answers: np.ndarray) -> dict[str, float]:
        targets = self.targets(self.test)
        return classification_metrics(answers, targets) if self.classes else regression_metrics(answers, targets)


def make_split(name: str, seed: int) -> Split:
    if name in TASKS:
        task = TASKS[name]
        first, *rest = name.split("/")
        folder = locate(first).joinpath(*rest)
        frame, target = _frame(folder / task.train, task), task.target
        if task.test is not None:
            return _split(frame, _frame(folder / task.test, task), target)
    elif name in TABLES:
        frame = TABLES[name]()
        target = str(frame.columns[-1])
    else:
        path, _, target = name.rpartition(":")
        frame = read_table(Path(path))
        frame = frame[frame[target].notna()]
    rows = np.random.default_rng(seed).permutation(len(frame))
    return _split(frame.iloc[rows[len(frame) // 5 :]], frame.iloc[rows[: len(frame) // 5]], target)


def _split(train: pd.DataFrame, test: pd.DataFrame, target: str) -> Split:
    is_number = pd.api.types.is_numeric_dtype(train[target]) and train[target].nunique() > 20
    return Split(train, test, target, [] if is_number else sorted(train[target].astype(str).unique()))


def _frame(path: Path, task: Task) -> pd.DataFrame:
    frame = read_table(path).drop(columns=list(task.hidden), errors="ignore")
    if task.unit != 1:
        frame[task.target] = frame[task.target] / task.unit
    return frame


def as_categories(split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Words as pandas categories, the same in both."""
    train, test = split.features(split.train).copy(), split.features(split.test).copy()
    for name in split.words():
        kind = pd.CategoricalDtype(sorted(train[name].dropna().astype(str).unique()))
        train[name], test[name] = train[name].astype(kind), test[name].astype(kind)
    return train, test


def _answers(model: Any, test: pd.DataFrame, split: Split) -> np.ndarray:
    return np.asarray(model.predict_proba(test) if split.classes else model.predict(test))


def lightgbm(split: Split, seed: int) -> np.ndarray:
    from lightgbm import LGBMClassifier, LGBMRegressor

    train, test = as_categories(split)
    model = (LGBMClassifier if split.classes else LGBMRegressor)(random_state=seed, verbose=-1)
    return _answers(model.fit(train, split.targets(split.train)), test, split)


def histogram(split: Split, seed: int) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    train, test = as_categories(split)
    kind = HistGradientBoostingClassifier if split.classes else HistGradientBoostingRegressor
    few = [name for name in split.words() if train[name].nunique() < 250]
    train, test = (frame.drop(columns=[w for w in split.words() if w not in few]) for frame in (train, test))
    model = kind(categorical_features=few, random_state=seed)
    return _answers(model.fit(train, split.targets(split.train)), test, split)


def catboost(split: Split, seed: int) -> np.ndarray:
    from catboost import CatBoostClassifier, CatBoostRegressor

    train, test = split.features(split.train).copy(), split.features(split.test).copy()
    for name in split.words():
        train[name], test[name] = (frame[name].fillna("missing").astype(str) for frame in (train, test))
    kind = CatBoostClassifier if split.classes else CatBoostRegressor
    model = kind(cat_features=split.words(), random_seed=seed, verbose=False, allow_writing_files=False)
    return _answers(model.fit(train, split.targets(split.train)), test, split)


def fastai(split: Split, seed: int) -> np.ndarray:
    """`tabular_learner` with its defaults, three epochs of `fit_one_cycle`."""
    import fastai.callback.progress  # (gives Learner no_bar)
    import fastai.callback.schedule  # noqa: F401 (and fit_one_cycle)
    import torch
    from fastai.data.block import CategoryBlock, RegressionBlock
    from fastai.data.transforms import RandomSplitter
    from fastai.tabular.core import Categorify, FillMissing, Normalize, TabularPandas
    from fastai.tabular.data import TabularDataLoaders  # noqa: F401 (gives TabularPandas its loaders)
    from fastai.tabular.learner import tabular_learner

    torch.manual_seed(seed)
    numbers = [str(name) for name in split.features(split.train).select_dtypes("number")]
    frame = split.train.reset_index(drop=True).copy()
    frame[split.target] = split.targets(split.train) if not split.classes else frame[split.target].astype(str)
    block = CategoryBlock() if split.classes else RegressionBlock()
    parts = RandomSplitter(0.1, seed=seed)(range(len(frame)))
    steps = [Categorify, FillMissing, Normalize]
    table = TabularPandas(frame, steps, split.words(), numbers, split.target, block, splits=parts)
    learner = tabular_learner(table.dataloaders(bs=64))
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(3)
        loader = learner.dls.test_dl(split.features(split.test).reset_index(drop=True))
        answers: np.ndarray = learner.get_preds(dl=loader)[0].numpy()
    return answers if split.classes else answers[:, 0]


def ours(split: Split, seed: int, dials: dict[str, Any]) -> dict[str, float]:
    """Metrics and seconds, those of reading the files and measuring among them."""
    from apps.tabular.app import APP
    from shared.run import Options, train

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("train.csv", "test.csv")]
        for frame, path in zip((split.train, split.test), paths, strict=True):
            frame.to_csv(path, index=False)
        recipe = APP.recipe.make({"target": split.target, "seed": seed, **dials})
        start = time.perf_counter()
        facts = train(APP, paths[0], recipe, Options(test=paths[1])).facts
    return {"seconds": round(time.perf_counter() - start, 1), **facts.metrics}


PEERS: dict[str, Callable[[Split, int], np.ndarray]] = {
    "fastai": fastai,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "histogram": histogram,
}


IMPORTED = {"ours": "shared.train", "fastai": "fastai.tabular.learner", "histogram": "sklearn.ensemble"}
"""What is imported before the clock starts; of others the module of their name."""


def run(name: str, who: str, seed: int, dials: dict[str, Any]) -> dict[str, Any]:
    import_module(IMPORTED.get(who, who))  # else it would count in the first seed
    split, start = make_split(name, seed), time.perf_counter()
    if who == "ours":
        found = ours(split, seed, dials)
    else:
        answers = PEERS[who](split, seed)
        found = {"seconds": round(time.perf_counter() - start, 1), **split.measure(answers)}
    shown = {key: round(value, 4) for key, value in found.items() if key in SHOWN}
    return {"task": name, "who": who, "seed": seed, **shown}


def race(name: str, rounds: int, dials: dict[str, Any]) -> None:
    """fastai's stock learner and ours in turn: how many times sooner ours is done, and that it is no worse."""
    for seed in range(rounds):
        stock, own = run(name, "fastai", seed, {}), run(name, "ours", seed, dials)
        print(json.dumps(stock), json.dumps(own), sep="\n")
        ratio, as_good = stock["seconds"] / own["seconds"], own["auc"] >= stock["auc"]
        found = {"task": name, "seed": seed, "stock_over_ours": round(ratio, 1), "as_good": as_good}
        print(json.dumps(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=[*TASKS, *TABLES])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--trees", default="auto")
    parser.add_argument("--epochs", type=int, help="of ours; 0: the trees alone")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--race", action="store_true", help="fastai and ours in turn, so many --seeds times")
    given = parser.parse_args()
    dials: dict[str, Any] = {"preset": given.preset, "trees": given.trees}
    dials |= {} if given.epochs is None else {"epochs": given.epochs}
    for name in given.tasks:
        if given.race:
            race(name, given.seeds, dials)
            continue
        for who in ["ours", *filter(None, given.peers.split(","))]:
            module = IMPORTED.get(who, who).partition(".")[0]
            if find_spec(module) is None:
                print(json.dumps({"task": name, "who": who, "left out": f"{module} is not installed"}), flush=True)
                continue
            for seed in range(given.seeds):
                print(json.dumps(run(name, who, seed, dials)), flush=True)


if __name__ == "__main__":
    main()
