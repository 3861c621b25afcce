"""`Network`: a chain of layers and what it computes, with nothing about training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array, FloatDType
from ffnn.activations import ActivationFunction
from ffnn.core.checks import check_bool, check_choice, check_int, check_items, check_seed
from ffnn.core.console import show
from ffnn.core.hints import Guarded, explain_names
from ffnn.core.locks import ForkSafeLock
from ffnn.core.memory import ParameterVector
from ffnn.data.sources import Source, check_finite, open_source
from ffnn.errors import DataError
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import run_forward
from ffnn.models.assembly import assemble, free_layers, take_layers
from ffnn.models.codes import CodeCheck
from ffnn.models.compiling import JitCompile
from ffnn.models.names import Named
from ffnn.models.raw_rows import input_dtype
from ffnn.models.replicas import Replicas
from ffnn.models.summary import summarize
from ffnn.models.weights import check_weights
from ffnn.optimizers.groups import own_name
from ffnn.saving.schema import set_generators

EVALUATION_BATCH_SIZE = 1024


class Network(Named, Guarded):
    """Layers one after another: their parameters, their forward pass, predictions.

    The parameters are those of `ffnn.Sequential`, the class that users hold.
    """

    hints = {"learning_rate": "optimizer.learning_rate"} | {
        name: f"{name} of fit" for name in ("batch_size", "callbacks", "epochs", "validation_split")
    }
    settled: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("layers", "dtype", "seed"), "make a new model"
    )
    layers: tuple[Layer, ...]
    dtype: FloatDType
    seed: int | None
    jit_compile: JitCompile = "auto"

    def __init__(
        self,
        layers: Sequence[Layer],
        input_dim: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        vars(self).update(
            layers=tuple(check_items("Sequential", "layers", layers)),
            dtype=np.dtype(check_choice("Sequential", "dtype", dtype, ("float32", "float64"))),
            seed=check_seed("Sequential", seed),
        )
        self.entropy: Any = np.random.SeedSequence(self.seed).entropy
        self._vector: ParameterVector | None = None
        self._building = ForkSafeLock()
        self._replicas = Replicas(self.layers, self.dtype)
        self._code_check = CodeCheck(self.layers)
        take_layers(self.layers)
        try:
            input_dim = self.input_dim if input_dim is None else input_dim  # of a copied layer
            if input_dim is not None:
                self.build(input_dim)
        except BaseException:
            free_layers(self.layers)
            raise

    @property
    def is_built(self) -> bool:
        """Whether the layers have their parameters."""
        return self._vector is not None

    @property
    def input_dim(self) -> int | None:
        """The number of input columns, once built."""
        return self.layers[0].input_dim

    @property
    def output_dim(self) -> int | None:
        """The number of outputs, once built."""
        return self.layers[-1].output_dim

    def compute_dims(self, input_dim: int) -> list[int]:
        """Return the number of columns before the first layer and after each layer."""
        dims = [input_dim]
        for layer in self.layers:
            dims.append(layer.compute_output_dim(dims[-1]))
        return dims

    def parameter_names(self, input_dim: int) -> set[str]:
        """Return the names that parameters have in their own layers, such as "weight"."""
        layers = zip(self.layers, self.compute_dims(input_dim), strict=False)
        names = (name for layer, columns in layers for name in layer.parameter_shapes(columns))
        return {own_name(name) for name in names}

    def build(self, input_dim: int) -> None:
        """Make and initialise all parameters for a number of input columns.

        Raises
        ------
        ValueError
            The model is built already for another number, a layer cannot take its input, or an
            argument of a layer becomes 0 or infinite in the model's dtype. The model is then as it
            was.
        """
        input_dim = check_int("Sequential", "input_dim", input_dim, low=1)
        with self._building:
            if not self.is_built:
                self._vector = self._build(input_dim)
        if input_dim != self.input_dim:
            raise ValueError(
                f"Sequential: built for {self.input_dim} inputs, cannot be built for {input_dim}"
            )

    def _build(self, input_dim: int) -> ParameterVector:
        """Return the parameters; until they are the model's, it may be built again."""
        dims = self.compute_dims(input_dim)[:-1]
        return assemble(self.layers, dims, self.dtype, self.entropy)

    def require_built(self) -> ParameterVector:
        """Return all parameters and gradients; raise RuntimeError if the model is not built."""
        if self._vector is None:
            advice = "give Sequential an input_dim, call build(input_dim), or fit it"
            raise RuntimeError(f"this model has no parameters yet: {advice}")
        return self._vector

    @property
    def parameters(self) -> Array:
        """All values as one live vector, in the order of `layers` and their `params`.

        Those of frozen layers are in it, too.
        """
        return self.require_built().values

    @property
    def gradients(self) -> Array:
        """The gradients of `parameters` from the last backward pass, as one live vector."""
        return self.require_built().gradients

    @property
    def has_gradients(self) -> bool:
        """Whether a backward pass has filled `gradients`; before that their zeros mean nothing."""
        return self._vector is not None and self._vector.has_gradients

    def count_params(self) -> int:
        """Return the number of `parameters`, frozen ones included."""
        return int(self.require_built().values.size)

    def summary(self) -> None:
        """Print a table of the layers, their output sizes and their numbers of parameters.

        It is at most 80 columns wide. Frozen layers are marked, and their parameters are counted
        apart. What is not known before the model is built is shown as "?".
        Of a model with an encoder, the last line names the columns of a table that it reads.
        """
        show(summarize(self.layers, self._vector, self.encoder))

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"Sequential([{layers}], input_dim={self.input_dim}, dtype='{self.dtype}')"

    def get_weights(self) -> list[Array]:
        """Return copies of all parameters and layer states, layer by layer."""
        return [array.copy() for array in self._arrays()]

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Write values from `get_weights` into the parameters and layer states.

        Raises
        ------
        ValueError
            The number of arrays or a shape differs, or an array does not consist of finite
            numbers or cannot be a state. Nothing is written then.
        """
        self.require_built()
        for layer, values in zip(self.layers, check_weights(self.layers, weights), strict=True):
            for name, array in layer.params.items():
                array[...] = values[name]
            layer.load_state({name: values[name] for name in layer.state})

    def check_weights(self, weights: Sequence[Array], what: str) -> None:
        """Raise ValueError if `weights` are none that `get_weights` returns for such a network."""
        forms = [[(a.shape, a.dtype) for a in arrays] for arrays in (weights, self._arrays())]
        if forms[0] != forms[1] or not all(np.isfinite(array).all() for array in weights):
            raise ValueError(f"{what} hold NaN or infinity, or belong to another network")
        remaining = iter(weights)
        for layer in self.layers:
            values = {name: next(remaining) for name in (*layer.params, *layer.state)}
            if layer.state:
                layer.check_state(values)

    def _arrays(self) -> list[Array]:
        self.require_built()
        return [a for layer in self.layers for a in (*layer.params.values(), *layer.state.values())]

    def random_generators(self) -> list[np.random.Generator]:
        """Return all generators that the layers draw from in training."""
        return [rng for layer in self.layers for rng in layer.random_generators()]

    @property
    def generator_states(self) -> list[dict[str, Any]]:
        """The states of `random_generators`, as plain data; they may be set."""
        return [dict(rng.bit_generator.state) for rng in self.random_generators()]

    @generator_states.setter
    def generator_states(self, states: Sequence[Mapping[str, Any]]) -> None:
        set_generators(self.random_generators(), states)

    # -- computing -----------------------------------------------------------------------------

    @property
    def stages(self) -> list[Stage]:
        """The steps that a batch takes through all layers."""
        return [stage for layer in self.layers for stage in layer.stages()]

    @property
    def last_activation(self) -> ActivationFunction | None:
        """What the network, or each member of its `Average`, ends with, if an activation."""
        last = self.stages[-1].layer
        last = last.ending or last
        return last if isinstance(last, ActivationFunction) else None

    def replicas(self) -> list[Stage]:
        """Return stages that share the parameters but have this thread's own working memory."""
        self._replicas.check()
        return self._replicas.stages()

    def renew_replicas(self) -> None:
        """Let every thread make new replicas, as the layers may have changed."""
        self._replicas.renew()

    def open_inputs(self, x: Any, expected: int | None = None) -> Source:
        """Return checked inputs, of the columns that are `expected` where that is not known yet.

        All that takes data begins here: with layers whose arguments are what they were built with.
        """
        self._replicas.check()
        is_table = False
        if self.encoder is not None and self.encoder.takes(x):
            x, is_table = self.encoder.transform(x, dtype=self.dtype), True
        source = open_source(x, input_dtype(self), "x")
        columns, expected = source.shape[1], self.input_dim or expected
        if expected not in (None, columns):
            first = self.layers[0]
            hint = " Was the label column left in x?" if columns - 1 == expected else ""
            raise DataError(
                f"{first.title}: expected input with {expected} "
                f"features, got array of shape {source.shape}.{hint}"
            )
        if not is_table:  # of which the encoder makes finite numbers, and those of its categories
            check_finite(source, "x", self.dtype)
            self._code_check.check(source)
        return source

    def _takes_as_is(self, x: Array) -> bool:
        """Tell whether rows are what `open_inputs` would hand out unchanged, if they are finite."""
        self._replicas.check()
        return (
            x.dtype == self.dtype
            and x.ndim == 2
            and x.shape[1] == self.layers[0].input_dim
            and x.size > 0
            and x.flags.c_contiguous
            and self._code_check.is_needless
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the outputs for a batch, and leave in the layers what `backward` needs.

        Parameters
        ----------
        x : array-like of shape (batch, input_dim)
            The batch.
        training : bool, default False
            Whether layers such as `Dropout` and `BatchNorm` act as in training.

        Returns
        -------
        ndarray of shape (batch, units)
            A copy, in the model's dtype.
        """
        training, source = check_bool("forward", "training", training), self.open_inputs(x)
        self.build(source.shape[1])
        return np.array(run_forward(self.stages, source.slice(0, len(source)), training))

    @explain_names
    def predict(self, x: Any, batch_size: int = EVALUATION_BATCH_SIZE) -> Array:
        """Return the outputs for all rows; safe to be called from many threads at once.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
            Inputs.
        batch_size : int, default 1024
            How many rows are computed together.

        Returns
        -------
        ndarray of shape (rows, units)
            Outputs in the model's dtype, for the caller to keep.

        Raises
        ------
        DataError
            The shape does not fit, or a value is not a finite number.
        """
        batch_size = check_int("predict", "batch_size", batch_size, low=1)
        if type(x) is np.ndarray and self._takes_as_is(x):
            result = self._replicas.predict(x, batch_size, self.jit_compile)
            if result is not None:
                return result
        source = self.open_inputs(x)
        if not self.is_built:
            self.build(source.shape[1])
        return self.compute(source, self._replicas.stages(), batch_size)

    def compute(
        self, source: Source, stages: Sequence[Stage], batch_size: int = EVALUATION_BATCH_SIZE
    ) -> Array:
        """Return as an array of its own what `stages` put out for all rows of checked inputs."""
        return self._replicas.compute(source, stages, batch_size, self.jit_compile)

    def passing(self, stages: Sequence[Stage]) -> Callable[[Array], Array]:
        """Return what sends a batch through some of `replicas`, from the first one on.

        What it returns is valid until the next batch.
        """
        return self._replicas.passing(stages, self.jit_compile)
