"""The solvers: the optimizer of training by epochs, and "lbfgs" on all samples at once."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ffnn._types import Array
from ffnn.core.console import show, warn
from ffnn.core.memory import ParameterVector
from ffnn.data.batches import Batches
from ffnn.estimators.conventions import ScaledLoss, WeightedStep
from ffnn.estimators.parameters import Estimator, Parameters
from ffnn.estimators.samples import Samples
from ffnn.models.trainable import Trainable
from ffnn.optimizers import SGD, Adam, Optimizer
from ffnn.training.loop import check_trained


def make_optimizer(params: Parameters) -> Optimizer:
    """Return the optimizer that an estimator's parameters describe."""
    if params.solver == "lbfgs":
        return SGD()  # unused: lbfgs updates the parameters itself
    rate, clipnorm = params.learning_rate_init, params.clipnorm
    if isinstance(params.solver, Optimizer):
        optimizer = params.solver.clone()
        if clipnorm is not None:
            optimizer.clipnorm = clipnorm
        return optimizer
    if params.solver == "adam":
        return Adam(rate, params.beta_1, params.beta_2, params.epsilon, clipnorm=clipnorm)
    nesterov = bool(params.nesterovs_momentum and params.momentum)
    return SGD(rate, params.momentum, nesterov=nesterov, clipnorm=clipnorm)


def fit_lbfgs(estimator: Estimator, loss: ScaledLoss, samples: Samples) -> None:
    """Minimise the loss of all samples, which has to depend on the weights alone.

    scikit-learn minimises the number that it reports, although the gradient is not that number's
    where a row is entirely wrong, or for a squared loss of several outputs. Here the two belong
    together, and `loss_` is scikit-learn's number.
    """
    from scipy.optimize import OptimizeResult, minimize

    model = estimator.model_
    _check_loss(model)
    # Replicas of the layers, so that memory for all rows is freed at the end of the fit.
    replicas = model.replicas()[: len(model.step.stages)]
    examples, stages = samples.open(model.dtype, replicas)
    batch = next(iter(Batches(examples, len(examples.x))))
    exact = ScaledLoss(loss.inner, loss.gradient_factor, loss.gradient_factor)
    step = WeightedStep(estimator, stages, exact)
    trained = _places_of_trained(step.vector)

    def evaluate(values: Array) -> tuple[float, Array]:
        """Return the loss at `values` and its gradient, a copy."""
        model.parameters[trained] = values
        value = step.forward(*batch)
        step.backward()
        return value, model.gradients[trained].astype(np.float64)

    def print_loss(intermediate_result: OptimizeResult) -> None:
        show(f"loss = {intermediate_result.fun:.8f}")

    limit = estimator.max_iter
    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            evaluate,
            model.parameters[trained].astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=print_loss if estimator.verbose else None,
            options={"maxfun": estimator.max_fun, "maxiter": limit, "gtol": estimator.tol},
        )
        model.parameters[trained] = result.x
        step.loss = loss
        estimator.loss_ = step.forward(*batch)
    model.renew_replicas()
    estimator.n_iter_ = min(int(result.nit), int(estimator.max_iter))
    if result.status != 0:
        warn(
            f"lbfgs failed to converge after {result.nit} iterations ({result.message}): increase "
            f"max_iter or max_fun, or scale the columns of X",
            ConvergenceWarning,
        )


def _places_of_trained(vector: ParameterVector) -> Array:
    """Return where in the vector the parameters stand that are not frozen."""
    parts = [np.arange(start, stop) for _, start, stop in vector.stretches(trained=True)]
    return np.concatenate(parts)


def _check_loss(model: Trainable) -> None:
    check_trained(model.layers)
    for layer in model.layers:
        if layer.depends_on_batch or layer.random_generators():
            raise ValueError(
                f"solver='lbfgs' needs a loss that depends on the weights alone, which "
                f"{type(layer).__name__} does not give; use solver='adam' or 'sgd'"
            )
