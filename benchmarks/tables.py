"""Tables that nothing was tuned on by hand: made from installed packages and shared data, or drawn at random.

Each gives a frame with the target in its last column, the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from data import locate
from shared.tables import read_table


def embedded(name: str) -> pd.DataFrame:
    """One of the data sets that come with scikit-learn."""
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame


def ratings(rows: int, liked: bool) -> pd.DataFrame:
    """MovieLens 1M beside who rated and what: the numbers of users and films are no amounts, but they stand there so."""
    folder = locate("ml-1m")
    users = _columns(folder / "users.dat", ["userId", "gender", "age", "occupation", "zip"])
    movies = _columns(folder / "movies.dat", ["movieId", "title", "genres"])
    movies["year"] = movies["title"].str.extract(r"\((\d{4})\)$")[0].astype(float)
    found = read_table(folder / "ratings.csv").sample(rows, random_state=0)
    frame = found.merge(users, on="userId").merge(movies.drop(columns="title"), on="movieId")
    score = frame.pop("rating")
    return frame.assign(liked=np.where(score >= 4, "yes", "no")) if liked else frame.assign(rating=score)


def _columns(path: object, names: list[str]) -> pd.DataFrame:
    return pd.read_csv(str(path), sep="::", engine="python", names=names, encoding="latin-1")


def adult(target: str) -> pd.DataFrame:
    """Adult's training rows with another column for a target."""
    return _last(read_table(locate("adult") / "train.csv"), target)


def california(target: str) -> pd.DataFrame:
    return _last(read_table(locate("california_housing") / "housing.csv"), target)


def bike(target: str) -> pd.DataFrame:
    return _last(read_table(locate("bike_sharing") / "hour.csv").drop(columns="instant"), target)


