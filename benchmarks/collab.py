"""Glance beside stock fastai, myfm and implicit on the same rows of a table of ratings, in one run.

    python benchmarks/collab.py DATA/ml-100k/u.data [--positive 4] [--rounds 3] [--only glance fastai myfm implicit]
    python benchmarks/collab.py DATA/ml-1m/ratings.csv --scale 20000000 140000 27000

They run in turn, `--rounds` times. A random tenth of the rows is the test; nobody sees it before the end, as implicit
features neither. Seconds are of fitting and predicting in this process, imports and reading apart. myfm and implicit come
with the extra `bench`; one that is not installed is said to be so. `--scale` trains on ROWS generated ratings of low rank,
with popular items and busy users, after the table that is named: seconds for a million rows, and peak memory, each in a
process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from apps import collab  # noqa: E402
from apps.collab.columns import read_rows  # noqa: E402
from apps.collab.recipe import CollabRecipe  # noqa: E402

STAGES = ("encode", "build", "train", "settle", "measure")
SHORT_CHAINS = ((4, 4), (8, 8), (15, 10), (30, 10))
"""(samples, burn) of ever longer runs, until one is as good as stock fastai."""

WHOM = ("glance", "fastai", "myfm", "implicit")

Result = dict[str, Any]
Contestant = Callable[[dict[str, list[Result]]], Result]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", type=Path, nargs="?", help="a table of user,item,rating")
    parser.add_argument("--positive", type=float, default=4.0, help="least rating that counts as liked when ranking")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1, help="times that all of them run in turn; medians at the end")
    parser.add_argument("--only", nargs="+", choices=WHOM)
    parser.add_argument("--scale", nargs=3, type=int, metavar=("ROWS", "USERS", "ITEMS"))
    parser.add_argument("--generate", nargs=4, metavar=("ROWS", "USERS", "ITEMS", "FILE"), help="write them alone")
    parsed = parser.parse_args()
    if parsed.generate:
        generate(*map(int, parsed.generate[:3]), Path(parsed.generate[3]))
    elif parsed.ratings is None:
        parser.error("name a table of ratings")
    elif parsed.scale:
        scale(parsed.ratings, [str(number) for number in parsed.scale])
    else:
        compare(parsed)


def scale(ratings: Path, numbers: list[str]) -> None:
    """Prints one JSON line for each of the two tables: the whole command's seconds, default dials."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "generated.csv")
        _timed([__file__, "--generate", *numbers, file])
        for name, table in ((ratings.name, str(ratings)), (" ".join(numbers), file)):
            command = ["-m", "apps", "collab", "train", table, "--out", str(Path(folder) / "out"), "--json"]
            said, seconds, gigabytes = _timed(command)
            result = json.loads(said.splitlines()[-1])
            millions = sum(result["rows"].values()) / 1e6
            found = {"rmse": round(result["metrics"]["rmse"], 4), "seconds": round(seconds, 1)}
            found |= {"seconds_per_million": round(seconds / millions, 2), "peak_gigabytes": round(gigabytes, 2)}
            print(json.dumps({"run": name, **found}), flush=True)


def _timed(command: list[str]) -> tuple[str, float, float]:
    """(stdout, seconds, peak gigabytes) of a child; raises where it fails."""
    start = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as out,
        subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=out) as child,
    ):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command} ended with {child.returncode}")
        out.seek(0)
        return out.read(), time.perf_counter() - start, usage.ru_maxrss / 1e6


def compare(parsed: argparse.Namespace) -> None:
    """Prints one JSON line a contestant and task."""
    frame, roles = read_rows(parsed.ratings, CollabRecipe())
    frame = frame[[roles.user, roles.item, roles.rating]].set_axis(["user", "item", "rating"], axis=1)
    frame["rating"] = frame["rating"].astype(float)
    test = np.random.default_rng(parsed.seed).random(len(frame)) < 0.1
    found: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory() as folder:
        train, held = (Path(folder) / name for name in ("train.csv", "test.csv"))
        frame[~test].to_csv(train, index=False)
        frame[test].to_csv(held, index=False)
        for _ in range(parsed.rounds):
            alternate(found, contestants(frame, test, parsed, (train, held)))
    for name, results in found.items():
        print(json.dumps({"median of": name, **median(results)}))
    if STOCK in found and REACH in found:
        ratio = median(found[STOCK])["seconds"] / median(found[REACH])["seconds"]
        print(json.dumps({"time to stock fastai's rmse, stock / glance": round(ratio, 1)}))


