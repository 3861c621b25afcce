"""The one protocol: what every layer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import is_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from ffnn._types import Array, Arrays, DTypeLike, FloatDType, Shape
from ffnn.core.formulas import Formulas
from ffnn.core.generators import generator
from ffnn.core.hints import HINTS
from ffnn.core.memory import ParameterVector
from ffnn.core.operations import Value
from ffnn.core.registry import Family, family_of
from ffnn.initializers import Initializer
from ffnn.layers.reuse import Reusable
from ffnn.regularizers import Regularizer

if TYPE_CHECKING:
    from typing_extensions import Self


class Stage(NamedTuple):
    """One step of the chain: a forward and its backward.

    Most layers are one stage. `Dense` is two, its linear part and its activation, so that a loss
    may take the activation's place and work on the logits.
    """

    layer: Layer
    forward: Callable[[Array, bool], Array]
    backward: Callable[[Array], Array | None]


# Names of attributes of layers elsewhere.
_FOREIGN = (
    *("activity_regularizer", "in_features", "input_shape", "kernel", "kernel_initializer"),
    *("kernel_regularizer", "out_features", "requires_grad", "weights"),
)


class Layer(Reusable):
    """A differentiable function y = f(x) of a batch, with parameters of its own.

    A layer defines `forward` and `backward`, and, if it has parameters, their shapes and
    initializers. The rules that all of them keep:

    1. What `forward` returns is valid until the layer's next `forward`.
    2. `forward` never writes into `x`; `backward` may overwrite `grad`.
    3. `backward` overwrites `grads`; nothing is accumulated and nothing needs zeroing.
    4. `params` and `grads` are read-only mappings of live arrays: write into the arrays.
    5. What training changes besides (`state`) is written into its arrays, never rebound: threads
       that predict work on replicas, which share them.
    6. Working memory is made in `allocate`, which runs when the number of rows changes.
    7. An input that `backward` needs is kept as `x`, which `release` lets go of after a pass over
       data; a layer that keeps it elsewhere names the attribute in `borrowed`.

    Attributes
    ----------
    name : str
        Set by the model: the kind and a number, such as ``"dense_1"``.
    trainable : bool
        Whether training changes the parameters and the `state`; see there.
    input_dim, output_dim : int
        The number of columns of x and of y, once built.
    needs_input_grad : bool
        Whether `backward` has to return ∂L/∂x, from the next `forward` on; it may else return None.
        Training clears it for the first layer with parameters.
    fixed : tuple of str
        The arguments that the layer would not follow once it is built.
    takes_any_dtype : bool
        Whether the layer, standing first, reads integer rows as they are and writes floats itself.
    depends_on_batch : bool
        Whether in training a row of y depends on the other rows of the batch.
    min_batch_rows : int
        The fewest rows of a batch of which, in training, y depends on x: a batch of fewer teaches
        neither this layer nor those before it anything about x.
    is_affine : bool
        Whether y is affine in x, so that the layer adds nothing to a `Dense` next to it.
    is_scale_invariant : bool
        Whether in training y stays the same when all of x is multiplied by a positive number.
    ending : Layer or None
        Whose kind of outputs y has, if not its own.
    updates : int or None
        The number of updates made so far, of which training tells a layer where this is not None.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Layer
    >>> class Square(Layer):  # y = x²
    ...     def forward(self, x, training=False):
    ...         self.x = x
    ...         return x**2
    ...     def backward(self, grad):  # ∂L/∂x = 2 x ∂L/∂y
    ...         return 2.0 * self.x * grad
    >>> Square().build(1).forward(np.array([[3.0]])).tolist()
    [[9.0]]
    """

    hints: ClassVar[Mapping[str, str]] = {name: HINTS[name] for name in _FOREIGN} | {
        name: f"params[{name!r}]" for name in ("weight", "bias")
    }
    input_dim: int | None = None
    output_dim: int | None = None
    borrowed: ClassVar[tuple[str, ...]] = ("x",)
    fixed: ClassVar[tuple[str, ...]] = ()
    takes_any_dtype: ClassVar[bool] = False
    depends_on_batch: bool = False
    min_batch_rows: int = 1
    is_affine: ClassVar[bool] = False
    is_scale_invariant: ClassVar[bool] = False
    updates: int | None = None
    ending: Layer | None = None

    # Class-level defaults, so that a layer needs no call to a base constructor.
    _params: Arrays
    _grads: Arrays
    _needs_input_grad: bool = True
    _built_with: tuple[Any, ...] = ()
    _checked: Mapping[str, Any] | None = None  # arguments that are known to be right
    _parts: Sequence[Layer] = ()  # of these, the layers

    # -- what a layer defines ------------------------------------------------------------------

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y for a batch x of shape (batch, input_dim)."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, grad: Array) -> Array | None:
        """Fill `grads` and return ∂L/∂x from ∂L/∂y, for the batch of the last `forward`."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    def express(self, x: Value) -> Value:
        """Return y outside training as elementary operations, for other runtimes; x is a row."""
        raise NotImplementedError(f"{self.title} does not define express, which an export needs")

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return parameter name → shape for inputs with `input_dim` columns."""
        return {}

    def initializers(self) -> dict[str, Initializer]:
        """Return parameter name → the initializer that draws its initial values."""
        return {}

    def regularizers(self) -> dict[str, Regularizer]:
        """Return parameter name → its penalty, for the parameters that have one."""
        return {}

    def compute_output_dim(self, input_dim: int) -> int:
        """Return the number of columns of y for inputs with `input_dim` columns."""
        return input_dim

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of x with parameters θ."""
        return Formulas(("y = f(x)",), ("∂L/∂θ = (∂y/∂θ)ᵀ ∂L/∂y", "∂L/∂x = (∂y/∂x)ᵀ ∂L/∂y"))

    @property
    def state(self) -> Mapping[str, Array]:
        """Arrays that are saved with the model but not trained, such as moving averages."""
        return MappingProxyType({})

    def load_state(self, values: Mapping[str, Array]) -> None:
        """Restore saved arrays of the names and shapes of `state`."""
        for name, array in self.state.items():
            array[...] = values[name]

    def check_state(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError if `values`, of the names and shapes of `state`, cannot be a state.

        The message begins with the name of the array that is wrong.
        """

    def check_update(self) -> None:
        """Raise FloatingPointError if `state` cannot follow the last training batch.

        Called for layers with a state before the optimizer's update, which is then not made.
        """

    def update_state(self) -> None:
        """Update `state` from the last training batch; called after the optimizer's update."""

    def random_generators(self) -> list[np.random.Generator]:
        """Return the generators that `forward` draws from in training."""
        return []

    def stages(self) -> list[Stage]:
        """Return the steps that a batch takes through this layer."""
        return [Stage(self, self.forward, self.backward)]

    def watch_inside(self, before: Callable[[Stage, str, Array], None]) -> None:
        """Call `before`, as `tap` does, in the steps of the layers that this one consists of."""

    # -- what all layers share -----------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its kind and a number, such as ``"dense_1"``, by which a model keeps it; else ""."""
        name: str = self.__dict__.get("name", "")
        return name

    @name.setter
    def name(self, value: str) -> None:
        raise AttributeError(
            f"{self.title}: name cannot be set; a model names its layers by kind and number"
        )

    @property
    def title(self) -> str:
        """Its class and, if it has one, its name, as in ``Dense 'dense_1'``."""
        return f"{type(self).__name__} {self.name!r}" if self.name else type(self).__name__

    @property
    def params(self) -> Mapping[str, Array]:
        """Parameter name → its live values."""
        return MappingProxyType(self.__dict__.get("_params", {}))

    @property
    def grads(self) -> Mapping[str, Array]:
        """Parameter name → ∂L/∂parameter of the last backward pass."""
        return MappingProxyType(self.__dict__.get("_grads", {}))

    @property
    def needs_input_grad(self) -> bool:
        """Whether `backward` has to return ∂L/∂x."""
        return self._needs_input_grad

    @needs_input_grad.setter
    def needs_input_grad(self, value: bool) -> None:
        self._needs_input_grad = value
        self.discard()  # there may be no memory for it

    @property
    def is_built(self) -> bool:
        """Whether the layer knows its sizes and has its parameters."""
        return self.input_dim is not None

    @property
    def is_dense(self) -> bool:
        """Whether the layer has a weight matrix, with a row for each of its units."""
        weight = self.params.get("weight")
        return weight is not None and weight.ndim == 2

    @property
    def weight_factor(self) -> float:
        """What the weight matrix is multiplied by where it is used."""
        return 1.0

    def build(
        self, input_dim: int, *, dtype: DTypeLike = "float32", seed: int | None = None
    ) -> Self:
        """Create the parameters of a layer that stands alone, and return the layer.

        A model does this for its layers.

        Parameters
        ----------
        input_dim : int
            The number of columns of x.
        dtype : dtype, default "float32"
            Of parameters and results.
        seed : int, optional
            Makes the initial values repeatable.
        """
        self.check_numbers(dtype, self.title)
        vector = ParameterVector([self.parameter_shapes(input_dim)], dtype, [type(self).__name__])
        (values,), (grads,) = vector.views(vector.values), vector.views(vector.gradients)
        self.initialize(values, input_dim, np.random.SeedSequence(seed).entropy, 0)
        self.bind(input_dim, np.dtype(dtype), values, grads)
        return self

    def initialize(
        self, values: Mapping[str, Array], input_dim: int, entropy: Any, index: int
    ) -> None:
        """Draw initial values for the parameters that `bind` will hand over.

        `entropy` is the model's, for initializers that have no seed of their own. The layer's
        `index` in the model enters every draw, so that two layers never get the same numbers, and a
        layer that is appended leaves the earlier ones as they are.
        """
        output_dim = self.compute_output_dim(input_dim)
        for number, (name, initializer) in enumerate(self.initializers().items()):
            own_seed = getattr(initializer, "seed", None)
            rng = generator(entropy if own_seed is None else own_seed, index, number)
            with np.errstate(over="ignore", invalid="ignore"):
                initializer.fill(values[name], input_dim, output_dim, rng)
            if not np.isfinite(values[name]).all():
                raise ValueError(
                    f"{self.title}: the initial {name} by {initializer!r} is not finite in "
                    f"{values[name].dtype}; give another initializer"
                )

    def bind(self, input_dim: int, dtype: FloatDType, values: Arrays, grads: Arrays) -> None:
        """Set the sizes, and use `values` and `grads` as this layer's arrays."""
        self.input_dim = input_dim
        self.output_dim = self.compute_output_dim(input_dim)
        self.dtype, self._params, self._grads = dtype, values, grads
        self._built_with = tuple(getattr(self, name) for name in self.fixed)
        self.discard()

    @classmethod
    def watch_arguments(cls) -> None:
        """Leave them alone: training begins with `check_arguments` and `check_unchanged`."""

    def check_arguments(self) -> None:
        """Raise what the constructor does if an argument, perhaps one that was set later, is wrong.

        It is made again where an argument is another object than at the last call, if its class is
        one of the library, whose constructors check them.
        """
        known = self._checked
        if known is None or not all(map(is_, map(self.__dict__.get, known), known.values())):
            self._checked = self._try_arguments()
        for part in self._parts:
            part.check_arguments()

    def _try_arguments(self) -> dict[str, Any]:
        """Call the constructor with the arguments as they are, and return them."""
        is_ours = family_of(self).is_registered(type(self))
        arguments = self.get_config() if is_ours else {}
        if is_ours:
            type(self)(**arguments)
        self._parts = [value for value in arguments.values() if isinstance(value, Layer)]
        return arguments

    def check_unchanged(self) -> None:
        """Raise ValueError if an argument that is `fixed` was set after the layer was built."""
        for name, built_with in zip(self.fixed, self._built_with, strict=True):
            value = getattr(self, name)
            if value is not built_with and value != built_with:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r}: {name} was changed after the layer was "
                    f"built, which does not follow; make a new model"
                )

    def explain_absence(self, name: str) -> str:
        """Return what to say of an attribute that is not set, such as what `forward` makes."""
        advice = super().explain_absence(name)
        if not advice and (not self.is_built or self.rows < 0 or name in self.borrowed):
            advice = ": build a layer that stands alone, and call forward before backward"
        return advice


LAYERS: Family[Layer] = Family("layer", Layer, __package__)
