"""What `LayerNorm` and `BatchNorm` write into a program."""

from __future__ import annotations

from typing import ClassVar

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.parts import Writer, writes
from ffnn.kernels.chains.program import Program
from ffnn.layers import BatchNorm, LayerNorm
from ffnn.layers.standardization import Standardization

# Far below the squares and sums that overflow, from which on the layers take another way.
SAFE = {"f": 1e35, "d": 1e299}


class NormWriter(Writer):
    """What both share. Batches with numbers whose squares may overflow are refused."""

    part: Standardization
    reads: ClassVar[tuple[str, ...]] = ("epsilon",)

    def begin(self, program: Program, x: Array) -> None:
        """Have the arrays for a batch; LookupError says that it does not lie column by column."""
        if not x.flags.f_contiguous:
            raise LookupError("x lies row by row")
        program.guard(x)
        names = ("x_hat", "y", "product")
        self.x_hat, self.y, self.product = (
            program.array(f"{self.name} {name}", x.shape[1]) for name in names
        )

    def fill_gradients(self, program: Program, grad: Array) -> None:
        """Write ∂L/∂γ = Σ ∂L/∂y x̂ and ∂L/∂β = Σ ∂L/∂y."""
        grads = self.part.grads
        program.add(Code.MULTIPLY, *grad.T.shape, self.x_hat, grad, self.product)
        program.sum_units(self.product, grads["gamma"])
        program.sum_units(grad, grads["beta"])


@writes(LayerNorm)
class LayerNormWriter(NormWriter):
    """`LayerNorm`."""

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = γ x̂ + β, by the mean and the variance of each row."""
        self.begin(program, x)
        params, row = self.part.params, program.array("row")
        self.std = program.array(f"{self.name} std")
        arrays = x, params["gamma"], params["beta"], self.x_hat, self.y, row, self.std
        program.add(Code.LAYER_NORM, *x.T.shape, *arrays, numbers=(self.part.epsilon,))
        return self.y

    def predict(self, program: Program, x: Array) -> Array:
        """Write the same; LookupError says that NumPy adds a single row in another order."""
        if program.rows == 1:
            raise LookupError("a single row")
        return self.forward(program, x)

    def backward(self, program: Program, grad: Array) -> Array:
        """Write (g - mean(g) - x̂ mean(g x̂)) / σ, with g = grad γ, in place of grad."""
        self.fill_gradients(program, grad)
        means = (program.array(f"mean {name}") for name in ("g", "g x_hat"))
        arrays = self.x_hat, self.std, self.part.params["gamma"], grad, *means
        program.add(Code.LAYER_NORM_BACK, *grad.T.shape, *arrays)
        return grad


@writes(BatchNorm)
class BatchNormWriter(NormWriter):
    """`BatchNorm`, whose moving averages follow each batch of a training."""

    part: BatchNorm
    reads = "epsilon", "momentum"
    follows = True

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = γ x̂ + β, by the mean and the variance of each unit."""
        if not self.part.depends_on_batch:
            raise LookupError("it is frozen, and goes by its averages")
        self.begin(program, x)
        shape, params = x.T.shape, self.part.params
        self.mean, self.variance, self.std, self.mean_g, self.mean_product = (
            program.memory.get(f"{self.name} {i}", (x.shape[1],), program.dtype) for i in range(5)
        )
        program.mean_units(x, self.mean)
        program.add(Code.CENTER_UNITS, *shape, x, self.mean, self.x_hat, self.product)
        program.mean_units(self.product, self.variance)
        arrays = self.x_hat, self.variance, self.std, params["gamma"], params["beta"], self.y
        program.add(Code.DIVIDE_UNITS, *shape, *arrays, numbers=(self.part.epsilon,))
        return self.y

    def predict(self, program: Program, x: Array) -> Array:
        """Write y = γ x̂ + β, by the moving averages."""
        y, part = program.beside(x, f"{self.name} y"), self.part
        arrays = part.moving_mean, part.moving_variance, part.params["gamma"], part.params["beta"]
        numbers = (part.epsilon,)
        program.add(Code.STANDARDIZE_UNITS, *x.T.shape, x, *arrays, y, numbers=numbers)
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write (g - mean(g) - x̂ mean(g x̂)) / σ, with g = grad γ, in place of grad."""
        self.fill_gradients(program, grad)
        shape, gamma = grad.T.shape, self.part.params["gamma"]
        program.add(Code.WEIGH_UNITS, *shape, self.x_hat, gamma, grad, self.product)
        program.mean_units(grad, self.mean_g)
        program.mean_units(self.product, self.mean_product)
        arrays = self.x_hat, self.std, self.mean_g, self.mean_product, grad
        program.add(Code.UNITS_BACK, *shape, *arrays)
        return grad

    def follow(self, program: Program) -> None:
        """Write what moves the averages towards the batch."""
        part = self.part
        numbers = part.momentum, 1.0 - part.momentum
        for moving, batch in (
            (part.moving_mean, self.mean),
            (part.moving_variance, self.variance),
        ):
            program.add(Code.FOLLOW, moving.size, 1, moving, batch, numbers=numbers)

    def tell(self) -> None:
        """Tell the layer what its averages are to follow."""
        self.part.take_statistics(self.mean, self.variance)
