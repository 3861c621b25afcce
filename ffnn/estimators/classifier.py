"""`FFNNClassifier`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from ffnn.activations import Sigmoid, Softmax
from ffnn.estimators.base import BaseFFNN, Rule
from ffnn.estimators.constraints import CLASSIFIER_CONSTRAINTS
from ffnn.losses import Loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from ffnn._types import Array
    from ffnn.callbacks import Callback
    from ffnn.initializers import Initializer
    from ffnn.sequential import Sequential


class FFNNClassifier(ClassifierMixin, BaseFFNN):
    """A network that classifies, in place of scikit-learn's `MLPClassifier`.

    Parameters and attributes of that class have the same names, defaults and meanings here, and
    the same `random_state` gives the same weights up to rounding. By scikit-learn's conventions the
    loss is the mean over rows of -Σ log p of what is true, divided by the sum of the weights where
    rows have any, and the penalty is divided by the same number: `Sequential` divides a weighted
    loss by the number of rows, takes the mean over the outputs of several labels, and has a
    penalty that does not depend on the batch. The loss that is reported counts no probability as
    less than the dtype's epsilon; gradients, and what lbfgs makes small, are exact.

    Several labels at once (y of zeros and ones, a column a label) give each label an output of its
    own.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        The number of units of each hidden layer; empty for a linear model.
    activation : str, ActivationFunction, or sequence of them, default "relu"
        Of the hidden layers: "identity", "logistic", "tanh", "relu", any other that
        `ffnn.activations` knows by name, or an object. A sequence has one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs"}, default "adam"
        "adam" and "sgd" train by epochs of batches, "lbfgs" on all rows at once, in float64.
    alpha : float, default 1e-4
        Strength of the penalty alpha/(2n)·Σw² on the weights (not the biases), n being the number
        of rows in the batch, or the sum of their weights.
    batch_size : int or "auto", default "auto"
        Rows in a batch; "auto" is 200, or all where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For "sgd". "invscaling": after an epoch that ends with t rows seen in all, the rate is
        learning_rate_init / (t + 1)^power_t. "adaptive": it is divided by 5 where training would
        stop otherwise, down to 1e-6.
    learning_rate_init : float, default 0.001
        The first learning rate, above 0.
    power_t : float, default 0.5
        The exponent of "invscaling".
    max_iter : int, default 200
        The greatest number of epochs, or of lbfgs iterations.
    shuffle : bool, default True
        Whether rows come in a new order at each epoch.
    random_state : int, RandomState or None, default None
        Draws first weights, the rows held back, and the order of rows. The same one gives the same
        as in scikit-learn.
    tol : float, default 1e-4
        By how much the loss, or the score with `early_stopping`, has to become better; the
        gradient's tolerance for lbfgs.
    verbose : bool or int, default False
        Whether to print a line an epoch.
    warm_start : bool, default False
        Whether `fit` goes on from where the last one ended.
    momentum : float, default 0.9
        For "sgd", in [0, 1].
    nesterovs_momentum : bool, default True
        For "sgd": whether momentum looks ahead.
    early_stopping : bool, default False
        Whether to hold back rows, to stop when their score stands still, and to go back to the
        weights of the best score.
    validation_fraction : float, default 0.1
        The share of rows held back for that, in [0, 1).
    beta_1, beta_2 : float, default 0.9 and 0.999
        For "adam": the decay of its means, in [0, 1).
    epsilon : float, default 1e-8
        For "adam": what keeps its divisor above 0.
    n_iter_no_change : int or inf, default 10
        How many epochs in a row may fail to become better by `tol`.
    max_fun : int, default 15000
        The greatest number of times that lbfgs computes the loss.
    loss : "log_loss" or Loss, default "log_loss"
        What is made small; a loss of your own in the library's conventions.
    dropout : float or sequence of float, default 0.0
        The share of units that is switched off behind each hidden layer, in training.
    normalization : {"batch", "layer", "rms"}, optional
        What stands between each hidden layer and its activation.
    class_weight : dict, list of dict, or "balanced", optional
        Class label → weight, which multiplies the rows' weights; "balanced" gives all classes the
        same sum.
    weight_initializer, bias_initializer : str or Initializer, optional
        First values; None draws both as scikit-learn does.
    l1 : float, default 0.0
        Strength of a penalty l1/n·Σ|w|, n as with `alpha`.
    clipnorm : float, optional
        The greatest norm of the gradient in an update.
    restore_best_weights : bool or "auto", default "auto"
        Whether to end with the best epoch's weights: that of the best validation score, or, with
        no rows to validate with, of the lowest training loss. "auto" does so with
        `early_stopping`.
    callbacks : sequence of Callback, optional
        Called by "adam" and "sgd" at each begin and end, see `ffnn.callbacks`. They see ``loss``
        and, with rows to validate with, ``val_loss`` and ``val_score``.
    progress_bar : bool, default False
        Whether "adam" and "sgd" show a bar.
    network : Sequential, optional
        Layers to be copied and trained from new weights, in place of those that
        `hidden_layer_sizes`, `activation`, `dropout`, `normalization` and the initialisers
        describe. Its dtype is kept; without it the dtype is that of X.

    Attributes
    ----------
    model_ : Sequential
        The network.
    coefs_, intercepts_ : list of ndarray
        The weights of each layer, (inputs, units), and the biases, (units,): live arrays of
        `model_`. What is written into them is in force.
    classes_ : ndarray of shape (classes,)
        The labels, in ascending order.
    n_layers_, n_outputs_ : int
        The number of layers with the input, and of output units.
    out_activation_ : str
        The activation of the output layer.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, where X has any.
    n_iter_ : int
        The number of epochs, or iterations, of the last fit.
    t_ : int
        The number of rows trained on, each counted once an epoch.
    loss_ : float
        The last epoch's loss, penalty included.
    best_loss_ : float or None
        The lowest one; None with `early_stopping`.
    loss_curve_ : list of float
        The loss of each epoch.
    validation_scores_ : list of float or None
        The score of the rows held back, or of `validation_data`, after each epoch.
    best_validation_score_ : float or None
        The highest of them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ffnn.estimators import FFNNClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> classifier = FFNNClassifier(max_iter=500, random_state=0).fit(x, y)
    >>> classifier.predict(x[:3])
    array([0, 0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CLASSIFIER_CONSTRAINTS
    _y_numeric = False

    loss: str | Loss
    class_weight: Mapping[Any, float] | Sequence[Mapping[Any, float]] | str | None
    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str | Loss = "log_loss",
        dropout: Any = 0.0,
        normalization: str | None = None,
        class_weight: Mapping[Any, float] | Sequence[Mapping[Any, float]] | str | None = None,
        weight_initializer: str | Initializer | None = None,
        bias_initializer: str | Initializer | None = None,
        l1: float = 0.0,
        clipnorm: float | None = None,
        restore_best_weights: bool | str = "auto",
        callbacks: Sequence[Callback] | None = None,
        progress_bar: bool = False,
        network: Sequential | None = None,
    ) -> None:
        self._keep(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Train from new weights, or go on from the last ones with `warm_start`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs. Sparse ones are never made dense.
        y : array-like of shape (rows,), or (rows, labels) of zeros and ones
            Class labels of any kind that can be sorted.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights in the loss, which is divided by their sum.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows to validate with after each epoch; with `early_stopping` they take the place of
            those that would be held back.

        Returns
        -------
        FFNNClassifier
            Itself.

        Raises
        ------
        ValueError, TypeError
            A parameter or the data does not fit, or the weights would have become infinite.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one epoch on these rows, from where the last one ended.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.
        y : array-like of shape (rows,), or (rows, labels) of zeros and ones
            Class labels.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.
        classes : array-like of shape (classes,), optional
            All labels that will ever come; needed at the first call.

        Returns
        -------
        FFNNClassifier
            Itself.
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows,), or (rows, labels) of zeros and ones
            Class labels.
        """
        outputs = self._compute(X)
        if self.out_activation_ == "softmax":
            labels: Array = self.classes_[outputs.argmax(axis=1)]
            return labels
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        decoded: Array = self._label_binarizer.inverse_transform(outputs)
        return decoded

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows, classes)
            Columns in the order of `classes_`; with several labels, each one's own probability.
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
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    # -- what the base asks --------------------------------------------------------------------

    def _read_targets(self, y: Any, *, fresh: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            found = self._known_labels(y)
            if self.warm_start and len(found) < len(self.classes_):
                raise ValueError(
                    f"warm_start goes on with the classes of the first fit, {self.classes_}, but y "
                    f"has {found} alone"
                )
        if fresh:
            self.n_outputs_, self.out_activation_ = self._choose_output()
        return self._encode(y)

    def _known_labels(self, y: Any) -> Array:
        """Return the labels in y, which have to be among `classes_`."""
        found: Array = unique_labels(y)
        unknown = np.setdiff1d(found, self.classes_, assume_unique=True)
        if len(unknown):
            raise ValueError(
                f"y has classes that are not in classes_: {unknown}; classes_ are {self.classes_}"
            )
        return found

    def _read_held_out(self, y: Any) -> Array:
        self._known_labels(y)
        return self._encode(y)

    def _encode(self, y: Any) -> Array:
        if y.ndim == 2 or self._is_multilabel:
            indicators: Array = self._label_binarizer.transform(y)
            return indicators
        numbers: Array = np.searchsorted(self.classes_, y)
        return numbers if self.out_activation_ == "softmax" else numbers.reshape(-1, 1)

    @property
    def _is_multilabel(self) -> bool:
        kind: str = self._label_binarizer.y_type_
        return kind.startswith("multilabel")

    def _choose_output(self) -> tuple[int, str]:
        num_classes = len(self.classes_)
        kind = self._label_binarizer.y_type_
        expected = (num_classes, "softmax") if kind == "multiclass" else (1, "logistic")
        if self._is_multilabel:
            expected = (num_classes, "logistic")
        if self.network is None:
            return expected
        last, units = (
            self.network.last_activation,
            self.network.compute_dims(self.n_features_in_)[-1],
        )
        if isinstance(last, Softmax) and units == num_classes and not self._is_multilabel:
            return units, "softmax"
        if isinstance(last, Sigmoid) and (units, "logistic") == expected:
            return expected
        raise ValueError(
            f"network: y has {num_classes} {'labels' if self._is_multilabel else 'classes'}, for "
            f"which the last layer has to have {expected[0]} units with activation "
            f"{'softmax' if expected[1] == 'softmax' else 'sigmoid'}, but it has {units} with "
            f"{last or 'none'}"
        )

    def _make_loss(self) -> Rule:
        if isinstance(self.loss, Loss):
            return Rule(self.loss.clone())
        if self.out_activation_ == "softmax":
            return Rule("categorical_crossentropy")
        return Rule("binary_crossentropy", self.n_outputs_, self.n_outputs_)

    def _strata(self, target: Array) -> Array | None:
        return target if target.ndim == 2 and target.shape[1] == 1 else None

    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        if target.ndim == 1:
            right = outputs.argmax(axis=1) == target
        else:
            right = ((outputs > 0.5) == target).all(axis=1)
        return float(np.average(right, weights=weight))

    def _weigh_classes(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weight
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all rows at once, which partial_fit does not see; "
                "give it as a dict of compute_class_weight('balanced', classes=..., y=...)"
            )
        by_class: Array = compute_sample_weight(self.class_weight, y)
        return by_class if weight is None else by_class * weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
