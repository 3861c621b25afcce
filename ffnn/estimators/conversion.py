"""From a `Sequential` to an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from ffnn.activations import Sigmoid, Softmax
from ffnn.core.registry import family_of
from ffnn.estimators.classifier import FFNNClassifier
from ffnn.estimators.networks import copy_layers
from ffnn.estimators.regressor import FFNNRegressor
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import Schedule
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.estimators.base import BaseFFNN


def as_estimator(model: Sequential, classes: Any = None, **params: Any) -> BaseFFNN:
    """Return an estimator whose network is `model`; see `Sequential.as_estimator`."""
    if not model.is_built:
        raise RuntimeError(
            "as_estimator: this model has no parameters yet; call build(input_dim), or fit it"
        )
    network = Sequential(copy_layers(model), dtype=model.dtype.name, seed=model.seed)
    settings = {"network": network, **_solver_settings(model), **params}
    last, units = model.last_activation, model.output_dim or 0
    estimator: BaseFFNN
    if isinstance(last, (Softmax, Sigmoid)):
        estimator = FFNNClassifier(**settings)
        _name_classes(estimator, model, classes, units, isinstance(last, Softmax))
    elif classes is not None:
        raise ValueError(
            f"as_estimator: classes belong to a network that ends in a softmax or a sigmoid, this "
            f"one ends in {last or 'no activation'}"
        )
    else:
        estimator = FFNNRegressor(**_regression_loss(model), **settings)
        estimator.n_features_in_, estimator.n_outputs_ = model.input_dim, units
        estimator.out_activation_ = estimator._choose_activation()
    _adopt(estimator, model)
    return estimator


def _solver_settings(model: Sequential) -> dict[str, Any]:
    """Return the parameters that describe the model's optimizer, as far as they can."""
    optimizer = model.optimizer
    settings: dict[str, Any] = {}
    if type(optimizer) is Adam:
        settings = {"beta_1": optimizer.beta_1, "beta_2": optimizer.beta_2}
        settings |= {"solver": "adam", "epsilon": optimizer.epsilon}
    elif type(optimizer) is SGD:
        settings = {"solver": "sgd", "momentum": optimizer.momentum}
        settings["nesterovs_momentum"] = optimizer.nesterov
    if not settings or optimizer is None:
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


def _name_classes(
    estimator: Any, model: Sequential, classes: Any, units: int, exclusive: bool
) -> None:
    """Set the labels of the outputs: those that are given, or that the model knows, or numbers."""
    multilabel = not exclusive and units > 1
    count = 2 if not exclusive and units == 1 else units
    names: Array = np.arange(count)
    if classes is not None:
        names = np.asarray(classes)
    elif model.class_names is not None and not multilabel:
        names = np.asarray(model.class_names)
    if names.shape != (count,):
        raise ValueError(f"as_estimator: expected {count} classes, got {names.tolist()}")
    if not np.array_equal(np.unique(names), names):
        raise ValueError(
            f"as_estimator: the classes have to ascend, as scikit-learn's tools take them to, got "
            f"{names.tolist()}; give classes=range({count}) to go by number"
        )
    # Several labels are told from several classes by rows with more than one of them.
    examples = np.tile([[0], [1]], (1, units)) if multilabel else names
    estimator._label_binarizer = LabelBinarizer().fit(examples)
    estimator.classes_ = estimator._label_binarizer.classes_
    estimator.n_outputs_ = units
    estimator.out_activation_ = "softmax" if exclusive else "logistic"


def _adopt(estimator: BaseFFNN, model: Sequential) -> None:
    """Take over the model, with what its history tells."""
    losses = [] if model.history is None else list(model.history.history.get("loss", []))
    estimator.model_ = model
    estimator._begin()
    estimator._begin_record()
    estimator.n_features_in_ = model.input_dim
    if model.feature_names is not None:
        estimator.feature_names_in_ = np.asarray(model.feature_names, dtype=object)
    estimator.n_iter_ = len(losses)
    estimator.loss_curve_ = losses
    estimator.loss_ = losses[-1] if losses else np.nan
