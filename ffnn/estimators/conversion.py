"""From a `Sequential` to an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ffnn.activations import ActivationFunction, Sigmoid, Softmax
from ffnn.core.registry import family_of
from ffnn.estimators.base import BaseFFNN
from ffnn.estimators.classifier import FFNNClassifier
from ffnn.estimators.networks import copy_layers
from ffnn.estimators.regressor import FFNNRegressor
from ffnn.losses import Loss
from ffnn.optimizers import SGD, Adam, Optimizer
from ffnn.schedules import Schedule
from ffnn.sequential import Sequential

SOLVER_PARAMETERS = (
    "solver",
    "learning_rate_init",
    "learning_rate",
    "power_t",
    "momentum",
    "nesterovs_momentum",
    "beta_1",
    "beta_2",
    "epsilon",
    "clipnorm",
)


def as_estimator(model: Sequential, classes: Any = None, **params: Any) -> BaseFFNN:
    """Return an estimator whose network is `model`; see `Sequential.as_estimator`."""
    if not model.is_built:
        raise RuntimeError(
            "as_estimator: this model has no parameters yet; call build(input_dim), or fit it"
        )
    network = Sequential(copy_layers(model), dtype=model.dtype.name, seed=model.seed)
    settings = {"network": network, **_training_settings(model, network, params), **params}
    continues = model.optimizer is not None and not params.keys() & {"loss", *SOLVER_PARAMETERS}
    last = model.last_activation
    if isinstance(last, (Softmax, Sigmoid)):
        return FFNNClassifier(**settings).adopt(model, classes, continues=continues)
    if classes is not None:
        raise ValueError(
            f"as_estimator: classes belong to a network that ends in a softmax or a sigmoid, this "
            f"one ends in {last or 'no activation'}"
        )
    return FFNNRegressor(**settings).adopt(model, continues=continues)


def _training_settings(
    model: Sequential, network: Sequential, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters that describe what a model is compiled with; `network` gets a copy."""
    optimizer, loss = model.optimizer, model.loss
    if optimizer is None or loss is None:
        return {}
    network.compile(optimizer.clone(), loss.clone(), *model.copy_metrics())
    network.take_jit_compile(model.jit_compile)
    solver = {} if "solver" in params else _solver_settings(optimizer)
    if isinstance(solver.get("solver"), Optimizer):
        given = [name for name in SOLVER_PARAMETERS if name in params]
        if given:
            raise ValueError(
                f"as_estimator: {given[0]} is of the solvers 'adam' and 'sgd', but this model "
                f"trains by {optimizer!r}, which has its own; give solver='adam' or 'sgd' too"
            )
    # The layers have their own regularizers.
    return {"alpha": 0.0, "loss": _loss_setting(loss, model.last_activation), **solver}


def _solver_settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return the parameters that describe an optimizer, which may have to stand for itself."""
    rate = optimizer.learning_rate
    is_known = type(optimizer) in (Adam, SGD)
    is_known &= optimizer.learning_rate_factors is None and optimizer.clipvalue is None
    if not is_known or isinstance(rate, Schedule) or rate == 0.0:
        return {"solver": optimizer.clone()}
    settings = {"learning_rate_init": rate, "clipnorm": optimizer.clipnorm}
    if isinstance(optimizer, Adam):
        names = ("beta_1", "beta_2", "epsilon")
        return {"solver": "adam", **settings, **{n: getattr(optimizer, n) for n in names}}
    assert isinstance(optimizer, SGD)
    settings["momentum"], settings["nesterovs_momentum"] = optimizer.momentum, optimizer.nesterov
    return {"solver": "sgd", **settings}


def _loss_setting(loss: Loss, activation: ActivationFunction | None) -> str | Loss:
    """Return scikit-learn's name of a loss, or the loss itself if it has none."""
    name = family_of(loss).name_of(loss)
    is_plain = repr(loss) == f"{type(loss).__name__}()"
    if is_plain and isinstance(activation, Softmax) and name.endswith("categorical_crossentropy"):
        return "log_loss"
    if is_plain and isinstance(activation, Sigmoid) and name == "binary_crossentropy":
        return "log_loss"
    if isinstance(activation, (Softmax, Sigmoid)):
        return loss.clone()
    names = {"mean_squared_error": "squared_error", "poisson": "poisson"}
    return names.get(name) or loss.clone()