STOCK, REACH = "fastai stock, 5 epochs", "glance to reach it"


def contestants(
    frame: pd.DataFrame, test: np.ndarray, parsed: argparse.Namespace, files: tuple[Path, Path]
) -> dict[str, Contestant]:
    """What runs in each round, in turn, given what was found so far."""
    seed = parsed.seed
    ranking: Result = {"task": "ranking", "positive": parsed.positive, "seed": seed}
    runs: dict[str, Contestant] = {
        STOCK: lambda _: stock(frame, test),
        REACH: lambda found: reach(*files, seed, found[STOCK][-1]["rmse"] if STOCK in found else float("inf")),
        "glance default": lambda _: ours(*files, seed=seed),
        "glance best": lambda _: ours(*files, seed=seed, preset="best"),
        "myfm": lambda _: bayesian(frame, test, parsed),
        "glance ranking": lambda _: ours(*files, **ranking),
        "glance ranking best": lambda _: ours(*files, **ranking, preset="best"),
        "implicit": lambda _: alternating(frame, test, parsed),
    }
    missing = {name for name in ("myfm", "implicit") if importlib.util.find_spec(name) is None}
    for name in sorted(missing):
        print(f'{name}: not installed (pip install "glance[bench]")')
    wanted = set(parsed.only or WHOM) - missing
    return {name: run for name, run in runs.items() if name.split()[0] in wanted}


def alternate(found: dict[str, list[Result]], runs: dict[str, Contestant]) -> None:
    """Runs each once, adds the seconds where the run does not tell its own, and prints."""
    for name, run in runs.items():
        start = time.perf_counter()
        result = run(found)
        result.setdefault("seconds", round(time.perf_counter() - start, 2))
        print(json.dumps({"run": name, **result}), flush=True)
        found.setdefault(name, []).append(result)


def median(results: list[Result]) -> Result:
    """Of each number over the rounds."""
    return {name: round(float(np.median([result[name] for result in results])), 4) for name in results[0]}


def ours(train: Path, held: Path, **dials: Any) -> Result:
    facts = collab.train(train, test=held, **dials).facts
    found = {name: round(facts.metrics[name], 4) for name in ("rmse", "recall@10", "ndcg@10") if name in facts.metrics}
    return {**found, "seconds": round(sum(facts.seconds[stage] for stage in STAGES), 2)}


def reach(train: Path, held: Path, seed: int, bar: float) -> Result:
    """The first of ever longer chains that is as good as `bar`, or the last; the seconds count all that were tried."""
    spent, found = 0.0, {}
    for samples, burn in SHORT_CHAINS:
        found = ours(train, held, samples=samples, burn=burn, strength=300.0, seed=seed)
        spent += found["seconds"]
        if found["rmse"] <= bar:
            break
    return {**found, "seconds": round(spent, 2)}


def stock(frame: pd.DataFrame, test: np.ndarray) -> Result:
    """fastai's tutorial: `collab_learner` with 50 factors, `fit_one_cycle(5, 5e-3, wd=0.1)`, batches of 64."""
    from fastai.collab import CollabDataLoaders, collab_learner

    train = frame[~test].astype({"user": str, "item": str})
    loaders = CollabDataLoaders.from_df(train, valid_pct=0.01, seed=0, bs=64)
    learner = collab_learner(loaders, n_factors=50, y_range=(0, 5.5))
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(5, 5e-3, wd=0.1)
    asked = loaders.test_dl(frame[test].astype({"user": str, "item": str}))
    with learner.no_bar():
        predicted = np.concatenate([learner.model.cpu()(batch[0].cpu()).detach().numpy().ravel() for batch in asked])
    return {"rmse": rmse(predicted, frame, test)}


