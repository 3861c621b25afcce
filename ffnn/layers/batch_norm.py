"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ffnn._types import Array, Arrays, FloatDType
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.memory import aligned_full
from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS
from ffnn.layers.standardization import Standardization, standardization

_AVERAGES = {"M": "state.moving_mean", "V": "state.moving_variance"}
_OF_BATCH = standardization(
    "mean_rows",
    update=("M ← ρ M + (1 - ρ) μ", "V ← ρ V + (1 - ρ) v"),
    ρ="momentum",
    **_AVERAGES,
)
_OF_AVERAGES = Formulas(
    forward=("σ = √(V + ε)", "x̂ = (x - M) / σ", "y = γ ∘ x̂ + β"),
    backward=(*_OF_BATCH.backward[:2], "∂L/∂x = ∂L/∂y ∘ γ / σ"),
    where={"ε": "epsilon", "σ": "std", "x̂": "x_hat", **_AVERAGES},
)


@LAYERS.register("batch_norm")
class BatchNorm(Standardization):
    """Standardise each unit over the batch: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    In training μ and the (population) variance are the batch's. With g = ∂L/∂y ∘ γ and means over
    the batch:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.

    After each training step the moving averages follow: m ← momentum · m + (1 - momentum) · batch.
    Outside training they stand for μ and the variance, and ∂L/∂x = g / σ. A variance beyond half
    the largest number of the dtype, 1.7e38 in float32, cannot be followed, and training stops
    before the update. A batch of one row is its own mean and gives y = β whatever x is, so nothing
    is learned from such batches; `fit` warns of them. Rows of weight 0 are not part of a batch.

    While it is frozen (``trainable = False``), the moving averages stand still and are used in
    training as well, as in Keras: what the layers behind it were trained on, and what they get in
    predictions, are outputs by these averages, which a batch of new data would shift.

    Parameters
    ----------
    momentum : float, default 0.99
        How slowly the moving averages follow, in [0, 1).
    epsilon : float, default 1e-3
        ε above, greater than 0.

    Raises
    ------
    TypeError, ValueError
        `momentum` or `epsilon` is out of its range.

    References
    ----------
    Ioffe, Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015, algorithm 1 and the equations of section 3. Where algorithm 2 takes
    the unbiased variance n / (n - 1) for inference, this layer, as Keras does, follows the
    population variance.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import BatchNorm
    >>> layer = BatchNorm().build(2, dtype="float64")
    >>> layer.forward(np.array([[3.0, 4.0]])).round(4).tolist()
    [[2.9985, 3.998]]
    """

    axis = 0
    _is_of_batch = False  # whether the last forward took μ and the variance from the batch

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        self.momentum = check_number(
            "BatchNorm", "momentum", momentum, low=0.0, high=1.0, high_open=True
        )
        super().__init__(epsilon)

    @property
    def formulas(self) -> Formulas:
        """Those of training, in which a frozen layer goes by its averages."""
        return _OF_BATCH if self.trainable else _OF_AVERAGES

    @property
    def depends_on_batch(self) -> bool:  # type: ignore[override]
        """Whether in training a row of y depends on the others; not while it is frozen."""
        return self.trainable

    @property
    def min_batch_rows(self) -> int:  # type: ignore[override]
        """2, as a single row is its own mean: x̂ = 0; 1 while it is frozen."""
        return 2 if self.trainable else 1

    def bind(self, input_dim: int, dtype: FloatDType, values: Arrays, grads: Arrays) -> None:
        """Set the sizes and arrays; the moving averages start at 0 and 1."""
        super().bind(input_dim, dtype, values, grads)
        self.moving_mean = aligned_full(input_dim, dtype, 0.0)
        self.moving_variance = aligned_full(input_dim, dtype, 1.0)

    @property
    def state(self) -> Mapping[str, Array]:
        """The ``moving_mean`` and ``moving_variance``, each of shape (input_dim,)."""
        names = ("moving_mean", "moving_variance") if self.is_built else ()
        return MappingProxyType({name: getattr(self, name) for name in names})

    def check_state(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError if a moving variance is negative."""
        if (values["moving_variance"] < 0.0).any():
            raise ValueError("moving_variance: expected a variance, got a negative number")

    def check_update(self) -> None:
        """Raise FloatingPointError if the last batch's variance is too large for a number."""
        if self.is_cut_off:
            raise FloatingPointError(
                f"the variance of the inputs of {self.title} became too large to be kept in "
                f"{self.dtype} for predictions"
            )

    def update_state(self) -> None:
        """Move the averages towards the last training batch, if its statistics were taken."""
        if not self._is_of_batch:  # it was frozen since the step began
            return
        share = self.array("share", self.input_dim)
        for moving, batch in ((self.moving_mean, self.mean), (self.moving_variance, self.variance)):
            np.multiply(moving, self.momentum, out=moving)
            np.multiply(batch[0], 1.0 - self.momentum, out=share)
            np.add(moving, share, out=moving)

    def take_statistics(self, mean: Array, variance: Array) -> None:
        """Have `update_state` follow a training batch whose statistics were computed elsewhere.

        Both are of shape (input_dim,).
        """
        self._is_of_batch, self.is_cut_off = True, False
        for name, given in (("mean", mean), ("variance", variance)):
            own = self.array(name, 1, self.input_dim)
            np.copyto(own[0], given)
            setattr(self, name, own)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x̂ + β, by the batch's statistics in training, else by the moving ones."""
        self._is_of_batch = training and self.trainable
        if self._is_of_batch:
            return super().forward(x, training)
        if len(x) != self.rows:
            self.allocate(len(x))
        np.add(self.moving_variance, self.epsilon, out=self.std)
        np.sqrt(self.std, out=self.std)
        np.subtract(x, self.moving_mean, out=self.x_hat)
        self.x_hat /= self.std
        return self.scale_and_shift()

    def express(self, x: Value) -> Value:
        """Return γ ∘ x̂ + β by the moving averages."""
        std = (x.same(self.moving_variance) + self.epsilon).sqrt()
        return (x - self.moving_mean) / std * self.params["gamma"] + self.params["beta"]

    def backward(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return ∂L/∂x."""
        if self._is_of_batch:
            return super().backward(grad)
        g = self.fill_gradients(grad)
        g /= self.std
        return g
