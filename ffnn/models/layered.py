"""`Layered`: layers one after another and their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array, FloatDType
from ffnn.core.checks import check_choice, check_int, check_items, check_seed
from ffnn.core.console import show
from ffnn.core.hints import Guarded
from ffnn.core.locks import ForkSafeLock
from ffnn.core.memory import ParameterVector
from ffnn.layers.base import Layer
from ffnn.models.assembly import assemble, free_layers, take_layers
from ffnn.models.names import Named
from ffnn.models.summary import summarize
from ffnn.models.weights import check_weights
from ffnn.optimizers.groups import own_name
from ffnn.saving.schema import set_generators


class Layered(Named, Guarded):
    """Layers one after another, built together, with their values in one vector.

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

        Examples
        --------
        >>> later = ffnn.Sequential([Dense(32, "relu"), Dense(10, "softmax")])
        >>> later.build(64)
        >>> later.output_dim
        10
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
        """Return the number of `parameters`, frozen ones included.

        Examples
        --------
        >>> model.count_params()  # 32 · 64 + 32 + 10 · 32 + 10
        2410
        """
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
        """Return copies of all parameters and layer states, layer by layer.

        Examples
        --------
        >>> [array.shape for array in model.get_weights()]
        [(32, 64), (32,), (10, 32), (10,)]
        """
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
