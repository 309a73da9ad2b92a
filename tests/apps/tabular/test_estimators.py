"""The scikit-learn estimators keep scikit-learn's own contract, and work in its tools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from apps.tabular import TabularClassifier, TabularRegressor, sizes
from apps.tabular.boosting import installed

SMALL = {"members": 1, "folds": 1, "width": 32, "trees": "none", "epochs": 12, "lr": 0.02, "batch_size": 128}
CLASSES, NUMBERS = ({**SMALL, "epochs": epochs, "lr": lr, "batch_size": 64} for epochs, lr in ((8, 0.05), (10, 0.03)))
"""Few long steps: scikit-learn's checks fit a hundred times, and a small step costs fastai more than its arithmetic."""


NO_REPEATS = {
    "check_sample_weight_equivalence_on_dense_data": "steps and the split see a repeated row twice, a heavy one once"
}


@parametrize_with_checks(
    [TabularClassifier(**CLASSES), TabularRegressor(**NUMBERS)], expected_failed_checks=lambda _: NO_REPEATS
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_lone_class_is_named() -> None:
    with pytest.raises(ValueError, match="y holds only 'a'"):
        TabularClassifier(**SMALL).fit(np.arange(20).reshape(10, 2), ["a"] * 10)


def test_pipeline_search_and_cross_validation() -> None:
    features, labels = make_classification(80, 6, random_state=0)
    assert cross_val_score(TabularClassifier(**SMALL), features, labels, cv=2).mean() > 0.75
    search = GridSearchCV(
        make_pipeline(StandardScaler(), TabularClassifier(**SMALL)), {"tabularclassifier__width": [8, 32]}, cv=2
    )
    assert search.fit(features, labels).best_score_ > 0.7


def test_frames_of_words_and_gaps() -> None:
    frame = pd.DataFrame({"city": ["Ulm", "Bonn", None, "Köln"] * 20, "size": [1.0, np.nan, 3.0, 4.0] * 20})
    labels = np.where(frame["city"] == "Ulm", "big", "small")
    fitted = TabularClassifier(**SMALL).fit(frame, labels)
    assert (fitted.predict(frame) == labels).mean() > 0.9 and list(fitted.classes_) == ["big", "small"]
    assert fitted.predict(pd.DataFrame({"city": ["Paris"], "size": [2.0]})).shape == (1,)


def test_a_bad_dial_is_said() -> None:
    with pytest.raises(ValueError, match="preset"):
        TabularRegressor(preset="bst").fit(np.arange(20.0).reshape(10, 2), np.arange(10.0))


@pytest.mark.parametrize("random_state", [None, 3, np.random.RandomState(3)])
def test_random_state_is_whatever_scikit_learn_takes(random_state: Any) -> None:
    features, labels = make_classification(40, 4, random_state=0)
    fitted = TabularClassifier(**SMALL | {"epochs": 1}, random_state=random_state).fit(features, labels)
    assert fitted.random_state is random_state and len(fitted.predict(features)) == 40


def test_rows_count_by_their_weights() -> None:
    draws = np.random.default_rng(0)
    features, labels = draws.normal(size=(200, 2)), np.repeat(["a", "b"], 100)
    side, coins = np.arange(36).reshape(-1, 1) % 2, np.repeat(["a", "b"], 18)  # too few rows to hold any out
    even, heavy = (
        TabularClassifier(**SMALL | {"epochs": 40})
        .fit(side, coins, sample_weight=weights)
        .predict_proba(side)
        .mean(0)[1]
        for weights in (np.ones(36), np.repeat([1, 9], 18))
    )
    assert even == pytest.approx(0.5, abs=0.1) and heavy == pytest.approx(0.9, abs=0.1)
    left_out = TabularClassifier(**SMALL | {"epochs": 1}).fit(
        np.vstack([features, features + 1e6]), [*labels, *["c"] * 200], sample_weight=np.repeat([1.0, 0.0], 200)
    )
    plain = TabularClassifier(**SMALL | {"epochs": 1}).fit(features, labels, sample_weight=np.ones(200))
    assert list(left_out.classes_) == ["a", "b"]
    assert np.array_equal(left_out.predict_proba(features), plain.predict_proba(features))
    for weights, said in (([-1.0] * 200, "Negative"), ([0.0] * 200, "0 in all rows|non-zero"), ([1.0], "shape")):
        with pytest.raises(ValueError, match=said):
            TabularRegressor(**SMALL).fit(features, np.arange(200.0), sample_weight=weights)


@pytest.mark.skipif(not installed(), reason="LightGBM is not installed")
def test_trees_and_neighbours_answer_in_the_estimators_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ROUNDS", (60, 200))
    draws = np.random.default_rng(0)
    X = pd.DataFrame({"a": draws.random(3000), "b": draws.random(3000), "kind": draws.choice(["u", "v"], 3000)})
    height = draws.normal(size=(12, 12))[(X["a"] * 12).astype(int), (X["b"] * 12).astype(int)]
    model = TabularRegressor(epochs=0, folds=1).fit(X[:2600], height[:2600])
    assert model.predictor_.network.neighbours.columns.tolist() == [0, 1]
    assert np.corrcoef(model.predict(X[2600:]), height[2600:])[0, 1] > 0.85