def bayesian(frame: pd.DataFrame, test: np.ndarray, parsed: argparse.Namespace) -> Result:
    """myfm's Gibbs sampler on user and item alone, rank 10, as its tutorial has it."""
    import myfm
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(handle_unknown="ignore").fit(frame.loc[~test, ["user", "item"]])
    x, y = (encoder.transform(frame.loc[part, ["user", "item"]]) for part in (~test, test))
    model = myfm.MyFMRegressor(rank=10, random_seed=parsed.seed).fit(x, frame.rating[~test].to_numpy(), n_iter=300)
    return {"rmse": rmse(model.predict(y), frame, test)}


def alternating(frame: pd.DataFrame, test: np.ndarray, parsed: argparse.Namespace) -> Result:
    """implicit's ALS with its defaults on liked rows; the same measures over users with liked rows in both parts.

    Glance counts those with test rows alone, too, and answers them by popularity."""
    import implicit
    from scipy.sparse import csr_matrix

    liked = (frame.rating >= parsed.positive).to_numpy()
    users, items = frame.user.cat.codes.to_numpy(), frame.item.cat.codes.to_numpy()
    shape = (users.max() + 1, items.max() + 1)
    seen, asked = (
        csr_matrix((np.ones(part.sum(), np.float32), (users[part], items[part])), shape)
        for part in (liked & ~test, liked & test)
    )
    model = implicit.als.AlternatingLeastSquares(random_state=parsed.seed)
    model.fit(seen, show_progress=False)
    rows = np.flatnonzero((np.diff(asked.indptr) > 0) & (np.diff(seen.indptr) > 0))
    lists, _ = model.recommend(rows, seen[rows], N=10)
    discounts = 1 / np.log2(np.arange(2, 12))
    hits = np.array([np.isin(top, asked[row].indices) for row, top in zip(rows, lists, strict=True)])
    chosen = np.diff(asked.indptr)[rows]
    ideal = discounts.cumsum()[np.minimum(chosen, 10) - 1]
    recall, ndcg = (hits.sum(1) / chosen).mean(), (hits @ discounts / ideal).mean()
    return {"recall@10": round(float(recall), 4), "ndcg@10": round(float(ndcg), 4)}


def rmse(predicted: np.ndarray, frame: pd.DataFrame, test: np.ndarray) -> float:
    """Of predictions held within the scale."""
    ratings = frame.rating.to_numpy()
    error = predicted.clip(ratings.min(), ratings.max()) - ratings[test]
    return round(float(np.sqrt(np.mean(error**2))), 4)


def generate(rows: int, users: int, items: int, path: Path, block: int = 1 << 20) -> None:
    """Writes userId,movieId,rating,timestamp: half stars from factors of rank 6, users' activity log-normal."""
    draws = np.random.default_rng(0)
    activity, popularity = draws.lognormal(0, 1.1, users), 1 / (np.arange(items) + 20.0) ** 0.9
    pairs = draws.choice(users, int(rows * 1.25), p=activity / activity.sum()) * items
    pairs += draws.choice(items, len(pairs), p=popularity / popularity.sum())
    pairs = draws.permutation(np.unique(pairs))[:rows]
    left, right = draws.normal(0, 0.35, (users, 6)), draws.normal(0, 0.35, (items, 6))
    of_user, of_item = draws.normal(0, 0.4, users), draws.normal(0, 0.4, items)
    with path.open("w") as file:
        file.write("userId,movieId,rating,timestamp\n")
        for start in range(0, len(pairs), block):
            user, item = np.divmod(pairs[start : start + block], items)
            rating = 3.5 + of_user[user] + of_item[item] + (left[user] * right[item]).sum(1)
            stars = np.clip(np.round(2 * (rating + draws.normal(0, 0.8, len(user)))) / 2, 0.5, 5)
            times = draws.integers(800_000_000, 1_500_000_000, len(user))
            columns = (part.tolist() for part in (user, item, stars, times))
            file.writelines(f"{u},{i},{r},{t}\n" for u, i, r, t in zip(*columns, strict=True))


if __name__ == "__main__":
    main()
