"""`BaseTabular`: what the classifier and the regressor for tables share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ffnn._types import Array
from ffnn.callbacks import Callback
from ffnn.core import clock
from ffnn.core.checks import check_int, check_number
from ffnn.estimators.doubled import Doubled
from ffnn.models.averaging import join
from ffnn.sequential import Sequential
from ffnn.tables.encoder import TableEncoder
from ffnn.tables.frames import as_table, is_table
from ffnn.tables.table import Table
from ffnn.tabular.budget import Budget, Deadline
from ffnn.tabular.folds import Split, networks_for, splits
from ffnn.tabular.network import make_layers
from ffnn.tabular.recipe import LARGEST_ONE_HOT, Recipe
from ffnn.tabular.training import Rows, train
from ffnn.threads import one_thread

if TYPE_CHECKING:
    from typing_extensions import Self

_NUMBERS = "fdbhilqBHILQ"  # the dtypes whose entries Python has, too


class BaseTabular(BaseEstimator, ABC):
    """What the two estimators for tables share."""

    model_: Sequential
    models_: list[Sequential]
    recipe_: Recipe
    n_features_in_: int

    def __init__(
        self,
        ensemble: int | None = 1,
        time_budget: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.ensemble = ensemble
        self.time_budget = time_budget
        self.random_state = random_state

    # -- what the two define -------------------------------------------------------------------

    _are_classes: bool

    @abstractmethod
    def _read_targets(self, y: Array) -> Array:
        """Learn from y what it can be, and return it as class numbers or numbers."""

    @abstractmethod
    def _count_outputs(self) -> int:
        """Return how many outputs the network has."""

    # -- fitting -------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> Self:
        """Train one network, or an ensemble.

        Parameters
        ----------
        X : data frame, dict of columns, list of dict, Table, path, or array-like
            Rows; text, dates and missing values as they are.
        y : array-like of shape (rows,)
            Class labels of any sortable kind, or numbers.

        Returns
        -------
        estimator
            Itself.

        Raises
        ------
        ValueError, TypeError
            A parameter or the data does not fit, or `time_budget` is too short. The estimator is
            then as it was.
        """
        before = dict(vars(self))
        try:
            with one_thread():
                self._fit(X, y)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Any, y: Any) -> None:
        name, count, began = type(self).__name__, self.ensemble, clock.now()
        if count is not None:
            count = check_int(name, "ensemble", count, low=1)
        seconds = self.time_budget
        if seconds is not None:
            seconds = check_number(name, "time_budget", seconds, low=0.0, low_open=True)
        table = self._read(X, reset=True)
        y = self._check_targets(y, table)
        count = count or networks_for(y, are_classes=self._are_classes)
        budget = None
        if seconds is not None:
            budget = Budget(seconds, count, f"{name}: time_budget", began)
        state = check_random_state(self.random_state)
        rng = np.random.default_rng(int(state.randint(2**31 - 1)))
        chosen = splits(y, count, rng, are_classes=self._are_classes)
        encoder = TableEncoder("robust", LARGEST_ONE_HOT)
        encoder.fit(table, rows=chosen[0][0] if count == 1 else np.arange(len(y)))
        self.models_ = [
            self._train(table, y, encoder, split, rng, budget, count) for split in chosen
        ]
        self.model_ = self.models_[0] if count == 1 else join(self.models_)
        self._doubled = Doubled(self.model_)

    def _train(
        self,
        table: Table,
        y: Array,
        encoder: TableEncoder,
        split: Split,
        rng: np.random.Generator,
        budget: Budget | None,
        networks: int,
    ) -> Sequential:
        """Return a network that is trained on some rows of a table and validated on others."""
        rows, held_out = (
            Rows(encoder.transform(table, rows=numbers, dtype=np.float32), y[numbers])
            for numbers in split
        )
        task = "classification" if self._are_classes else "regression"
        features, outputs = rows.x.shape[1], self._count_outputs()
        recipe = Recipe.of(task, len(rows.y), features, outputs, networks)
        seed, called = int(rng.integers(2**31)), list[Callback]()
        if budget is not None:
            trial = Sequential(make_layers(recipe, encoder, y), seed=seed)
            recipe = budget.plan(recipe, trial, rows, held_out)
            called = [Deadline(budget)]
        model = Sequential(make_layers(recipe, encoder, y), seed=seed)
        model.encoder = encoder
        self._name_outputs(model)
        train(model, recipe, rows, held_out, rng, called)
        self.recipe_ = recipe
        return model

    def _name_outputs(self, model: Sequential) -> None:
        """Tell the network what its outputs mean."""

    # -- what comes in -------------------------------------------------------------------------

    def _read(self, X: Any, *, reset: bool) -> Table:
        """Return rows in any form as a table whose columns have the names of the fit."""
        if not is_table(X):
            return as_table(self._columns(X, reset=reset))
        if hasattr(X, "shape"):  # a data frame, whose names scikit-learn checks
            validate_data(self, X, reset=reset, skip_check_array=True)
            return as_table(X)
        table = as_table(X)
        if reset:
            self.feature_names_in_ = np.array(table.names, dtype=object)
            self.n_features_in_ = len(table.names)
        return table

    def _columns(self, X: Any, *, reset: bool) -> dict[str, Array]:
        """Return the columns of rows without names, as scikit-learn takes them."""
        options = {"ensure_all_finite": "allow-nan", "ensure_min_samples": 2 if reset else 1}
        X = validate_data(self, X, reset=reset, dtype=None, **options)
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])
        return dict(zip(names, X.T, strict=True))

    def _read_rows(self, X: Any) -> Any:
        """Return rows to predict: a single one of numbers as a list, for which no table is made."""
        if isinstance(X, np.ndarray) and X.ndim == 2 and len(X) == 1 and X.dtype.char in _NUMBERS:
            return [{name: each.item() for name, each in self._columns(X, reset=False).items()}]
        return X if type(X) is list and len(X) == 1 and is_table(X) else self._read(X, reset=False)

    def _check_targets(self, y: Any, table: Table) -> Array:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                f"is None"
            )
        y = column_or_1d(y, warn=True)
        check_consistent_length(y, range(table.num_rows))
        assert_all_finite(y, input_name="y")
        return self._read_targets(y)

    # -- predicting ----------------------------------------------------------------------------

    def _compute(self, X: Any) -> Array:
        """Return the outputs.

        They are computed in float64, so that what becomes of a row does not depend on the others.
        """
        if "model_" not in vars(self):  # which takes a tenth of the check
            check_is_fitted(self)
        return self._doubled.predict(self._read_rows(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
