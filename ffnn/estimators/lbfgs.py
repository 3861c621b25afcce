"""L-BFGS over the flat vector of parameters, by SciPy."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ffnn.estimators.epochs import normalize, open_targets
from ffnn.estimators.sklearn_losses import ScaledLoss
from ffnn.estimators.solvers import make_loss, make_penalty, make_step
from ffnn.estimators.sparse import open_matrix
from ffnn.layers import BatchNorm, Dropout
from ffnn.optimizers import SGD

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.sequential import Sequential


class WholeLoss:
    """The loss of all rows as a function of the flat vector of parameters, with its gradient.

    The gradient is that of the value. scikit-learn minimises the number that it reports, which is
    another where a row is wholly wrong and for a squared loss of several outputs; see `report`.

    Parameters
    ----------
    estimator : BaseFFNN
        Has the network and the penalties.
    X : ndarray or sparse matrix of shape (rows, columns)
        Inputs.
    target : ndarray
        Targets in the form of the loss.
    weight : ndarray of shape (rows,) or None
        The rows' weights.
    """

    def __init__(self, estimator: Any, X: Any, target: Array, weight: Array | None) -> None:
        model: Sequential = estimator.model_
        # Replicas of the layers, so that memory for all rows goes when the fit is over.
        replicas = model.replicas()[: len(model.step.stages)]
        rows, stages = open_matrix(X, model.dtype, replicas)
        targets = open_targets(target, model.dtype)
        share, total = (None, float(len(rows))) if weight is None else normalize(weight)
        self._batch = rows.slice(0, len(rows)), targets.slice(0, len(rows)), share
        penalty = make_penalty(model, estimator.alpha, estimator.l1)
        if penalty is not None:
            penalty.batch_weight = total
        reported = make_loss(estimator)
        exact = ScaledLoss(reported.loss, reported.gradient_factor, reported.gradient_factor)
        self._model, self._reported = model, reported
        self._step = make_step(model, stages, exact, penalty)

    def __call__(self, values: Array) -> tuple[float, Array]:
        """Return the loss at `values` and its gradient, a copy."""
        np.copyto(self._model.parameters, values)
        value = self._step.forward(*self._batch)
        self._step.backward()
        return value, self._model.gradients.astype(np.float64)

    def report(self, values: Array) -> float:
        """Leave `values` in the network and return the loss as scikit-learn reports it."""
        np.copyto(self._model.parameters, values)
        self._step.loss = self._reported
        value = self._step.forward(*self._batch)
        self._model.renew_replicas()
        return value


def fit_lbfgs(estimator: Any, X: Any, target: Array, weight: Array | None) -> None:
    """Minimise the loss of all rows.

    Raises
    ------
    ValueError
        The network has a layer whose output depends on more than the weights and the row.
    """
    from scipy.optimize import minimize

    for layer in estimator.model_.layers:
        if isinstance(layer, (Dropout, BatchNorm)):
            raise ValueError(
                f"solver='lbfgs' needs a loss that follows from the weights alone, which "
                f"{type(layer).__name__} does not give; use solver='adam' or 'sgd'"
            )
    estimator.model_.compile(SGD(), estimator._make_loss().loss)
    estimator._compiled = False
    loss = WholeLoss(estimator, X, target, weight)
    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            loss,
            estimator.model_.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=_print_loss if estimator.verbose else None,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
            },
        )
        estimator.loss_ = loss.report(result.x)
    estimator.n_iter_ = min(int(result.nit), int(estimator.max_iter))
    if result.status != 0:
        warnings.warn(
            f"lbfgs failed to converge after {result.nit} iterations ({result.message}): let "
            f"max_iter or max_fun be greater, or scale the columns of X",
            ConvergenceWarning,
            stacklevel=2,
        )


def _print_loss(intermediate_result: Any) -> None:
    print(f"loss = {intermediate_result.fun:.8f}")
