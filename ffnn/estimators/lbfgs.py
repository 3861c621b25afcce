"""L-BFGS over the flat vector of parameters, by SciPy."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ffnn.data.batches import Batches
from ffnn.estimators.conventions import WeightedStep

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    from ffnn._types import Array
    from ffnn.estimators.conventions import ScaledLoss
    from ffnn.estimators.parameters import Estimator
    from ffnn.estimators.samples import Samples
    from ffnn.models.trainable import Trainable


def fit_lbfgs(estimator: Estimator, loss: ScaledLoss, samples: Samples) -> None:
    """Minimise the loss of all samples, which has to depend on the weights alone.

    The gradient is that of the value. scikit-learn minimises the number that it reports, which is
    another one where a row is entirely wrong and for a squared loss of several outputs. That number
    is left in `loss_` all the same.
    """
    from scipy.optimize import minimize

    model = estimator.model_
    _require_fixed_loss(model)
    # Replicas of the layers, so that memory for all rows is freed at the end of the fit.
    replicas = model.replicas()[: len(model.step.stages)]
    examples, stages = samples.open(model.dtype, replicas)
    batch = next(iter(Batches(examples, len(examples.x))))
    step = WeightedStep(estimator, stages, loss.exact())

    def evaluate(values: Array) -> tuple[float, Array]:
        """Return the loss at `values` and its gradient, a copy."""
        np.copyto(model.parameters, values)
        value = step.forward(*batch)
        step.backward()
        return value, model.gradients.astype(np.float64)

    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            evaluate,
            model.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=_print_loss if estimator.verbose else None,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
            },
        )
        np.copyto(model.parameters, result.x)
        step.loss = loss
        estimator.loss_ = step.forward(*batch)
    model.renew_replicas()
    estimator.n_iter_ = min(int(result.nit), int(estimator.max_iter))
    if result.status != 0:
        warnings.warn(
            f"lbfgs failed to converge after {result.nit} iterations ({result.message}): increase "
            f"max_iter or max_fun, or scale the columns of X",
            ConvergenceWarning,
            stacklevel=2,
        )


def _require_fixed_loss(model: Trainable) -> None:
    for layer in model.layers:
        if layer.depends_on_batch or layer.random_generators():
            raise ValueError(
                f"solver='lbfgs' needs a loss that depends on the weights alone, which "
                f"{type(layer).__name__} does not give; use solver='adam' or 'sgd'"
            )


def _print_loss(intermediate_result: OptimizeResult) -> None:
    print(f"loss = {intermediate_result.fun:.8f}")
