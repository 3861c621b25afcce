"""Networks as scikit-learn's `MLPClassifier` and `MLPRegressor`, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn import activations, layers
from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.exchange.extras import require
from ffnn.sequential import Sequential

_ACTIVATIONS: dict[str, type[ActivationFunction]] = {
    "identity": activations.Linear,
    "logistic": activations.Sigmoid,
    "relu": activations.ReLU,
    "softmax": activations.Softmax,
    "tanh": activations.Tanh,
    "exp": activations.Exponential,
}


def from_sklearn(estimator: Any) -> Sequential:
    """Return the network of a fitted `MLPClassifier` or `MLPRegressor`.

    Parameters are copied, classes become `class_labels` and `class_names`, and feature names are
    kept. A classifier of two classes has one output, the probability of the second.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        A fitted estimator.

    Returns
    -------
    Sequential
        A built network, not compiled, in the dtype of the coefficients.

    Raises
    ------
    ImportError
        scikit-learn is not installed.
    TypeError
        It is another estimator.
    ValueError
        It is not fitted.

    Examples
    --------
    >>> import ffnn
    >>> from sklearn.neural_network import MLPClassifier
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> classifier = MLPClassifier((16,), solver="lbfgs", max_iter=1000).fit(x[:300], y[:300])
    >>> model = ffnn.exchange.from_sklearn(classifier)
    >>> bool((model.predict(x).argmax(axis=1) == classifier.predict(x)).all())
    True
    """
    require("sklearn", "an estimator of scikit-learn")
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(estimator, (MLPClassifier, MLPRegressor)):
        raise TypeError(
            f"from_sklearn: expected an MLPClassifier or MLPRegressor, got "
            f"{type(estimator).__name__}"
        )
    if not hasattr(estimator, "coefs_"):
        raise ValueError(f"from_sklearn: this {type(estimator).__name__} is not fitted")
    names = [estimator.activation] * (len(estimator.coefs_) - 1) + [estimator.out_activation_]
    made = Sequential(
        [
            layers.Dense(weight.shape[1], None if name == "identity" else _ACTIVATIONS[name]())
            for weight, name in zip(estimator.coefs_, names, strict=True)
        ],
        len(estimator.coefs_[0]),
        estimator.coefs_[0].dtype.name,
    )
    for layer, weight, bias in zip(
        made.layers, estimator.coefs_, estimator.intercepts_, strict=True
    ):
        layer.params["weight"][...], layer.params["bias"][...] = weight.T, bias
    if isinstance(estimator, MLPClassifier) and np.ndim(estimator.classes_) == 1:
        made.class_names = [str(label) for label in estimator.classes_.tolist()]
        made.class_labels = estimator.classes_
    if hasattr(estimator, "feature_names_in_"):
        made.feature_names = list(map(str, estimator.feature_names_in_))
    return made


def to_sklearn(model: Sequential) -> Any:
    """Return a network as a fitted `MLPClassifier` or `MLPRegressor`.

    It is a classifier if the network ends in a softmax or in one sigmoid; its classes are the
    model's `class_labels`, else its `class_names`, else numbers from 0. `fit` begins anew, as that
    of any estimator.

    Parameters
    ----------
    model : Sequential
        A built network of `Dense` layers with biases, whose hidden layers all have the same
        activation: none, ``"sigmoid"``, ``"tanh"`` or ``"relu"``.

    Returns
    -------
    MLPClassifier or MLPRegressor
        A fitted estimator.

    Raises
    ------
    ImportError
        scikit-learn is not installed.
    RuntimeError
        The model is not built.
    ValueError
        scikit-learn has no such network; the layer is named.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> x = np.array([[1.0, 2.0]], np.float32)
    >>> ffnn.exchange.to_sklearn(model).predict_proba(x).shape
    (1, 2)
    """
    require("sklearn", "an estimator of scikit-learn")
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    model.require_built()
    dense = _dense_layers(model)
    hidden, last = _hidden_activation(dense), dense[-1].activation
    sizes = tuple(layer.units for layer in dense[:-1])
    is_classifier = isinstance(last, activations.Softmax) or (
        isinstance(last, activations.Sigmoid) and dense[-1].units == 1
    )
    kind = MLPClassifier if is_classifier else MLPRegressor
    if not is_classifier and last is not None and not isinstance(last, activations.Linear):
        raise ValueError(f"to_sklearn: scikit-learn has no network that ends in {last!r}")
    made = kind(hidden_layer_sizes=sizes, activation=hidden)
    weights = [(layer.params["weight"], layer.params["bias"]) for layer in dense]
    columns = dense[0].input_dim or 0
    if is_classifier:  # a step of training makes all that the estimator has to have
        classes = _classes(model, dense[-1].units)
        rows = np.zeros((len(classes), columns), model.dtype)
        made.partial_fit(rows, classes, classes=classes)
        if not np.array_equal(made.classes_, classes):
            raise ValueError(f"to_sklearn: expected classes in ascending order, got {classes}")
        if len(classes) == 2 and dense[-1].units == 2:  # where scikit-learn has one output
            (weight, bias) = weights.pop()
            weights.append((weight[1:] - weight[:1], bias[1:] - bias[:1]))
    else:
        outputs = np.zeros((1, dense[-1].units), model.dtype)
        made.partial_fit(
            np.zeros((1, columns), model.dtype), outputs[0] if outputs.size == 1 else outputs
        )
        made.out_activation_ = _name_of(last)
    for (weight, bias), coefs, intercepts in zip(
        weights, made.coefs_, made.intercepts_, strict=True
    ):
        coefs[...], intercepts[...] = weight.T, bias
    if model.feature_names is not None:
        made.feature_names_in_ = np.array(model.feature_names, dtype=object)
    return made


def _dense_layers(model: Sequential) -> list[layers.Dense]:
    """Return the layers, if scikit-learn has a network of such."""
    for layer in model.layers:
        if not isinstance(layer, layers.Dense) or not layer.use_bias or layer.weight_factor != 1.0:
            raise ValueError(
                f"to_sklearn: {layer.title}: scikit-learn has only layers such as Dense(64), with "
                f"a bias"
            )
    return [layer for layer in model.layers if isinstance(layer, layers.Dense)]


def _hidden_activation(dense: list[layers.Dense]) -> str:
    names = {_name_of(layer.activation): layer for layer in dense[:-1]}
    if len(names) > 1:
        raise ValueError(
            f"to_sklearn: hidden layers with {' and '.join(names)}: scikit-learn has one "
            f"activation for all of them"
        )
    return next(iter(names), "relu")


def _name_of(activation: ActivationFunction | None) -> str:
    for name, kind in _ACTIVATIONS.items():
        if type(activation or activations.Linear()) is kind:
            return name
    raise ValueError(f"to_sklearn: scikit-learn has no {activation!r}")


def _classes(model: Sequential, outputs: int) -> Array:
    if model.class_labels is not None:
        return np.asarray(model.class_labels)
    if model.class_names is not None:
        return np.array(model.class_names)
    return np.arange(max(outputs, 2))
