"""`FFNNRegressor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from ffnn.activations import Exponential, Linear
from ffnn.core.registry import family_of
from ffnn.estimators.base import BaseFFNN, Rule
from ffnn.estimators.constraints import REGRESSOR_CONSTRAINTS
from ffnn.losses import Loss, Poisson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ffnn._types import Array
    from ffnn.callbacks import Callback
    from ffnn.initializers import Initializer
    from ffnn.sequential import Sequential


class FFNNRegressor(RegressorMixin, BaseFFNN):
    """A network for numbers, in place of scikit-learn's `MLPRegressor`.

    Parameters and attributes of that class have the same names, defaults and meanings here, and
    the same `random_state` gives the same weights up to rounding. By scikit-learn's conventions the
    squared loss has a factor ½ and its gradient is that of the sum over outputs, while its value
    is their mean; the loss is divided by the sum of the weights where rows have any, and so is the
    penalty. `Sequential` has no ½, takes value and gradient of the mean over outputs, divides by
    the number of rows, and has a penalty that does not depend on the batch.

    Parameters
    ----------
    loss : str or Loss, default "squared_error"
        "squared_error"; "poisson", half the Poisson deviance of y ≥ 0, with an exponential behind
        the last layer; any loss for numbers that `ffnn.losses` knows by name, such as "huber"; or
        one of your own. The latter two have the library's conventions.
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
    dropout : float or sequence of float, default 0.0
        The share of units that is switched off behind each hidden layer, in training.
    normalization : {"batch", "layer", "rms"}, optional
        What stands between each hidden layer and its activation.
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
    >>> from sklearn.datasets import load_diabetes
    >>> from ffnn.estimators import FFNNRegressor
    >>> x, y = load_diabetes(return_X_y=True)
    >>> regressor = FFNNRegressor(solver="lbfgs", max_iter=2000, alpha=10.0, random_state=0)
    >>> regressor.fit(x, y).predict(x[:2]).shape
    (2,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = REGRESSOR_CONSTRAINTS
    _y_numeric = True

    loss: str | Loss

    def __init__(
        self,
        loss: str | Loss = "squared_error",
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
        dropout: Any = 0.0,
        normalization: str | None = None,
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
        y : array-like of shape (rows,) or (rows, outputs)
            Numbers.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights in the loss, which is divided by their sum.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows to validate with after each epoch; with `early_stopping` they take the place of
            those that would be held back.

        Returns
        -------
        FFNNRegressor
            Itself.

        Raises
        ------
        ValueError, TypeError
            A parameter or the data does not fit, or the weights would have become infinite.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, from where the last one ended.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.
        y : array-like of shape (rows,) or (rows, outputs)
            Numbers.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.

        Returns
        -------
        FFNNRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the numbers that the network expects.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows,) or (rows, outputs)
            Predictions.
        """
        outputs = self._compute(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    # -- what the base asks --------------------------------------------------------------------

    def _read_targets(self, y: Any, *, fresh: bool, incremental: bool) -> Array:
        if hasattr(y, "tocsr"):
            raise ValueError("y: expected an array, got a sparse one; use y.toarray()")
        if y.dtype.kind not in "fiub":
            raise TypeError(f"y: expected numbers, got an array of dtype {y.dtype}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if fresh:
            self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
            self.out_activation_ = self._choose_activation()
        return self._read_held_out(y)

    def _read_held_out(self, y: Any) -> Array:
        target: Array = y.reshape(len(y), -1)
        if target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y: expected {self.n_outputs_} outputs, as at the first fit, got array of shape "
                f"{y.shape}"
            )
        if self._is_poisson and target.min() < 0:
            row, column = np.unravel_index(target.argmin(), target.shape)
            raise ValueError(
                f"loss='poisson' needs y of at least 0, got {target[row, column]} in row {row}"
            )
        return target

    @property
    def _is_poisson(self) -> bool:
        return isinstance(self.loss, Poisson) or self.loss == "poisson"

    def _choose_activation(self) -> str:
        if self.network is None:
            return "exp" if self._is_poisson else "identity"
        units = self.network.compute_dims(self.n_features_in_)[-1]
        if units != self.n_outputs_:
            raise ValueError(
                f"network: y has {self.n_outputs_} outputs, but the last layer has {units} units"
            )
        last = self.network.last_activation
        if last is None or isinstance(last, Linear):
            return "identity"
        return "exp" if isinstance(last, Exponential) else family_of(last).name_of(last)

    def _make_loss(self) -> Rule:
        if isinstance(self.loss, Loss):
            return Rule(self.loss.clone())
        if self.loss == "squared_error":
            return Rule("mean_squared_error", 0.5, 0.5 * self.n_outputs_)
        if self.loss == "poisson":
            return Rule("poisson", self.n_outputs_, self.n_outputs_)
        return Rule(self.loss)

    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        """Return R², the mean over the outputs of 1 - Σ w (p - y)² / Σ w (y - ȳ)²."""
        if not np.isfinite(outputs).all():
            return np.nan
        mean = np.average(target, axis=0, weights=weight)
        weights = 1.0 if weight is None else weight[:, None]
        left = (weights * (outputs - target) ** 2).sum(axis=0)
        whole = (weights * (target - mean) ** 2).sum(axis=0)
        # Of an output that never varies nothing can be explained: 1 if it is met, else 0.
        constant = whole == 0.0
        scores = 1.0 - left / np.where(constant, 1.0, whole)
        return float(np.where(constant, left == 0.0, scores).mean())
