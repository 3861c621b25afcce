"""`FFNNClassifier`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from ffnn._types import Array
from ffnn.activations import Sigmoid, Softmax
from ffnn.data.targets import check_weight_of_class
from ffnn.errors import DataError
from ffnn.estimators.base import BaseFFNN
from ffnn.estimators.conventions import ClippedLogLoss, ScaledLoss
from ffnn.estimators.parameters import Activations, Sizes, complete
from ffnn.estimators.refusal import unchanged_if_refused
from ffnn.losses import BinaryCrossentropy, CategoricalCrossentropy, Loss
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from typing_extensions import Self


@complete
@dataclass(eq=False, repr=False)
class FFNNClassifier(ClassifierMixin, BaseFFNN):
    """A network that classifies, in place of scikit-learn's `MLPClassifier`.

    Parameters and attributes of that class have the same names, defaults and meanings here, and
    the same `random_state` gives the same weights up to rounding. By scikit-learn's conventions the
    loss is the sum over rows of -Σ log p of the true labels, divided by the number of rows or by
    the sum of their weights, and the penalty is divided by the same number. A `Sequential` divides
    a weighted loss by the number of rows, takes the mean over the outputs of several labels, and
    has a penalty that does not depend on the batch. The reported loss counts no probability as
    less than the dtype's epsilon; gradients, and the function that lbfgs minimises, are exact.

    For several labels at once (y of zeros and ones, a column per label) each label has an output of
    its own.

    Parameters
    ----------
    {parameters}
    loss : "log_loss" or Loss, default "log_loss"
        The function to minimise; a loss of your own follows the library's conventions.
    class_weight : dict, list of dict, or "balanced", optional
        Class label → weight, which multiplies the rows' weights; "balanced" gives all classes the
        same sum.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        The labels, in ascending order.
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ffnn.estimators import FFNNClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> classifier = FFNNClassifier(max_iter=500, random_state=0).fit(x, y)
    >>> classifier.predict(x[:3])
    array([0, 0, 0])
    """

    hidden_layer_sizes: Sizes = (100,)
    activation: Activations = "relu"
    _: KW_ONLY
    loss: Annotated[str | Loss, StrOptions({"log_loss"}), Loss] = "log_loss"
    class_weight: Annotated[
        Mapping[Any, float] | Sequence[Mapping[Any, float]] | str | None,
        dict,
        list,
        StrOptions({"balanced"}),
        None,
    ] = None

    _y_numeric: ClassVar[bool] = False

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one epoch on these rows, continuing from where the last one ended.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.
        y : array-like of shape (rows,), or (rows, labels) of zeros and ones
            Class labels.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.
        classes : array-like of shape (classes,), optional
            All labels that will ever come; required at the first call.

        Returns
        -------
        FFNNClassifier
            Itself.

        Examples
        --------
        >>> online = FFNNClassifier(random_state=0)
        >>> for start in range(0, 150, 50):
        ...     rows = slice(start, start + 50)
        ...     online = online.partial_fit(x[rows], y[rows], classes=[0, 1, 2])
        """
        with unchanged_if_refused(self):
            if _check_partial_fit_first_call(self, classes):
                multilabel = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
            return self._fit(X, y, sample_weight, incremental=True)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows, classes)
            Columns in the order of `classes_`; for several labels, the probability of each.

        Examples
        --------
        >>> classifier.predict_proba(x[:2]).shape
        (2, 3)
        """
        outputs = self._compute(X)
        return outputs if self.n_outputs_ > 1 else np.hstack([1.0 - outputs, outputs])

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows, classes)
            Minus infinity where a probability is 0.

        Examples
        --------
        >>> bool((classifier.predict_log_proba(x) <= 0.0).all())
        True
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    # -- what the base asks --------------------------------------------------------------------

    def _decode(self, outputs: Array) -> Array:
        if self.out_activation_ == "softmax":
            labels: Array = self.classes_[outputs.argmax(axis=1)]
        else:
            scores = outputs.ravel() if self.n_outputs_ == 1 else outputs
            labels = self._label_binarizer.inverse_transform(scores)
        return labels

    def _read_targets(self, y: Array, *, fresh: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if fresh and not incremental:
            self._learn_labels(y)
        else:
            found = unique_labels(y)
            if self.warm_start and not np.array_equal(found, self.classes_):
                raise ValueError(
                    f"warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {found}"
                )
            self._check_labels(y)
        if fresh:
            self.n_outputs_, self.out_activation_ = self._choose_output()
        return self._encode(y)

    def _learn_labels(self, y: Array) -> None:
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_: Array = self._label_binarizer.classes_

    def _check_labels(self, y: Array) -> None:
        """Raise ValueError if y has labels that are not among `classes_`."""
        found = unique_labels(y)
        unknown = np.setdiff1d(found, self.classes_, assume_unique=True)
        if len(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}, with classes that are not in classes_: {unknown}"
            )

    def _read_held_out(self, y: Array) -> Array:
        self._check_labels(y)
        return self._encode(y)

    def _encode(self, y: Array) -> Array:
        if y.ndim == 2 or self._is_multilabel:
            indicators: Array = self._label_binarizer.transform(y)
            return indicators
        numbers: Array = np.searchsorted(self.classes_, y)
        if self.out_activation_ != "softmax":
            numbers = numbers.reshape(-1, 1)
        return numbers

    def _with_columns(self, target: Array) -> Array:
        if target.ndim == 2 or self._takes_class_numbers(target):
            return target
        one_hot: Array = np.eye(self.n_outputs_)[target]
        return one_hot

    def _takes_class_numbers(self, target: Array) -> bool:
        if self.model_.require_compiled().task != "classes":
            return False  # one number for each output
        try:
            self.model_.check_metrics(target, self.n_outputs_)
        except DataError:
            return False
        return True

    @property
    def _is_multilabel(self) -> bool:
        kind: str = self._label_binarizer.y_type_
        return kind.startswith("multilabel")

    def _choose_output(self) -> tuple[int, str]:
        """Return the number of outputs and their activation, of `network` if it fits the labels."""
        num_classes = len(self.classes_)
        expected = (num_classes if self._is_multilabel else 1, "logistic")
        chooses = isinstance(self.loss, Loss) and self.loss.task == "classes" and num_classes > 1
        if self._label_binarizer.y_type_ == "multiclass" or (chooses and not self._is_multilabel):
            expected = (num_classes, "softmax")
        if self.network is None:
            return expected
        last = self.network.last_activation
        units = self.network.compute_dims(self.n_features_in_)[-1]
        if isinstance(last, Softmax) and units == num_classes and not self._is_multilabel:
            return units, "softmax"
        if isinstance(last, Sigmoid) and (units, "logistic") == expected:
            return expected
        raise ValueError(
            f"network: y has {num_classes} {'labels' if self._is_multilabel else 'classes'}, for "
            f"which the last layer needs {expected[0]} units with activation "
            f"{'softmax' if expected[1] == 'softmax' else 'sigmoid'}, but it has {units} with "
            f"{last or 'none'}"
        )

    def _adopt_outputs(self, model: Sequential, classes: Any) -> None:
        exclusive = isinstance(model.last_activation, Softmax)
        units = model.output_dim or 0
        multilabel = not exclusive and units > 1
        counts = (units,) if units > 1 else (2, 1)  # one, where the model knows no other class
        if classes is None and not multilabel:
            classes = model.class_names if model.class_labels is None else model.class_labels
        names: Array = np.arange(counts[0]) if classes is None else np.asarray(classes)
        if names.ndim != 1 or len(names) not in counts:
            raise ValueError(f"as_estimator: expected {counts[0]} classes, got {names.tolist()}")
        if not np.array_equal(np.unique(names), names):
            raise ValueError(
                f"as_estimator: the classes have to ascend, as scikit-learn's tools expect, got "
                f"{names.tolist()}; give classes=range({counts[0]}) to use their numbers"
            )
        # Several labels are told from several classes by rows with more than one of them.
        self._learn_labels(np.tile([[0], [1]], (1, units)) if multilabel else names)
        self.n_outputs_ = units
        self.out_activation_ = "softmax" if exclusive else "logistic"

    def _name_outputs(self) -> None:
        if self._is_multilabel:
            return
        if self.out_activation_ == "softmax":
            self.model_.class_names = self.classes_
        self.model_.class_labels = self.classes_

    def _make_loss(self) -> ScaledLoss:
        if isinstance(self.loss, Loss):
            return ScaledLoss(self.loss.clone())
        if self.out_activation_ == "softmax":
            return ClippedLogLoss(CategoricalCrossentropy())
        return ClippedLogLoss(BinaryCrossentropy(), self.n_outputs_, self.n_outputs_)

    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        if self.out_activation_ == "softmax":
            right = outputs.argmax(axis=1) == (
                target if target.ndim == 1 else target.argmax(axis=1)
            )
        else:
            right = ((outputs > 0.5) == target).all(axis=1)
        return float(np.average(right, weights=weight))

    def _weigh_classes(self, y: Array, *, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all rows at once, which partial_fit does not see; "
                "give it as a dict of compute_class_weight('balanced', classes=..., y=...)"
            )
        if isinstance(self.class_weight, str):
            balanced: Array = compute_sample_weight(self.class_weight, y)
            return balanced
        tables, columns = self.class_weight, y.reshape(len(y), -1).T
        if isinstance(tables, Mapping):
            tables = [tables]
        if len(tables) != len(columns):
            raise ValueError(
                f"class_weight: expected a dict for each of the {len(columns)} columns of y, got "
                f"{len(tables)}: {self.class_weight!r}"
            )
        known = np.arange(2) if self._is_multilabel else self.classes_
        weights = np.ones(len(y))
        for table, column in zip(tables, columns, strict=True):
            unknown = [label for label in table if label not in known.tolist()]
            if unknown:
                raise ValueError(
                    f"class_weight: expected weights of the classes {known}, got one of "
                    f"{unknown[0]!r}"
                )
            of_label = [
                check_weight_of_class(label, table.get(label, 1.0), self.model_.dtype)
                for label in known.tolist()
            ]
            weights *= np.take(of_label, np.searchsorted(known, column))
        return weights

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
