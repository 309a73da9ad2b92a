"""scikit-learn estimators around the tabular app: `TabularClassifier` and `TabularRegressor`."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_array,
    check_is_fitted,
    validate_data,
)

from apps.tabular.app import APP, TabularApp
from apps.tabular.columns import from_frame
from apps.tabular.labelling import evened_classes
from apps.tabular.preprocessor import TabularPreprocessor
from apps.tabular.recipe import TabularRecipe
from apps.tabular.sizes import shared_out, sized
from apps.tabular.targets import CLASSIFICATION, REGRESSION, NumberTarget
from shared.errors import UserError
from shared.predict import BLOCK, Predictor
from shared.protocol import Columns, Examples, Splits, count, pick
from shared.run import train
from shared.splits import split_off

FEWEST_TO_SPLIT = 40
"""With fewer rows than this all are trained on, and the last weights are kept."""


class _Given(TabularApp):
    """The app over rows that are in memory."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    def read(self, source: Path, recipe: TabularRecipe, valid: Path | str | None, test: Path | None) -> Splits:
        """`source` is not looked at; there is no test part, since scikit-learn measures by itself."""
        recipe = shared_out(recipe, len(self.examples))
        fraction = recipe.valid_fraction if len(self.examples) >= FEWEST_TO_SPLIT else 0.0
        kept, held = split_off(self.examples, fraction, recipe.seed, recipe.task == CLASSIFICATION)
        return Splits(kept, held, kept.take(np.arange(0)), sized(recipe, len(kept)))


class _TabularEstimator(BaseEstimator):
    """What both have in common. A dial of None is left to the preset; columns of a DataFrame may hold anything."""

    _task: str

    def __init__(
        self,
        preset: str = "default",
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        members: int | None = None,
        folds: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        dropout: float | None = None,
        trees: str | None = None,
        class_weights: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.preset = preset
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.members = members
        self.folds = folds
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.trees = trees
        self.class_weights = class_weights
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, columns: Columns, targets: np.ndarray, weights: np.ndarray | None) -> None:
        dials = {name: value for name, value in self.get_params().items() if value is not None}
        dials.pop("random_state", None)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        dials |= {"seed": seed, "task": self._task, "interval": 0, "precision": "fp32"}
        if weights is not None:
            weights = evened_classes(targets, weights) if self.class_weights == "auto" else weights / weights.mean()
        try:
            given: Any = _Given(Examples(columns, targets, weights))
            fitted = train(given, Path(), TabularRecipe.make(dials))
        except UserError as error:
            raise ValueError(f"{error} (n_samples = {len(targets)})") from error
        app: Any = APP
        self.model_ = dataclasses.replace(fitted, app=app)
        # float64, so that a row's answer does not hang on the rows beside it
        self.predictor_ = Predictor(copy.deepcopy(fitted.predictor.network).double())

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        columns = self._columns(X, reset=False)
        encode = self.model_.preprocessor.encode
        blocks = [np.arange(i, min(i + BLOCK, count(columns))) for i in range(0, count(columns), BLOCK)]
        return np.concatenate([self.predictor_.outputs(encode(pick(columns, rows))).numpy() for rows in blocks])

    def _columns(self, X: Any, reset: bool) -> Columns:
        """A DataFrame's columns as they are; anything else as an array of numbers, NaN for missing."""
        if hasattr(X, "iloc") and hasattr(X, "columns"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not len(X) or not len(X.columns):
                check_array(X, dtype=None, ensure_all_finite=False)
            return from_frame(X)
        array = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        return {f"x{i}": array[:, i] for i in range(array.shape[1])}


class TabularClassifier(ClassifierMixin, _TabularEstimator):
    """Networks and boosted trees for classes; see `TabularRecipe` for the dials."""

    _task = CLASSIFICATION

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularClassifier:
        """X: DataFrame or array (rows, columns); y: (rows,) labels of any kind; sample_weight: (rows,), how much each counts
        in training, 0 leaves it out. Raises ValueError at bad input."""
        columns = self._columns(X, reset=True)
        labels = _target(self, y)
        check_consistent_length(next(iter(columns.values())), labels)
        check_classification_targets(labels)
        columns, labels, weights = _weighed(columns, labels, sample_weight)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"a classifier needs two classes or more; y holds only {str(self.classes_[0])!r} (n_samples = {len(labels)})"
            )
        self._fit(columns, codes.astype(str).astype(object), weights)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, float64 (rows, classes), in the order of `classes_`."""
        found = np.exp(self._outputs(X).astype(np.float64))
        return found / found.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row."""
        best = self.predict_proba(X).argmax(1)
        found: np.ndarray = self.classes_[best]
        return found


class TabularRegressor(RegressorMixin, _TabularEstimator):
    """Networks and boosted trees for numbers; see `TabularRecipe` for the dials."""

    _task = REGRESSION

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularRegressor:
        """X: DataFrame or array (rows, columns); y: (rows,) numbers; sample_weight: as of the classifier. Raises ValueError at
        bad input."""
        columns = self._columns(X, reset=True)
        numbers = _target(self, y).astype(np.float64)
        check_consistent_length(next(iter(columns.values())), numbers)
        self._fit(*_weighed(columns, numbers, sample_weight))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """A number for each row, float64, within the span of those trained on."""
        outputs = torch.from_numpy(self._outputs(X))
        preprocessor = self.model_.preprocessor
        assert isinstance(preprocessor, TabularPreprocessor) and isinstance(preprocessor.target, NumberTarget)
        values: np.ndarray = preprocessor.target.values(outputs).numpy()
        return values


def _target(estimator: BaseEstimator, y: Any) -> np.ndarray:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    found: np.ndarray = column_or_1d(y, warn=True)
    assert_all_finite(found, input_name="y")
    return found


def _weighed(columns: Columns, targets: np.ndarray, given: Any) -> tuple[Columns, np.ndarray, np.ndarray | None]:
    """The rows that count, and their weights; those of weight 0 would set spans and means, and choose."""
    if given is None:
        return columns, targets, None
    weights: np.ndarray = _check_sample_weight(given, targets, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight is 0 in all rows: give some above 0")
    rows = np.flatnonzero(weights)
    return pick(columns, rows), targets[rows], weights[rows]
