"""`TabularClassifier` and `TabularRegressor`: the network for tables, without tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from ffnn._types import Array
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    pass
from ffnn.estimators.tabular_base import BaseTabular


class TabularClassifier(ClassifierMixin, BaseTabular):
    """A network for classes of rows of a table, good without tuning.

    Text, dates and missing values are taken as they are. A tenth of the rows is held out to find
    the best epoch. What the network is made of, and for how long it is trained, follows from rows
    and columns by the rules of `ffnn.tabular.recipe`.

    Parameters
    ----------
    ensemble : int or None
        How many networks are trained, each validated on another fold of the rows; their
        probabilities are averaged. None, as `ffnn train` has it, means five of fewer than 300
        rows, else one.
    time_budget : float, optional
        Seconds that `fit` may take: the training is planned shorter where it would take longer.
        The result then depends on the speed of the machine.
    random_state : int, RandomState or None
        Makes the result repeatable.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        The labels, in ascending order.
    model_ : Sequential
        The network, or of an ensemble one that averages what its networks predict. It takes rows of
        tables, too, and can be saved.
    models_ : list of Sequential
        The networks, each with the history of its training.
    recipe_ : Recipe
        What was chosen for the (last) network; ``print`` shows it.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (columns,)
        Their names, if they have any.

    Examples
    --------
    >>> from ffnn.tables import TabularClassifier
    >>> rows = [{"wood": wood, "age": age} for age in range(20) for wood in ("oak", None)]
    >>> y = [f"{row['wood']}, {'old' if row['age'] > 9 else 'new'}" for row in rows]
    >>> classifier = TabularClassifier(random_state=0).fit(rows, y)
    >>> classifier.predict([{"wood": "oak", "age": 2}, {"age": 18}]).tolist()
    ['oak, new', 'None, old']
    """

    classes_: Array
    _are_classes = True

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, of shape (rows,).

        `X` is as for `fit`; columns of tables are found by their names.
        """
        probabilities = self._compute(X)
        labels: Array = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, of shape (rows, classes), ordered as `classes_`.

        Examples
        --------
        >>> classifier.predict_proba([{"wood": "oak", "age": 2}]).shape
        (1, 4)
        """
        return self._compute(X)

    def _read_targets(self, y: Array) -> Array:
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            only = shown(self.classes_.tolist()[0], 60)
            raise DataError(f"y has only one class, {only}: there is nothing to learn")
        return numbers

    def _count_outputs(self) -> int:
        return len(self.classes_)

    def _name_outputs(self, model: Sequential) -> None:
        model.class_names = self.classes_.tolist()
        model.class_labels = self.classes_


class TabularRegressor(RegressorMixin, BaseTabular):
    """A network for numbers of rows of a table, good without tuning.

    Text, dates and missing values are taken as they are. A tenth of the rows is held out to find
    the best epoch. Predictions stay within the range of y. What the network is made of, and for how
    long it is trained, follows from rows and columns by the rules of `ffnn.tabular.recipe`.

    Parameters
    ----------
    ensemble : int or None
        How many networks are trained, each validated on another fold of the rows; their
        predictions are averaged. None, as `ffnn train` has it, means five of fewer than 300
        rows, else one.
    time_budget : float, optional
        Seconds that `fit` may take: the training is planned shorter where it would take longer.
        The result then depends on the speed of the machine.
    random_state : int, RandomState or None
        Makes the result repeatable.

    Attributes
    ----------
    model_ : Sequential
        The network, or of an ensemble one that averages what its networks predict. It takes rows of
        tables, too, and can be saved.
    models_ : list of Sequential
        The networks, each with the history of its training.
    recipe_ : Recipe
        What was chosen for the (last) network; ``print`` shows it.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (columns,)
        Their names, if they have any.

    Examples
    --------
    >>> from ffnn.tables import TabularRegressor
    >>> rows = [{"wood": wood, "age": age} for age in range(20) for wood in ("oak", None)]
    >>> prices = [100.0 - 3.0 * row["age"] + 20.0 * (row["wood"] == "oak") for row in rows]
    >>> regressor = TabularRegressor(random_state=0).fit(rows, prices)
    >>> old, new = regressor.predict([{"wood": "oak", "age": 18}, {"wood": "oak", "age": 2}])
    >>> bool(old < new)
    True
    """

    _are_classes = False

    def predict(self, X: Any) -> Array:
        """Return the number of each row, of shape (rows,).

        `X` is as for `fit`; columns of tables are found by their names.
        """
        return self._compute(X)[:, 0]

    def _read_targets(self, y: Array) -> Array:
        numbers = y.astype(np.float64)
        if numbers.min() == numbers.max():
            raise DataError(f"y is {numbers[0]:g} in every row: there is nothing to learn")
        return numbers

    def _count_outputs(self) -> int:
        return 1
