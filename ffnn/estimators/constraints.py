"""What constructor parameters may be, in the form that scikit-learn checks them by."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, Options, StrOptions

from ffnn.activations import ACTIVATIONS, ActivationFunction
from ffnn.initializers import INITIALIZERS, Initializer
from ffnn.losses import LOSSES, Loss
from ffnn.models.network import Network

_COUNT = Interval(Integral, 1, None, closed="left")
_AT_LEAST_0 = Interval(Real, 0, None, closed="left")
_ABOVE_0 = Interval(Real, 0, None, closed="neither")
_SHARE = Interval(Real, 0, 1, closed="left")
_INITIALIZER = [StrOptions(set(INITIALIZERS.classes)), Initializer, None]

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [
        StrOptions({"identity", "logistic"} | set(ACTIVATIONS.classes)),
        ActivationFunction,
        list,
        tuple,
    ],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [_AT_LEAST_0],
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [_ABOVE_0],
    "power_t": [_AT_LEAST_0],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_AT_LEAST_0],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_SHARE],
    "beta_1": [_SHARE],
    "beta_2": [_SHARE],
    "epsilon": [_ABOVE_0],
    "n_iter_no_change": [_COUNT, Options(Real, {math.inf})],
    "max_fun": [_COUNT],
    # What scikit-learn lacks.
    "dropout": [_SHARE, "array-like"],
    "normalization": [StrOptions({"batch", "layer", "rms"}), None],
    "weight_initializer": _INITIALIZER,
    "bias_initializer": _INITIALIZER,
    "l1": [_AT_LEAST_0],
    "clipnorm": [_ABOVE_0, None],
    "restore_best_weights": ["boolean", StrOptions({"auto"})],
    "callbacks": [list, tuple, None],
    "progress_bar": ["boolean"],
    "network": [Network, None],
}

_NUMBER_LOSSES = {name for name, cls in LOSSES.classes.items() if cls.task == "numbers"}

CLASSIFIER_CONSTRAINTS = {
    **CONSTRAINTS,
    "loss": [StrOptions({"log_loss"}), Loss],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
}
REGRESSOR_CONSTRAINTS = {
    **CONSTRAINTS,
    "loss": [StrOptions({"squared_error", "poisson"} | _NUMBER_LOSSES), Loss],
}
