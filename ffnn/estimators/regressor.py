"""`FFNNRegressor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ffnn._types import Array
from ffnn.estimators.base import BaseFFNN
from ffnn.estimators.conventions import ScaledLoss
from ffnn.estimators.networks import name_activation
from ffnn.estimators.parameters import Activations, Sizes, complete
from ffnn.losses import LOSSES, Loss, MeanSquaredError, Poisson

if TYPE_CHECKING:
    from typing_extensions import Self

_LOSS_NAMES = {name for name, cls in LOSSES.classes.items() if cls.task == "numbers"}
_LOSS_NAMES.add("squared_error")


@complete
@dataclass(eq=False, repr=False)
class FFNNRegressor(RegressorMixin, BaseFFNN):
    """A network for numbers, in place of scikit-learn's `MLPRegressor`.

    Parameters and attributes of that class have the same names, defaults and meanings here, and
    the same `random_state` gives the same weights up to rounding. By scikit-learn's conventions the
    squared loss has a factor ½, and its gradient is that of the sum over outputs, while its value
    is their mean; loss and penalty are divided by the number of rows, or by the sum of their
    weights. A `Sequential` has no ½, takes value and gradient of the mean over outputs, always
    divides the loss by the number of rows, and has a penalty that does not depend on the batch.

    Parameters
    ----------
    loss : str or Loss, default "squared_error"
        "squared_error"; "poisson", half the Poisson deviance of y ≥ 0, with an exponential after
        the last layer; any loss for numbers that `ffnn.losses` has by name, such as "huber"; or
        one of your own. The latter two follow the library's conventions.
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ffnn.estimators import FFNNRegressor
    >>> x, y = load_diabetes(return_X_y=True)
    >>> regressor = FFNNRegressor(solver="lbfgs", max_iter=2000, alpha=10.0, random_state=0)
    >>> regressor.fit(x, y).predict(x[:2]).shape
    (2,)
    """

    loss: Annotated[str | Loss, StrOptions(_LOSS_NAMES), Loss] = "squared_error"
    hidden_layer_sizes: Sizes = (100,)
    activation: Activations = "relu"

    _y_numeric: ClassVar[bool] = True

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, continuing from where the last one ended.

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

        Examples
        --------
        >>> online = FFNNRegressor(random_state=0)
        >>> for start in range(0, 400, 100):
        ...     online = online.partial_fit(x[start : start + 100], y[start : start + 100])
        """
        return self._fit(X, y, sample_weight, incremental=True)

    # -- what the base asks --------------------------------------------------------------------

    def _decode(self, outputs: Array) -> Array:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _read_targets(self, y: Array, *, fresh: bool, incremental: bool) -> Array:
        if hasattr(y, "tocsr"):
            raise ValueError("y: expected an array, got a sparse one; use y.toarray()")
        if y.dtype.kind not in "fiub":
            raise TypeError(f"y: expected numbers, got an array of dtype {y.dtype}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if fresh:
            self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
            self.out_activation_ = self._choose_output()
        return self._read_held_out(y)

    def _read_held_out(self, y: Array) -> Array:
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

    def _choose_output(self) -> str:
        """Return the activation of the outputs, of `network` if it fits their number."""
        if self.network is None:
            return "exp" if self._is_poisson else "identity"
        units = self.network.compute_dims(self.n_features_in_)[-1]
        if units != self.n_outputs_:
            raise ValueError(
                f"network: y has {self.n_outputs_} outputs, but the last layer has {units} units"
            )
        return name_activation(self.network.last_activation)

    def _make_loss(self) -> ScaledLoss:
        if isinstance(self.loss, Loss):
            return ScaledLoss(self.loss.clone())
        if self.loss == "squared_error":
            return ScaledLoss(MeanSquaredError(), 0.5, 0.5 * self.n_outputs_)
        factor = self.n_outputs_ if self.loss == "poisson" else 1.0
        return ScaledLoss(LOSSES.get(self.loss), factor, factor)

    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        """Return R², the mean over the outputs of 1 - Σ w (p - y)² / Σ w (y - ȳ)²."""
        if weight is not None and not weight.all():  # as if the others were not there
            counted = weight != 0.0
            outputs, target, weight = outputs[counted], target[counted], weight[counted]
        if not np.isfinite(outputs).all():
            return np.nan
        target = target.astype(np.float64, copy=False)  # sums over float32 rows would drift
        mean = np.average(target, axis=0, weights=weight)
        weights = 1.0 if weight is None else weight[:, None]
        left = (weights * (outputs - target) ** 2).sum(axis=0)
        whole = (weights * (target - mean) ** 2).sum(axis=0)
        # An output that never varies leaves nothing to explain: 1 if it is met exactly, else 0.
        constant = whole == 0.0
        scores = 1.0 - left / np.where(constant, 1.0, whole)
        return float(np.where(constant, left == 0.0, scores).mean())
