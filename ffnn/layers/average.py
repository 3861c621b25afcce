"""The mean of several networks, as one layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ffnn._types import Array, Arrays, DTypeLike, FloatDType, Shape
from ffnn.core.checks import check_bool, check_items
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.initializers import Initializer
from ffnn.layers.base import LAYERS, Layer, Stage
from ffnn.layers.chain import name_layers, run_backward, run_forward, tap
from ffnn.layers.members import copied, first_with_params, of_layer
from ffnn.regularizers import Regularizer

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


@LAYERS.register("average")
class Average(Layer):
    """The mean of what K chains of layers make of x: y = 1/K Σ_k f_k(x).

    x is (batch, inputs), y and each member's f_k(x) are (batch, outputs). Backpropagation through
    member k begins with 1/K ∂L/∂y, and fills the gradients of its layers;

        ∂L/∂x = Σ_k (∂f_k/∂x)ᵀ 1/K ∂L/∂y.

    An ensemble is so one network: of classifiers that end with a softmax, it averages the
    probabilities. Parameters are called by their member and their layer there, such as
    ``"member_2.dense_1.weight"``.

    Parameters
    ----------
    members : sequence of sequences of Layer
        The chains, each of at least one layer. Their settings and what they have adapted to are
        copied, not their parameters. Each of these layers may be frozen by itself.

    Raises
    ------
    TypeError, ValueError
        There is no member, one is empty or has something else than layers; at `build`, if the
        members' outputs are of different widths.

    References
    ----------
    Hansen, Salamon, "Neural network ensembles", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 1990. Breiman, "Bagging predictors", Machine Learning 1996, section 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Average, Dense
    >>> ones, zeros = (Dense(1, weight_initializer=each) for each in ("ones", "zeros"))
    >>> layer = Average([[ones], [zeros]]).build(2)
    >>> layer.forward(np.array([[1.0, 3.0]], "float32")).tolist()  # the mean of 4 and 0
    [[2.0]]
    """

    fixed = ("members",)
    kept: ClassVar[Mapping[str, Any]] = {}  # the layers of the members keep theirs
    formulas = Formulas(
        forward=("y = mean_members(f(x))",),
        backward=("∂L/∂f = ∂L/∂y / K", "∂L/∂x = Σ (∂f/∂x)ᵀ ∂L/∂f"),
        where={"K": "num_members"},
    )

    def __init__(self, members: Sequence[Sequence[Layer]]) -> None:
        chains = check_items("Average", "members", members)
        self.members = tuple(copied(index, chain) for index, chain in enumerate(chains))
        if not self.members:
            raise ValueError("Average: expected at least one member, got members=[]")
        endings = [chain[-1].stages()[-1].layer for chain in self.members]
        if len(set(map(repr, endings))) == 1:  # such as softmax: the mean is of probabilities, too
            self.ending = endings[0]
        self._watch: tuple[Callable[[Stage, str, Array], None], ...] = ()

    @property
    def num_members(self) -> int:
        """K, how many members there are."""
        return len(self.members)

    @property
    def depends_on_batch(self) -> bool:  # type: ignore[override]
        """Whether a layer of a member does."""
        return any(layer.depends_on_batch for _, layer in self.named_layers())

    @property
    def min_batch_rows(self) -> int:  # type: ignore[override]
        """The most that a layer of a member needs."""
        return max(layer.min_batch_rows for _, layer in self.named_layers())

    @property
    def trainable(self) -> bool:
        """Whether training changes a layer of a member; setting it sets it on all of them."""
        return any(layer.trainable for _, layer in self.named_layers())

    @trainable.setter
    def trainable(self, value: bool) -> None:
        check_bool(self.title, "trainable", value)
        for _, layer in self.named_layers():
            layer.trainable = value

    @property
    def frozen(self) -> Collection[str]:
        """The names of all parameters that training leaves as they are."""
        return self._collect(lambda layer: dict.fromkeys(layer.frozen)).keys()

    def freeze(self, names: Collection[str]) -> None:
        """Have the parameters of these names frozen, and no others."""
        for place, layer in self.named_layers():
            layer.freeze(of_layer(place, dict.fromkeys(names)))

    # -- the layers of the members -------------------------------------------------------------

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Yield all layers with their names, such as ``"member_1.dense_2"``."""
        for number, chain in enumerate(self.members, start=1):
            for name, layer in zip(name_layers(chain), chain, strict=True):
                yield f"member_{number}.{name}", layer

    def _layers_with_dims(self, input_dim: int) -> Iterator[tuple[str, Layer, int]]:
        """Yield all layers with their names and the numbers of their inputs."""
        names = self.named_layers()
        for chain in self.members:
            dim = input_dim
            for layer in chain:
                yield next(names)[0], layer, dim
                dim = layer.compute_output_dim(dim)

    def _collect(self, members_of: Callable[[Layer], Mapping[str, T]]) -> dict[str, T]:
        """Return what all layers have by name, such as parameters, under their whole names."""
        return {
            f"{place}.{name}": value
            for place, layer in self.named_layers()
            for name, value in members_of(layer).items()
        }

    def take_name(self, name: str) -> None:
        """Have the name that a model gives, and give the layers theirs."""
        super().take_name(name)
        for place, layer in self.named_layers():
            layer.take_name(f"{name}.{place}" if name else "")

    def compute_output_dim(self, input_dim: int) -> int:
        """Return the number of the members' outputs, which must be the same."""
        dims = []
        for chain in self.members:
            dim = input_dim
            for layer in chain:
                dim = layer.compute_output_dim(dim)
            dims.append(dim)
        if len(set(dims)) > 1:
            raise ValueError(
                f"{self.title}: expected members with as many outputs as one another, got {dims}"
            )
        return dims[0]

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shapes of all layers' parameters."""
        return {
            f"{place}.{name}": shape
            for place, layer, dim in self._layers_with_dims(input_dim)
            for name, shape in layer.parameter_shapes(dim).items()
        }

    def initializers(self) -> dict[str, Initializer]:
        """Return the initializers of all layers' parameters."""
        return self._collect(lambda layer: layer.initializers())

    def regularizers(self) -> dict[str, Regularizer]:
        """Return the penalties on all layers' parameters."""
        return self._collect(lambda layer: layer.regularizers())

    def initialize(
        self, values: Mapping[str, Array], input_dim: int, entropy: Any, index: int
    ) -> None:
        """Draw the initial values of each layer, all from places of their own."""
        layers = self._layers_with_dims(input_dim)
        for number, (place, layer, dim) in enumerate(layers, start=1):
            layer.initialize(of_layer(place, values), dim, entropy, (number << 32) + index)

    def bind(self, input_dim: int, dtype: FloatDType, values: Arrays, grads: Arrays) -> None:
        """Set the sizes, and give each layer its arrays."""
        super().bind(input_dim, dtype, values, grads)
        for place, layer, dim in self._layers_with_dims(input_dim):
            layer.bind(dim, dtype, of_layer(place, values), of_layer(place, grads))

    @property
    def state(self) -> Mapping[str, Array]:
        """The states of all layers."""
        return MappingProxyType(self._collect(lambda layer: layer.state))

    def load_state(self, values: Mapping[str, Array]) -> None:
        """Restore the states of the layers."""
        for place, layer in self.named_layers():
            if own := of_layer(place, values):
                layer.load_state(own)

    def check_state(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError if one of the states cannot be one."""
        for place, layer in self.named_layers():
            try:
                layer.check_state(of_layer(place, values))
            except ValueError as error:
                raise ValueError(f"{place}.{error}") from error

    def check_update(self) -> None:
        """Raise FloatingPointError if a state cannot follow the last training batch."""
        for _, layer in self.named_layers():
            if layer.state and layer.trainable:
                layer.check_update()

    def update_state(self) -> None:
        """Update the states from the last training batch."""
        for _, layer in self.named_layers():
            if layer.state and layer.trainable:
                layer.update_state()

    def random_generators(self) -> list[np.random.Generator]:
        """Return the generators of all layers."""
        return [rng for _, layer in self.named_layers() for rng in layer.random_generators()]

    @property
    def updates(self) -> int | None:
        """The number of updates made so far, if a layer follows it."""
        counts = (layer.updates for _, layer in self.named_layers())
        return next((count for count in counts if count is not None), None)

    @updates.setter
    def updates(self, count: int | None) -> None:
        for _, layer in self.named_layers():
            if layer.updates is not None:
                layer.updates = count

    def check_numbers(self, dtype: DTypeLike, owner: str) -> None:
        """Raise ValueError if a number of a layer is lost in `dtype`."""
        for place, layer in self.named_layers():
            layer.check_numbers(dtype, f"{owner}: {place}")

    def check_arguments(self) -> None:
        """Raise what a constructor does if an argument is wrong."""
        super().check_arguments()
        for _, layer in self.named_layers():
            layer.check_arguments()

    def check_unchanged(self) -> None:
        """Raise ValueError if an argument was set that a built layer does not follow."""
        super().check_unchanged()
        for _, layer in self.named_layers():
            layer.check_unchanged()

    # -- computing -----------------------------------------------------------------------------

    def watch_inside(self, before: Callable[[Stage, str, Array], None]) -> None:
        """Tell `before` of the batches that the layers of the members get, too."""
        self._watch = (before,)
        self.discard()

    def allocate(self, rows: int) -> None:
        """Allocate y, what each member gets of ∂L/∂y, and ∂L/∂x; order the members' stages."""
        super().allocate(rows)
        self.y = self.buffer("y", self.output_dim)
        self.share = self.buffer("share", self.output_dim)
        if self.needs_input_grad:
            self.dx = self.buffer("dx", self.input_dim)
        self.chains = []
        for chain in self.members:
            first = 0 if self.needs_input_grad else first_with_params(chain)
            for layer in chain:
                layer.needs_input_grad = layer is not chain[first] or self.needs_input_grad
            forward = [stage for layer in chain for stage in layer.stages()]
            backward = [stage for layer in chain[first:] for stage in layer.stages()][::-1]
            self.chains.append((tap(forward, *self._watch) if self._watch else forward, backward))

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return 1/K Σ_k f_k(x)."""
        if len(x) != self.rows:
            self.allocate(len(x))
        self.y.fill(0.0)
        for stages, _ in self.chains:
            self.y += run_forward(stages, x, training)
        self.y *= 1.0 / self.num_members
        return self.y

    def express(self, x: Value) -> Value:
        """Return the mean of the members' outputs."""
        outputs = list[Value]()
        for chain in self.members:
            value = x
            for layer in chain:
                value = layer.express(value)
            outputs.append(value)
        total = outputs[0]
        for output in outputs[1:]:
            total = total + output
        return total / float(self.num_members)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of all layers and return ∂L/∂x."""
        if self.needs_input_grad:
            self.dx.fill(0.0)
        for _, stages in self.chains:
            np.multiply(grad, 1.0 / self.num_members, out=self.share)
            dx = run_backward(stages, self.share)
            if dx is not None and self.needs_input_grad:
                self.dx += dx
        return self.dx if self.needs_input_grad else None

    def release(self) -> None:
        """Drop the batch, the layers' too."""
        super().release()
        for _, layer in self.named_layers():
            for stage in layer.stages():
                stage.layer.release()

    def replica(self) -> Self:
        """Return one whose layers share parameters and state, with working memory of their own."""
        twin = super().replica()
        copies = tuple(tuple(layer.replica() for layer in chain) for chain in self.members)
        vars(twin)["members"] = copies
        return twin

    __copy__ = replica
