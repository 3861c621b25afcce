"""From a `Sequential` to an estimator."""

from __future__ import annotations

from typing import Any

from ffnn.activations import Sigmoid, Softmax
from ffnn.core.registry import family_of
from ffnn.estimators.base import BaseFFNN
from ffnn.estimators.classifier import FFNNClassifier
from ffnn.estimators.networks import copy_layers
from ffnn.estimators.regressor import FFNNRegressor
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import Schedule
from ffnn.sequential import Sequential


def as_estimator(model: Sequential, classes: Any = None, **params: Any) -> BaseFFNN:
    """Return an estimator whose network is `model`; see `Sequential.as_estimator`."""
    if not model.is_built:
        raise RuntimeError(
            "as_estimator: this model has no parameters yet; call build(input_dim), or fit it"
        )
    network = Sequential(copy_layers(model), dtype=model.dtype.name, seed=model.seed)
    settings = {"network": network, **_solver_settings(model), **params}
    last = model.last_activation
    if isinstance(last, (Softmax, Sigmoid)):
        return FFNNClassifier(**settings).adopt(model, classes)
    if classes is not None:
        raise ValueError(
            f"as_estimator: classes belong to a network that ends in a softmax or a sigmoid, this "
            f"one ends in {last or 'no activation'}"
        )
    return FFNNRegressor(**{**_regression_loss(model), **settings}).adopt(model)


def _solver_settings(model: Sequential) -> dict[str, Any]:
    """Return the parameters that describe the model's optimizer, as far as they can."""
    optimizer = model.optimizer
    if type(optimizer) is Adam:
        settings: dict[str, Any] = {"solver": "adam", "epsilon": optimizer.epsilon}
        settings |= {"beta_1": optimizer.beta_1, "beta_2": optimizer.beta_2}
    elif type(optimizer) is SGD:
        settings = {"solver": "sgd", "momentum": optimizer.momentum}
        settings["nesterovs_momentum"] = optimizer.nesterov
    else:
        return {}
    if not isinstance(optimizer.learning_rate, Schedule) and optimizer.learning_rate > 0.0:
        settings["learning_rate_init"] = optimizer.learning_rate
    return {**settings, "clipnorm": optimizer.clipnorm}


def _regression_loss(model: Sequential) -> dict[str, Any]:
    if model.loss is None:
        return {}
    name = family_of(model.loss).name_of(model.loss)
    if name == "mean_squared_error":
        return {"loss": "squared_error"}
    return {"loss": name if name == "poisson" else model.loss.clone()}
