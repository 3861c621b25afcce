"""The cross-entropy of one class out of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.activations import ActivationFunction, Softmax
from ffnn.core.formulas import Formulas
from ffnn.data import targets
from ffnn.losses.base import LOSSES, Loss, describe_ending

if TYPE_CHECKING:
    from ffnn._types import Array


@LOSSES.register("categorical_crossentropy", "cce")
class CategoricalCrossentropy(Loss):
    """Cross-entropy of one class out of several, L = -1/n Σ_i w_i Σ_j y_ij log p_ij.

    ∂L/∂p_ij = -w_i y_ij / (n p_ij). Targets are one-hot rows, rows of probabilities ("soft"), or
    class numbers from 0 to units - 1. The network has to end in a softmax of at least two units;
    the loss is then computed from the logits (`SoftmaxCrossentropy`). By itself it takes
    probabilities, with p kept above the smallest normal number in the logarithm.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    formulas = Formulas(("L = -1/n Σ w ∘ y ∘ log p",), ("∂L/∂p = -1/n w ∘ y / p",))
    task = "classes"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the network ends in a softmax."""
        if not isinstance(activation, Softmax):
            raise ValueError(
                f"{LOSSES.name_of(self)} needs a network that ends in a softmax, but it ends in "
                f"{describe_ending(activation)}. Let the last layer have activation='softmax'."
            )

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a softmax."""
        return SoftmaxCrossentropy() if type(activation) is Softmax else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check labels, one-hot or soft rows."""
        return targets.prepare_classes(y, units)

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean of -log p of the right class."""
        y = self._like("y", output)
        self._fill_rows(y, target)
        self._remember(output, y, weight)
        logs = np.log(self._probabilities(), out=self._like("logs", output))
        logs *= y
        rows = np.add.reduce(logs, axis=1, out=self._buffer("rows", (len(y),), y.dtype))
        total = np.add.reduce(rows) if weight is None else np.dot(rows, weight)
        return -float(total) / len(rows)

    def backward(self) -> Array:
        """Return -w_i y_ij / (n p_ij)."""
        grad = np.divide(self.target, self._probabilities(), out=self._like("grad", self.target))
        return self._weigh_rows(grad, -1.0 / len(grad))

    def _probabilities(self) -> Array:
        tiny = float(np.finfo(self.output.dtype).tiny)
        return np.maximum(self.output, tiny, out=self._like("p", self.output))


@LOSSES.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """`CategoricalCrossentropy` for class numbers alone: L = -1/n Σ_i w_i log p_i,c(i)."""

    formulas = CategoricalCrossentropy.formulas

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are whole numbers from 0 to units - 1."""
        return targets.prepare_labels(y, units)


class _LogitsMemory(NamedTuple):
    """A batch of logits and working memory for it; ``_t`` marks a transpose, (units, batch).

    Working memory lies column by column, so the transposes are contiguous.
    """

    logits: Array
    logits_t: Array
    z_t: Array
    p: Array
    p_t: Array
    y: Array
    row: Array  # (batch,)
    flat_z: Array  # z and y as vectors, in the order in which they lie
    flat_y: Array
    ones: Array  # (batch,): a product with it sums over the batch


class SoftmaxCrossentropy(Loss):
    """Softmax and categorical cross-entropy in one, on logits z.

    L = 1/n Σ_i w_i (log Σ_k e^(z_ik) - Σ_j y_ij z_ij),    ∂L/∂z_ij = w_i (p_ij - y_ij) / n,

    with p the softmax of z and Σ_j y_ij = 1. The row's maximum is subtracted from z first, so both
    are finite and exact, however far apart the logits are (in float32, up to 3e38).
    """

    formulas = Formulas(
        forward=("L = 1/n Σ w ∘ (log Σ_units e^z - Σ_units y ∘ z)",),
        backward=("∂L/∂z = w ∘ (p - y) / n",),
    )
    task = "classes"
    _batch: _LogitsMemory | None = None

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError: after any activation the loss would be another one."""
        raise ValueError("give loss='categorical_crossentropy'; after a softmax it works on logits")

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return L from logits; `output` becomes the probabilities."""
        memory = self._batch
        if memory is None or memory.logits is not output:
            memory = self._batch = self._prepare(output)
        _, logits_t, z_t, p, p_t, y, row, flat_z, flat_y, ones = memory
        np.maximum.reduce(logits_t, axis=0, out=row)
        np.subtract(logits_t, row, z_t)
        np.exp(z_t, p_t)
        np.add.reduce(p_t, axis=0, out=row)
        np.divide(p_t, row, p_t)
        self._fill_rows(y, target)
        self._remember(p, y, weight)
        np.log(row, row)
        if weight is None:
            return float(row.dot(ones) - flat_z.dot(flat_y)) / len(row)
        z_t *= y.T
        row -= np.add.reduce(z_t, axis=0, out=self._buffer("right", row.shape, row.dtype))
        return float(row.dot(weight)) / len(row)

    def backward(self) -> Array:
        """Return w_i (p_ij - y_ij) / n."""
        grad = self.output
        grad -= self.target
        return self._weigh_rows(grad, 1.0 / len(grad))

    def _prepare(self, logits: Array) -> _LogitsMemory:
        """Return working memory for a batch; it serves again while `logits` are the same array."""
        z, p, y = (self._like(key, logits) for key in ("z", "p", "y"))
        row, ones = (self._buffer(key, (len(logits),), logits.dtype) for key in ("row", "ones"))
        ones.fill(1.0)
        flat = z.ravel("K"), y.ravel("K")
        return _LogitsMemory(logits, logits.T, z.T, p, p.T, y, row, *flat, ones)
