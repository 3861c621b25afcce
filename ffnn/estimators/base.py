"""`BaseFFNN`: what the classifier and the regressor share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ffnn._types import Array
from ffnn.core.descriptions import describe
from ffnn.estimators import epochs, networks, solvers
from ffnn.estimators.coefficients import Coefficients
from ffnn.estimators.conventions import ScaledLoss
from ffnn.estimators.convergence import Convergence, Standing
from ffnn.estimators.epochs import NON_FINITE
from ffnn.estimators.parameters import trains_by_epochs
from ffnn.estimators.refusal import unchanged_if_refused
from ffnn.estimators.samples import Samples, open_matrix
from ffnn.optimizers import Optimizer
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from typing_extensions import Self

    from ffnn.estimators.samples import Matrix


class BaseFFNN(Coefficients, BaseEstimator, ABC):
    """A network that scikit-learn's tools can fit, clone, search and score."""

    _y_numeric: ClassVar[bool]
    _compiled: str  # "here", by its parameters; "elsewhere", see `adopt`; "" if not for epochs
    _wanted_loss: Any  # `loss` as it was then, as plain data
    _architecture: dict[str, str]  # what the network was made by

    # -- what the two define -------------------------------------------------------------------

    @abstractmethod
    def _read_targets(self, y: Array, *, fresh: bool, incremental: bool) -> Array:
        """Learn from checked y what it can be, and return it as numbers for the loss to prepare.

        With `fresh` the network's outputs, `n_outputs_` and `out_activation_`, are chosen anew.
        """

    @abstractmethod
    def _read_held_out(self, y: Array) -> Array:
        """Return checked y of rows to validate on as numbers for the loss to prepare."""

    @abstractmethod
    def _choose_output(self) -> Any:
        """Return what the network ends with, of `network` if it fits the targets."""

    @abstractmethod
    def _make_loss(self) -> ScaledLoss:
        """Return the library's loss with scikit-learn's factors."""

    @abstractmethod
    def _decode(self, outputs: Array) -> Array:
        """Return the predictions that the network's outputs stand for."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, target: Array, weight: Array | None) -> float:
        """Return accuracy or R² of the network's outputs."""

    def _adopt_outputs(self, model: Sequential, classes: Any) -> None:
        """Learn from a trained network what its outputs are."""
        self.n_outputs_ = model.output_dim or 0
        self.out_activation_ = networks.name_activation(model.last_activation)

    def _with_columns(self, target: Array) -> Array:
        """Return targets with a column for each output, where loss or metrics need them so."""
        return target

    def _weigh_classes(self, y: Array, *, incremental: bool) -> Array | None:
        """Return the weights of the rows' classes, if classes have any."""
        return None

    # -- fitting -------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Train new weights, or continue from the last ones with `warm_start`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs. Sparse ones are never made dense.
        y : array-like of shape (rows,) or (rows, outputs)
            Class labels of any sortable kind, or zeros and ones with a column for each of several
            labels; numbers for a regressor.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights in the loss, which is divided by their sum.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows to validate on after each epoch; with `early_stopping` they take the place of
            those that would be held out.

        Returns
        -------
        estimator
            Itself.

        Raises
        ------
        ValueError, TypeError
            A parameter or the data does not fit, or the weights would have become infinite.
        """
        return self._fit(X, y, sample_weight, validation_data)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        with unchanged_if_refused(self):
            self._fit_checked(X, y, sample_weight, validation_data, incremental)
        return self

    def _fit_checked(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool
    ) -> None:
        given = {"validation_data": validation_data is not None, "callbacks": self.callbacks}
        for name in given if self.solver == "lbfgs" else ():
            if given[name]:
                raise ValueError(f"{name}: give solver='adam' or 'sgd', as lbfgs has no epochs")
        networks.hidden_sizes(self.hidden_layer_sizes)
        fresh = not hasattr(self, "model_") or not (self.warm_start or incremental)
        X, y = self._check_rows(X, y, reset=fresh)
        target = self._read_targets(y, fresh=fresh, incremental=incremental)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        held_out = self._read_validation(validation_data)
        random_state = check_random_state(self.random_state)
        if fresh:
            self._initialize(X, random_state)
        else:
            self._check_architecture()
        loss = self._compile(fresh=fresh, incremental=incremental)
        of_class = self._weigh_classes(y, incremental=incremental)
        samples = self._prepare(loss, Samples(X, target, weight, of_class))
        held_out = None if held_out is None else self._prepare(loss, held_out)
        self.model_.forget_position()
        if self.solver == "lbfgs":
            solvers.fit_lbfgs(self, loss, samples)
        else:
            self._fit_by_epochs(loss, samples, held_out, random_state, incremental)
        if not np.isfinite(self.model_.parameters).all():
            raise ValueError(NON_FINITE)

    @property
    def _optimizer(self) -> Optimizer | None:
        """The network's optimizer, under the name that scikit-learn has for it."""
        return self.model_.optimizer if "model_" in vars(self) else None

    def _compile(self, *, fresh: bool, incremental: bool) -> ScaledLoss:
        """Compile the network, unless `partial_fit` continues with what it is compiled with.

        If `loss` was set to another one since, only that is new.

        Returns the loss to train on, paired with the last activation.
        """
        model, wanted = self.model_, describe(self.loss)
        continues = incremental and self._compiled
        if continues and wanted == self._wanted_loss and self._compiled == "elsewhere":
            return ScaledLoss(model.step.loss.clone())
        loss = self._make_loss()
        if continues and wanted == self._wanted_loss:
            return loss.around(model.step.loss)
        holder = self.network if fresh and self.network is not None else model
        optimizer = model.optimizer if continues else None
        optimizer, jit_compile = optimizer or solvers.make_optimizer(self), holder.jit_compile
        model.compile(optimizer, loss.inner, *holder.copy_metrics(), jit_compile)
        self._compiled, self._wanted_loss = "here" if trains_by_epochs(self.solver) else "", wanted
        return loss.around(model.step.loss)

    def _prepare(self, loss: ScaledLoss, samples: Samples) -> Samples:
        """Return samples whose targets the model's loss and metrics have checked and taken."""
        target = self._with_columns(samples.target)
        target = self.model_.require_compiled().prepare(target, self.n_outputs_)
        self.model_.check_metrics(target, self.n_outputs_)
        return samples._replace(target=target)

    def _describe_network(self) -> dict[str, str]:
        outputs = f"one for the outputs {self._choose_output()}"
        return {**networks.architecture(self), "loss": outputs}

    def _check_architecture(self) -> None:
        """Raise ValueError if a parameter is no longer what the network was made by."""
        how = "partial_fit" if not self.warm_start else "warm_start=True"
        now = self._describe_network()
        for name in {**self._architecture, **now}:
            then, new = self._architecture.get(name), now.get(name)
            if then != new:
                raise ValueError(
                    f"{name} is no longer what the network was made by, which {how} continues to "
                    f"train: it was {then}, now it is {new}. Set it back, or make a new network by "
                    f"fit with warm_start=False."
                )

    def _check_rows(self, X: Any, y: Any, *, reset: bool) -> tuple[Matrix, Array]:
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

    def _read_validation(self, data: Any) -> Samples | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError(
                f"validation_data: expected (X, y) or (X, y, sample_weight), "
                f"got {type(data).__name__}"
            )
        X, y = self._check_rows(data[0], data[1], reset=False)
        weight = None if len(data) == 2 else _check_sample_weight(data[2], X)
        return Samples(X, self._read_held_out(y), weight)

    def _initialize(self, X: Matrix, random_state: np.random.RandomState) -> None:
        """Make the network, and forget what an earlier fit has left."""
        dtype = "float64" if self.solver == "lbfgs" else X.dtype.name  # as scikit-learn has it
        if self.network is None:
            layers = networks.make_layers(self)
        else:
            layers, dtype = networks.copy_layers(self.network), self.network.dtype.name
        own = (self.network, self.weight_initializer, self.bias_initializer) != (None,) * 3
        draws = own or any(layer.random_generators() for layer in layers)
        seed = int(random_state.randint(2**31 - 1)) if draws else None
        self.model_ = Sequential(layers, X.shape[1], dtype, seed)
        if self.network is None:
            networks.draw_parameters(self, random_state)
        else:
            networks.keep_frozen(self.model_, self.network)
        self.model_.feature_names = getattr(self, "feature_names_in_", None)
        self._name_outputs()
        self._begin()

    def _begin(self) -> None:
        """Forget what an earlier training has left."""
        self.n_layers_ = len(networks.dense_layers(self.model_)) + 1
        self.n_iter_ = self.t_ = 0
        self._compiled = ""
        self._architecture = self._describe_network()
        if trains_by_epochs(self.solver):
            self._standing = Standing(self)

    def _name_outputs(self) -> None:
        """Tell the network what its outputs mean."""

    def _fit_by_epochs(
        self,
        loss: ScaledLoss,
        samples: Samples,
        held_out: Samples | None,
        random_state: np.random.RandomState,
        incremental: bool,
    ) -> None:
        """Train by "adam" or "sgd": one epoch if `incremental`, else until nothing improves."""
        if self.early_stopping and incremental:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it has no rows to hold out"
            )
        if self.early_stopping and held_out is None:
            strata = None
            if is_classifier(self) and self.n_outputs_ == 1:
                strata = samples.target.astype(bool)  # as scikit-learn names the classes
            share = self.validation_fraction
            samples, held_out = epochs.hold_out(samples, share, strata, random_state)
        validate = None
        if held_out is not None:
            twin = loss.around(loss.inner)  # with working memory of its own
            validate = epochs.make_validation(self.model_, twin, held_out, self._score_outputs)
        if "_standing" not in vars(self):  # the weights come from lbfgs
            self._standing = Standing(self)
        convergence = Convergence(self, self._standing, len(samples.target))
        interrupted = epochs.train_by_epochs(
            self, loss, samples, random_state, validate, convergence, incremental
        )
        convergence.finish(interrupted=interrupted, incremental=incremental)

    def _check_solver(self) -> bool:
        if not trains_by_epochs(self.solver):
            raise AttributeError(
                f"partial_fit needs solver='adam' or 'sgd', which are stochastic and train batch "
                f"by batch; {self.solver!r} is not"
            )
        return True

    def adopt(self, model: Sequential, classes: Any = None, *, continues: bool = False) -> Self:
        """Take a built network as this estimator's own `model_`; see `Sequential.as_estimator`.

        With `continues`, `partial_fit` trains with the optimizer, its memory, the loss and the
        metrics that the network is compiled with.
        """
        self._adopt_outputs(model, classes)
        self.model_ = model
        self.n_features_in_ = model.input_dim or 0
        if model.feature_names is not None:
            self.feature_names_in_ = np.asarray(model.feature_names, dtype=object)
        self._begin()
        self._compiled = "elsewhere" if continues else ""
        self._wanted_loss = describe(self.loss)
        self._standing = Standing(self)
        losses = [] if model.history is None else list(model.history.history.get("loss", []))
        self.n_iter_, self.loss_curve_ = len(losses), losses
        self.loss_ = losses[-1] if losses else np.nan
        return self

    # -- predicting ----------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, or a regressor's numbers.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, columns)
            Inputs.

        Returns
        -------
        ndarray of shape (rows,) or (rows, outputs)
            Class labels, for several labels zeros and ones; or numbers.
        """
        return self._decode(self._compute(X))

    def _compute(self, X: Any) -> Array:
        """Return the network's outputs for rows that are checked first."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        source, stages = open_matrix(X, self.model_.dtype, self.model_.replicas())
        return self.model_.compute(source, stages)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
