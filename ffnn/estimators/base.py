"""`BaseFFNN`: what the classifier and the regressor share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ffnn.estimators.constraints import CONSTRAINTS
from ffnn.estimators.evaluating import HeldOut, compute_outputs
from ffnn.estimators.lbfgs import fit_lbfgs
from ffnn.estimators.networks import (
    LiveArrays,
    copy_layers,
    dense_layers,
    draw_parameters,
    hidden_sizes,
    make_layers,
)
from ffnn.estimators.solvers import fit_stochastic
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from ffnn._types import Array
    from ffnn.losses import Loss

STOCHASTIC_SOLVERS = ("sgd", "adam")


class Rule(NamedTuple):
    """What is made small.

    Attributes
    ----------
    loss : str or Loss
        The library's loss, as `Sequential.compile` takes it.
    value_factor, gradient_factor : float
        What makes its value and its gradient those of scikit-learn.
    """

    loss: str | Loss
    value_factor: float = 1.0
    gradient_factor: float = 1.0


class BaseFFNN(BaseEstimator, ABC):
    """A network that scikit-learn's tools can fit, clone, search and score."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    _y_numeric: ClassVar[bool]

    model_: Sequential
    n_outputs_: int
    out_activation_: str
    loss_: float

    # Every constructor sets these from its arguments.
    hidden_layer_sizes: Any
    solver: str
    random_state: Any
    warm_start: bool
    early_stopping: bool
    weight_initializer: Any
    bias_initializer: Any
    network: Sequential | None

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """Keep a constructor's arguments, each under its own name."""
        self.__dict__ |= {k: v for k, v in arguments.items() if k not in ("self", "__class__")}

    # -- what the two define -------------------------------------------------------------------

    @abstractmethod
    def _read_targets(self, y: Any, *, fresh: bool, incremental: bool) -> Array:
        """Learn from checked y what it can be, and return it in the form of the loss.

        With `fresh` the network's outputs, `n_outputs_` and `out_activation_`, are chosen anew.
        """

    @abstractmethod
    def _read_held_out(self, y: Any) -> Array:
        """Return checked y of rows for validation in the form of the loss."""

    @abstractmethod
    def _make_loss(self) -> Rule:
        """Return what is made small."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        """Return accuracy or R² of what the network puts out."""

    def _strata(self, target: Array) -> Array | None:
        """Return the classes whose shares a validation split has to keep, if any."""
        return None

    def _weigh_classes(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        """Return the rows' weights with those of their classes."""
        return weight

    # -- fitting -------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        hidden_sizes(self.hidden_layer_sizes)
        fresh = not hasattr(self, "model_") or not (self.warm_start or incremental)
        X, y = self._open_rows(X, y, reset=fresh)
        target = self._read_targets(y, fresh=fresh, incremental=incremental)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        weight = self._weigh_classes(y, weight, incremental=incremental)
        self._random_state = check_random_state(self.random_state)
        if fresh:
            self._initialize(X)
        if self.solver == "lbfgs":
            if validation_data is not None:
                raise ValueError(
                    "validation_data needs solver='adam' or 'sgd'; lbfgs has no epochs"
                )
            fit_lbfgs(self, X, target, weight)
        else:
            held_out = self._open_validation(validation_data)
            fit_stochastic(self, X, target, weight, held_out, incremental)
        if not np.isfinite(self.model_.parameters).all():
            raise ValueError(
                "the solver ended with non-finite parameter weights: scale the columns of X, for "
                "example with StandardScaler"
            )
        return self

    def _open_rows(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X and y checked by scikit-learn's own rules."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=self._y_numeric,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return X, y

    def _initialize(self, X: Any) -> None:
        """Make the network, and forget what an earlier fit has left."""
        # Whatever X is, scikit-learn's lbfgs computes in float64.
        dtype = "float64" if self.solver == "lbfgs" else X.dtype.name
        if self.network is None:
            layers = make_layers(self, self.n_outputs_, self.out_activation_)
        else:
            layers, dtype = copy_layers(self.network), self.network.dtype.name
        draws = (self.network, self.weight_initializer, self.bias_initializer) != (None,) * 3
        draws = draws or any(layer.random_generators() for layer in layers)
        seed = int(self._random_state.randint(2**31 - 1)) if draws else None
        self.model_ = Sequential(layers, X.shape[1], dtype, seed)
        if self.network is None:
            draw_parameters(self.model_, self, self._random_state)
        self.model_.feature_names = getattr(self, "feature_names_in_", None)
        if self.out_activation_ == "softmax":
            self.model_.class_names = vars(self).get("classes_")
        self._begin()

    def _begin(self) -> None:
        """Forget what an earlier training has left."""
        self.n_layers_ = len(dense_layers(self.model_)) + 1
        self.n_iter_ = self.t_ = 0
        self._compiled = False
        if self.solver in STOCHASTIC_SOLVERS:
            self._begin_record()

    def _begin_record(self) -> None:
        early = self.early_stopping
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = [] if early else None
        self.best_validation_score_: float | None = -np.inf if early else None
        self.best_loss_: float | None = None if early else np.inf
        self._best_weights: list[Array] | None = None
        self._no_improvement_count = 0

    def _open_validation(self, data: Any) -> HeldOut | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError(
                f"validation_data: expected (X, y) or (X, y, sample_weight), "
                f"got {type(data).__name__}"
            )
        X, y = self._open_rows(data[0], data[1], reset=False)
        weight = None if len(data) == 2 else _check_sample_weight(data[2], X)
        return HeldOut(X, self._read_held_out(y), weight)

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC_SOLVERS:
            raise AttributeError(
                f"partial_fit needs solver='adam' or 'sgd', which are stochastic and train batch "
                f"by batch; {self.solver!r} is not"
            )
        return True

    # -- predicting ----------------------------------------------------------------------------

    def _compute(self, X: Any) -> Array:
        """Return the network's outputs for rows that are checked first."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return compute_outputs(self.model_, X)

    # -- the network in scikit-learn's terms ---------------------------------------------------

    def _dense_layers(self, wanted: str) -> list[Any]:
        if "model_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {wanted} before it is fitted")
        return dense_layers(self.model_)

    @property
    def coefs_(self) -> LiveArrays:
        """The weights of each layer, (inputs, units); what is written into them is in force."""
        return LiveArrays(layer.params["weight"].T for layer in self._dense_layers("coefs_"))

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        self.coefs_[:] = values

    @property
    def intercepts_(self) -> LiveArrays:
        """The biases of each layer, (units,); what is written into them is in force."""
        return LiveArrays(
            layer.params["bias"] if layer.use_bias else np.broadcast_to(0.0, layer.units)
            for layer in self._dense_layers("intercepts_")
        )

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        self.intercepts_[:] = values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
