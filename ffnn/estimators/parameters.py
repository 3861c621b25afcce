"""What both estimators have in common for their users: parameters, and attributes after `fit`.

Each estimator is a dataclass, so that its constructor has the explicit signature from which
scikit-learn's `get_params` reads the parameters. Where its docstring says ``{parameters}`` or
``{attributes}``, `complete` inserts that section of the classes here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar, get_origin, get_type_hints

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ffnn._types import Array
from ffnn.activations import ACTIVATIONS, ActivationFunction
from ffnn.callbacks import Callback
from ffnn.initializers import INITIALIZERS, Initializer
from ffnn.layers.base import LAYERS
from ffnn.losses import Loss
from ffnn.models.trainable import Trainable
from ffnn.optimizers import Optimizer
from ffnn.sequential import Sequential

STOCHASTIC_SOLVERS = ("sgd", "adam")
NORMALIZATIONS = {
    name.removesuffix("_norm"): layer
    for name, layer in LAYERS.classes.items()
    if name.endswith("_norm")
}

_COUNT = Interval(Integral, 1, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_SHARE = Interval(Real, 0, 1, closed="left")

# Types of parameters, each with what it may be in the form in which scikit-learn checks it.
Sizes: TypeAlias = Annotated[int | Sequence[int], "array-like", _COUNT]
Activation: TypeAlias = str | ActivationFunction
Activations: TypeAlias = Annotated[
    Activation | Sequence[Activation],
    StrOptions(set(ACTIVATIONS.classes)),
    ActivationFunction,
    list,
    tuple,
]
Initial: TypeAlias = Annotated[
    str | Initializer | None, StrOptions(set(INITIALIZERS.classes)), Initializer, None
]
Count: TypeAlias = Annotated[int, _COUNT]
Flag: TypeAlias = Annotated[bool, "boolean"]
Positive: TypeAlias = Annotated[float, _POSITIVE]
NotNegative: TypeAlias = Annotated[float, Interval(Real, 0, None, closed="left")]
Share: TypeAlias = Annotated[float, _SHARE]


@dataclass(eq=False, repr=False)
class Parameters:
    """The constructor parameters that both estimators take.

    The first two stand in the estimators themselves: their place in the signature differs.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Number of units of each hidden layer; empty for a linear model.
    activation : str, ActivationFunction, or sequence of them, default "relu"
        Activation of the hidden layers: "identity", "logistic", "tanh", "relu", any other name or
        object of `ffnn.activations`. A sequence gives one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs"} or Optimizer, default "adam"
        "adam" and "sgd" train by epochs of mini-batches, "lbfgs" on all rows at once, in float64.
        An object of `ffnn.optimizers` trains like "adam", with its own learning rate.
    alpha : float, default 1e-4
        Strength of the penalty alpha/(2n)·Σw² on the weights (not the biases), n being the number
        of rows in the batch, or the sum of their weights. Regularizers of the layers of `network`
        are added to it.
    batch_size : int or "auto", default "auto"
        Mini-batch size; "auto" is 200, or the number of rows if that is smaller.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        Schedule of "sgd". "invscaling": after an epoch at whose end t rows have been seen in all,
        the rate is learning_rate_init / (t + 1)^power_t. "adaptive": it is divided by 5 whenever
        training would otherwise stop, down to 1e-6.
    learning_rate_init : float, default 0.001
        Initial learning rate, above 0.
    power_t : float, default 0.5
        Exponent of "invscaling".
    max_iter : int, default 200
        Largest number of epochs, or of lbfgs iterations.
    shuffle : bool, default True
        Whether to shuffle the rows before each epoch.
    random_state : int, RandomState or None, default None
        Draws the initial weights, the rows held out, and the order of rows: the same ones as in
        scikit-learn.
    tol : float, default 1e-4
        Smallest improvement of the loss, or of the score with `early_stopping`, that counts; the
        tolerance on the gradient for lbfgs.
    verbose : bool or int, default False
        Whether to print a line per epoch.
    warm_start : bool, default False
        Whether `fit` continues from where the last one ended.
    momentum : float, default 0.9
        Momentum of "sgd", in [0, 1].
    nesterovs_momentum : bool, default True
        Whether the momentum of "sgd" is Nesterov's.
    early_stopping : bool, default False
        Whether to hold out rows, stop when their score no longer improves, and return to the
        weights of the best score.
    validation_fraction : float, default 0.1
        Share of the rows held out for that, in [0, 1).
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay rates of the moment estimates of "adam", in [0, 1).
    epsilon : float, default 1e-8
        Added to the divisor of "adam", above 0.
    n_iter_no_change : int or inf, default 10
        Number of consecutive epochs that may fail to improve by `tol`.
    max_fun : int, default 15000
        Largest number of times that lbfgs computes the loss.
    dropout : float or sequence of float, default 0.0
        Share of the units of each hidden layer that is dropped in training, in [0, 1).
    normalization : str, optional
        Normalisation between each hidden layer and its activation, "batch", "layer" or "rms".
    weight_initializer, bias_initializer : str or Initializer, optional
        Initial values; None draws both as scikit-learn does.
    l1 : float, default 0.0
        Strength of a penalty l1/n·Σ|w|, n as for `alpha`.
    clipnorm : float, optional
        Largest norm of the gradient in an update.
    restore_best_weights : bool or "auto", default "auto"
        Whether to end with the weights of the best epoch: that of the best validation score or,
        with no rows to validate on, of the lowest training loss. "auto" does so with
        `early_stopping`. A training that diverges then ends with them too.
    callbacks : sequence of Callback, optional
        See `ffnn.callbacks`; "lbfgs" has no epochs and refuses them. They see ``loss``, the
        metrics of `network` and, with rows to validate on, the same with ``val_`` before it and
        ``val_score``. `partial_fit` and `warm_start` count the epochs on, and callbacks that
        watch a number still know the best one and how long ago it was.
    progress_bar : bool, default False
        Whether a progress bar is shown, by all solvers but "lbfgs".
    network : Sequential, optional
        Its layers are copied and, but for frozen ones, trained from new weights, in place of those
        that `hidden_layer_sizes`, `activation`, `dropout`, `normalization` and the initializers
        describe. Its dtype is kept; without it the dtype is that of X. Of what it was compiled
        with only the metrics are taken over: give its loss and its optimizer as `loss` and
        `solver`, or use its ``as_estimator()``, which does.
    """

    _: KW_ONLY
    solver: Annotated[str | Optimizer, StrOptions({"lbfgs", *STOCHASTIC_SOLVERS}), Optimizer] = (
        "adam"
    )
    alpha: NotNegative = 0.0001
    batch_size: Annotated[int | str, StrOptions({"auto"}), _COUNT] = "auto"
    learning_rate: Annotated[str, StrOptions({"constant", "invscaling", "adaptive"})] = "constant"
    learning_rate_init: Positive = 0.001
    power_t: NotNegative = 0.5
    max_iter: Count = 200
    shuffle: Flag = True
    random_state: Annotated[int | np.random.RandomState | None, "random_state"] = None
    tol: NotNegative = 1e-4
    verbose: Annotated[bool | int, "verbose"] = False
    warm_start: Flag = False
    momentum: Annotated[float, Interval(Real, 0, 1, closed="both")] = 0.9
    nesterovs_momentum: Flag = True
    early_stopping: Flag = False
    validation_fraction: Share = 0.1
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-8
    n_iter_no_change: Annotated[float, _COUNT, Options(Real, {math.inf})] = 10
    max_fun: Count = 15000
    dropout: Annotated[float | Sequence[float], _SHARE, "array-like"] = 0.0
    normalization: Annotated[str | None, StrOptions(set(NORMALIZATIONS)), None] = None
    weight_initializer: Initial = None
    bias_initializer: Initial = None
    l1: NotNegative = 0.0
    clipnorm: Annotated[float | None, _POSITIVE, None] = None
    restore_best_weights: Annotated[bool | str, "boolean", StrOptions({"auto"})] = "auto"
    callbacks: Annotated[Sequence[Callback] | None, list, tuple, None] = None
    progress_bar: Flag = False
    network: Annotated[Sequential | None, Trainable, None] = None


def trains_by_epochs(solver: str | Optimizer) -> bool:
    """Tell whether a solver trains by epochs of mini-batches."""
    return isinstance(solver, Optimizer) or solver in STOCHASTIC_SOLVERS


class Estimator(Parameters):
    """An estimator as the solvers see it: its parameters, its network, and the record they keep.

    Attributes
    ----------
    model_ : Sequential
        The network.
    coefs_, intercepts_ : list of ndarray
        Weights of each layer, (inputs, units), and biases, (units,): live arrays of `model_`.
        Values written into them take effect.
    n_layers_, n_outputs_ : int
        Number of layers, the input included, and of output units.
    out_activation_ : str
        Activation of the output layer.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X has any.
    n_iter_ : int
        Number of epochs, or iterations, of the last fit.
    t_ : int
        Number of rows trained on, each counted once per epoch.
    loss_ : float
        Loss of the last epoch, penalty included.
    best_loss_ : float or None
        The lowest loss; None with `early_stopping`.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        Score on the rows held out, or on `validation_data`, after each epoch.
    best_validation_score_ : float or None
        The highest of them.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]]

    hidden_layer_sizes: Sizes
    activation: Activations
    loss: str | Loss

    model_: Sequential
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    feature_names_in_: Array
    n_iter_: int
    t_: int
    loss_: float
    best_loss_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None


E = TypeVar("E", bound=Estimator)


def complete(cls: type[E]) -> type[E]:
    """Fill in an estimator's docstring, and collect what its parameters may be from their types."""
    text = inspect.getdoc(cls) or ""
    for source, name in ((Parameters, "{parameters}"), (Estimator, "{attributes}")):
        section = inspect.getdoc(source) or ""
        text = text.replace(name, section.partition("----------\n")[2])
    cls.__doc__ = text
    # Python 3.10 takes nothing but types for hints, which the mark of dataclasses is not.
    hints = get_type_hints(cls, localns={"KW_ONLY": Any}, include_extras=True)
    cls._parameter_constraints = {
        name: list(hint.__metadata__)
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
    }
    return cls
