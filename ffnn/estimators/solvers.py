"""The solvers: "adam" and "sgd" by epochs of mini-batches, "lbfgs" on all samples at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ffnn._types import Array
from ffnn.callbacks import Callback, CallbackList, History, Logs
from ffnn.data.batches import Batches
from ffnn.errors import TrainingDivergedError
from ffnn.estimators.conventions import ScaledLoss, WeightedStep, normalize
from ffnn.estimators.parameters import Estimator, Parameters
from ffnn.estimators.samples import Samples
from ffnn.losses import Loss
from ffnn.metrics import Metric
from ffnn.models.network import EVALUATION_BATCH_SIZE
from ffnn.models.trainable import Trainable
from ffnn.optimizers import SGD, Adam, Optimizer
from ffnn.training.loop import run_pass, train
from ffnn.training.position import Position
from ffnn.training.reporters import reporters
from ffnn.training.step import EvaluationStep

# Takes outputs, targets and the rows' weights, of all rows.
ScoreFunction: TypeAlias = Callable[[Array, Array, Array | None], float]


def make_optimizer(params: Parameters) -> Optimizer:
    """Return the optimizer that an estimator's parameters describe."""
    if params.solver == "lbfgs":
        return SGD()  # unused: lbfgs updates the parameters itself
    rate, clipnorm = params.learning_rate_init, params.clipnorm
    if params.solver == "adam":
        return Adam(rate, params.beta_1, params.beta_2, params.epsilon, clipnorm=clipnorm)
    nesterov = bool(params.nesterovs_momentum and params.momentum)
    return SGD(rate, params.momentum, nesterov=nesterov, clipnorm=clipnorm)


def choose_batch_size(batch_size: int | str, rows: int) -> int:
    """Return the mini-batch size, at most `rows`."""
    if isinstance(batch_size, str):  # "auto"
        return min(200, rows)
    if batch_size > rows:
        warnings.warn(
            f"batch_size={batch_size} is more than the {rows} rows there are: they make one batch",
            stacklevel=2,
        )
    return min(int(batch_size), rows)


def shuffle_with(random_state: np.random.RandomState) -> Callable[[Array], Array]:
    """Return a function that shuffles an order of rows from where it is, as scikit-learn does."""

    def shuffle(order: Array) -> Array:
        random_state.shuffle(order)
        return order

    return shuffle


def hold_out(
    samples: Samples, share: float, strata: Array | None, random_state: np.random.RandomState
) -> tuple[Samples, Samples]:
    """Return the samples to train on and those to validate on: the same ones as scikit-learn."""
    rows = len(samples.target)
    kept, held = train_test_split(
        np.arange(rows), random_state=random_state, test_size=share, stratify=strata
    )
    if len(held) < 2:
        raise ValueError(
            f"early_stopping: validation_fraction={share} of {rows} rows leaves a validation set "
            f"of {len(held)}, which is too small; increase it, or fit on more rows"
        )
    return samples.take(kept), samples.take(held)


@dataclass(eq=False, repr=False)
class Score(Metric):
    """What an estimator's `score` returns: outputs are collected, and scored together."""

    score: ScoreFunction
    target: Array
    weight: Array | None
    name = "score"

    def reset(self) -> None:
        """Forget all batches."""
        self._outputs: list[Array] = []

    def update(self, target: Array, output: Array) -> None:
        """Keep the outputs of one batch; batches come in the order of the rows."""
        self._outputs.append(output.copy())

    def result(self) -> float:
        """Return the score of all rows."""
        return self.score(np.concatenate(self._outputs), self.target, self.weight)


def make_validation(
    model: Trainable, loss: Loss, samples: Samples, score: ScoreFunction
) -> Callable[[], Logs]:
    """Return a function that computes ``"loss"``, without penalty, and ``"score"`` of samples."""
    share = samples.weight
    if share is not None:
        share, _ = normalize(share.astype(model.dtype, copy=False))
    stages = model.replicas()[: len(model.step.stages)]
    examples, stages = samples._replace(weight=share).open(model.dtype, stages)
    step = EvaluationStep(stages, loss, [], [Score(score, samples.target, samples.weight)])
    return partial(run_pass, step, Batches(examples, EVALUATION_BATCH_SIZE))


def train_by_epochs(
    estimator: Estimator,
    loss: Loss,
    samples: Samples,
    random_state: np.random.RandomState,
    validate: Callable[[], Logs] | None,
    convergence: Callback,
    epochs: int,
) -> bool:
    """Train an estimator's compiled network, and return whether Ctrl-C ended the training."""
    model = estimator.model_
    examples, stages = samples.open(model.dtype, model.step.stages)
    batch_size = choose_batch_size(estimator.batch_size, len(samples.target))
    order = shuffle_with(random_state) if estimator.shuffle else None
    batches = Batches(examples, batch_size, order)
    params = {
        "epochs": epochs,
        "initial_epoch": 0,
        "steps": len(batches),
        "verbose": estimator.verbose,
        "metrics": ["loss", *([] if validate is None else ["val_loss", "val_score"])],
    }
    model.history, model.stop_training = History(), False
    shown = reporters(1 if estimator.progress_bar else 0)
    first = [model.history, convergence]
    callbacks = CallbackList(first, estimator.callbacks, shown, model=model, params=params)
    position = Position(batches, lambda: model.stop_training)
    step = WeightedStep(estimator, stages, loss)
    try:
        return train(step, callbacks, validate, position, epochs)
    except KeyboardInterrupt:
        return True
    except TrainingDivergedError as error:
        raise ValueError(
            f"{error} Training on would have given non-finite parameter weights. Also scale the "
            f"columns of X, for example with StandardScaler, or lower learning_rate_init."
        ) from error
    finally:
        model.renew_replicas()


def fit_lbfgs(estimator: Estimator, loss: ScaledLoss, samples: Samples) -> None:
    """Minimise the loss of all samples, which has to depend on the weights alone.

    scikit-learn minimises the number that it reports, although the gradient is not that number's
    where a row is entirely wrong, or for a squared loss of several outputs. Here the two belong
    together, and `loss_` is scikit-learn's number.
    """
    from scipy.optimize import OptimizeResult, minimize

    model = estimator.model_
    _require_fixed_loss(model)
    # Replicas of the layers, so that memory for all rows is freed at the end of the fit.
    replicas = model.replicas()[: len(model.step.stages)]
    examples, stages = samples.open(model.dtype, replicas)
    batch = next(iter(Batches(examples, len(examples.x))))
    exact = ScaledLoss(loss.inner, loss.gradient_factor, loss.gradient_factor)
    step = WeightedStep(estimator, stages, exact)

    def evaluate(values: Array) -> tuple[float, Array]:
        """Return the loss at `values` and its gradient, a copy."""
        np.copyto(model.parameters, values)
        value = step.forward(*batch)
        step.backward()
        return value, model.gradients.astype(np.float64)

    def print_loss(intermediate_result: OptimizeResult) -> None:
        print(f"loss = {intermediate_result.fun:.8f}")

    limit = estimator.max_iter
    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            evaluate,
            model.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=print_loss if estimator.verbose else None,
            options={"maxfun": estimator.max_fun, "maxiter": limit, "gtol": estimator.tol},
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