def _last(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    return frame[frame[target].notna()][[*frame.columns.drop(target), target]]


def imbalanced(rows: int) -> pd.DataFrame:
    """Six classes of a half to a hundredth of the rows, in 20 numbers, a tenth of them missing."""
    from sklearn.datasets import make_classification

    shares = [0.5, 0.25, 0.13, 0.07, 0.04, 0.01]
    x, y = make_classification(
        rows, 20, n_informative=10, n_redundant=4, n_classes=6, weights=shares, flip_y=0.03, random_state=0
    )
    x[np.random.default_rng(0).random(x.shape) < 0.1] = np.nan
    return pd.DataFrame(x).add_prefix("x").assign(kind=pd.Series(y).map("class {}".format))


def many_words(rows: int) -> pd.DataFrame:
    """Four categories of 20 to 3,000 words, some seldom, whose hidden worths add up and multiply; two numbers."""
    draws = np.random.default_rng(0)
    frame, signal = pd.DataFrame(), np.zeros(rows)
    for name, size in {"shop": 20, "street": 300, "maker": 1000, "person": 3000}.items():
        codes = np.minimum(draws.geometric(4 / size, rows) - 1, size - 1)
        frame[name], worth = [f"{name} {code}" for code in codes], draws.normal(size=size)
        signal = signal + worth[codes] * (1 + 0.5 * np.tanh(signal))
    frame["age"], frame["weight"] = draws.gamma(3, 10, rows), draws.normal(70, 12, rows)
    signal = signal + np.sin(frame["age"] / 8) * (frame["weight"] > 65)
    return frame.assign(bought=np.where(signal + draws.logistic(size=rows) > 0.5, "yes", "no"))


def steps(rows: int) -> pd.DataFrame:
    """A number that jumps at places of a few of fifteen columns, and little noise: made for trees."""
    draws = np.random.default_rng(0)
    x = draws.random((rows, 15))
    parts = [np.floor(4 * x[:, 0]) * (x[:, 1] > 0.3), 3.0 * ((x[:, 2] > 0.5) ^ (x[:, 3] > 0.6)), np.round(2 * x[:, 4])]
    return pd.DataFrame(x).add_prefix("x").assign(height=sum(parts) + draws.normal(0, 0.3, rows))


def heavy_tail(rows: int) -> pd.DataFrame:
    """Claims: mostly small, some enormous; three categories, seven numbers, smooth and jumping parts."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(rows, 7))
    region, trade = draws.integers(0, 30, rows), draws.integers(0, 8, rows)
    size = 5 + 0.6 * x[:, 0] + 0.4 * np.abs(x[:, 1]) + 0.3 * x[:, 2] * x[:, 3] + draws.normal(0, 0.4, 30)[region]
    size = size + 0.3 * (trade > 5) + 0.5 * draws.standard_t(4, rows)
    frame = pd.DataFrame(x).add_prefix("x").assign(region=[f"r{r}" for r in region], trade=[f"t{t}" for t in trade])
    return frame.assign(claim=np.exp(np.clip(size, 0, 12)))


def ground(rows: int) -> pd.DataFrame:
    """Seven kinds of cover by ten numbers of the ground and two sets of flags, as forest inventories have them."""
    draws = np.random.default_rng(0)
    place = draws.random((rows, 2))
    height = (
        2000 + 900 * np.sin(3 * place[:, 0]) * np.cos(4 * place[:, 1]) + 300 * np.sin(17 * place[:, 0] * place[:, 1])
    )
    soil = (7 * place[:, 0] + 3 * np.sin(9 * place[:, 1]) + draws.normal(0, 0.7, rows)).astype(int) % 20
    area = (2 * (place[:, 0] > 0.5) + (place[:, 1] > 0.4)).astype(int)
    slope, aspect = draws.gamma(2, 7, rows), draws.random(rows) * 360
    water, road, fire = (np.abs(draws.normal(0, 800, (rows, 3))) + 900 * place[:, [0, 1, 0]]).T
    shade = 200 + 30 * np.cos(np.deg2rad(aspect)) * np.sqrt(slope)
    numbers = {"height": height, "aspect": aspect, "slope": slope, "water": water, "road": road, "fire": fire}
    frame = pd.DataFrame(numbers | {"shade": shade, "noon": 255 - slope}).round()
    for name, codes, size in (("area", area, 4), ("soil", soil, 20)):
        for code in range(size):
            frame[f"{name}_{code}"] = (codes == code).astype(int)
    belts = np.stack([-(((height - h - 150 * (area == a)) / w) ** 2) for h, w, a in _BELTS], 1)
    belts += 0.8 * np.sin(soil[:, None] * np.arange(1, 8)) + (shade[:, None] - 200) / 40 * np.linspace(-1, 1, 7)
    belts += np.where(water[:, None] < 400, np.linspace(1, -1, 7), 0) + draws.gumbel(0, 0.5, (rows, 7))
    return frame.assign(cover=belts.argmax(1) + 1)


_BELTS = [
    (h, w, a)
    for h, w, a in zip(
        (1300, 1600, 1900, 2100, 2400, 2700, 2900),
        (300, 250, 300, 120, 350, 200, 250),
        (0, 1, 2, 3, 0, 1, 2),
        strict=True,
    )
]

TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    **{name: lambda name=name: embedded(name) for name in ("digits", "wine", "breast_cancer", "diabetes")},
    "adult_occupation": lambda: adult("occupation"),
    "adult_hours": lambda: adult("hours-per-week"),
    "california_ocean": lambda: california("ocean_proximity"),
    "bike_weather": lambda: bike("weathersit"),
    "imbalanced": lambda: imbalanced(20_000),
    "many_words": lambda: many_words(40_000),
    "steps": lambda: steps(10_000),
    "heavy_tail": lambda: heavy_tail(30_000),
    "ground": lambda: ground(60_000),
    "ratings": lambda: ratings(100_000, False),
    "liked_500k": lambda: ratings(500_000, True),
    "ground_500k": lambda: ground(500_000),
}
"""By name, in order of size."""
