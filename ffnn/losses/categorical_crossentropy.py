"""The cross-entropy of one class out of several."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Softmax
from ffnn.core.formulas import Formulas
from ffnn.core.sums import dot_over
from ffnn.data import targets
from ffnn.losses.base import LOSSES, Loss, wrong_ending
from ffnn.losses.smoothing import NOTE, check_smoothing

# Up to so many, one-hot columns are gathered, which is two to five times as fast as comparing.
_FEW_CLASSES = 64


class ClassLoss(Loss):
    """What losses on classes share: targets become one-hot or soft rows y, a batch at a time."""

    task = "classes"
    one_hot: Array | None

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = check_smoothing(type(self).__name__, label_smoothing)

    def prepare(self, y: Array, units: int) -> Array:
        """Check labels, one-hot or soft rows."""
        return targets.prepare_classes(y, units, LOSSES.name_of(self))

    def allocate(self, rows: int) -> None:
        """Allocate p and y, and room for sums over the units; ``_t`` marks a transpose."""
        super().allocate(rows)
        self.p, self.y, self.row = self.like("p"), self.like("y"), self.buffer("row")
        self.p_t, self.y_t = self.p.T, self.y.T
        units = self.y.shape[1]
        self.classes, self.one_hot = self.counting("classes", units)[:, None], None
        if units <= _FEW_CLASSES:
            self.one_hot = self.array("one-hot", units, units).T
            np.equal(self.classes, self.classes.T, out=self.one_hot)
            self._smooth(self.one_hot)
        self.share, self.dot = self.scalar(1.0 / rows), dot_over(rows)

    def fill_rows(self, target: Array) -> None:
        """Write rows or class numbers into y."""
        if target.ndim == 1 and self.one_hot is not None:
            self.one_hot.take(target, 1, self.y_t, "clip")  # "raise" would copy
            return
        if target.ndim == 2:
            np.copyto(self.y, target)
        else:
            np.equal(target, self.classes, out=self.y_t)
        self._smooth(self.y)

    def _smooth(self, y: Array) -> None:
        """Turn y into (1 - s) y + s / units."""
        if self.label_smoothing:
            y *= 1.0 - self.label_smoothing
            y += self.label_smoothing / len(self.classes)

    def _weighted_sum(self, values: Array, weight: Array) -> float:
        """Return Σ_i w_i · values_i of a vector of rows."""
        self.absent, total = None, float(self.dot(values, weight))
        if math.isfinite(total):
            return total
        self._leave_absent_out(values, weight)
        return float(self.dot(values, weight))


@LOSSES.register("categorical_crossentropy", "cce")
class CategoricalCrossentropy(ClassLoss):
    """Cross-entropy of one class out of several, L = -1/n Σ_i w_i Σ_j y_ij log p_ij.

    ∂L/∂p_ij = -w_i y_ij / (n p_ij). Targets are one-hot rows, rows of probabilities ("soft"), or
    class numbers from 0 to units - 1. The network has to end in a softmax of at least two units;
    the loss is then computed from the logits (`SoftmaxCrossentropy`). A class derived from our
    softmax is refused. By itself the loss takes probabilities, with p kept above the smallest
    normal number in the logarithm.

    Parameters
    ----------
    label_smoothing : float, default 0.0
        s, in [0, 1): y becomes (1 - s) y + s / units, so that no output is pushed to infinity.

    Raises
    ------
    TypeError, ValueError
        `label_smoothing` is not a number in its range.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
    section 7 (label smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import CategoricalCrossentropy
    >>> p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    >>> y = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    >>> round(CategoricalCrossentropy().forward(p, y), 4)
    0.4338
    """

    domain = (0.0, 1.0)

    @property
    def formulas(self) -> Formulas:
        """Those of y, which may be smoothed."""
        note = NOTE if self.label_smoothing else ""
        return Formulas(("L = -1/n Σ w ∘ y ∘ log p",), ("∂L/∂p = -1/n w ∘ y / p",), note=note)

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the network ends in a softmax, and not in one derived from it."""
        needed = ""
        if not isinstance(activation, Softmax):
            needed = "a softmax at the end"
        elif self.hides_input(activation, Softmax):
            needed = "the softmax itself, as a class derived from it hides its logits"
        if needed:
            raise wrong_ending(LOSSES.name_of(self), needed, activation, "softmax")

    def prepare_output(self, y_pred: Array) -> Array:
        """Check also that each row sums to 1."""
        output = super().prepare_output(y_pred)
        targets.check_sums(output, f"{LOSSES.name_of(self)}: expected each row of y_pred")
        return output

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a softmax."""
        return SoftmaxCrossentropy(self.label_smoothing) if type(activation) is Softmax else None

    def allocate(self, rows: int) -> None:
        """Allocate also the logarithms, whose memory ∂L/∂p takes later."""
        super().allocate(rows)
        self.logs, self.tiny = self.like("logs"), float(np.finfo(self.dtype).tiny)

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean of -log p of the right class."""
        if output.shape != self.shape or output.dtype != self.dtype:
            self.allocate_for(output)
        self.fill_rows(target)
        self.output, self.target, self.weight = output, self.y, weight
        np.maximum(output, self.tiny, out=self.p)
        np.log(self.p, out=self.logs)
        self.logs *= self.y
        self.logs.sum(axis=1, out=self.row)
        total = float(self.row.sum()) if weight is None else self._weighted_sum(self.row, weight)
        return -total / len(output)

    def backward(self) -> Array:
        """Return -w_i y_ij / (n p_ij)."""
        slopes = np.divide(self.y, self.p, out=self.logs)
        np.negative(slopes, out=slopes)
        return self._weigh_rows(slopes)


@LOSSES.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """`CategoricalCrossentropy` for class numbers alone: L = -1/n Σ_i w_i log p_i,c(i).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SparseCategoricalCrossentropy
    >>> p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    >>> y = np.array([0, 2])
    >>> round(SparseCategoricalCrossentropy().forward(p, y), 4)
    0.4338
    """

    @property
    def formulas(self) -> Formulas:
        """The same; class numbers are rows in them."""
        return super().formulas

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are integers from 0 to units - 1."""
        return targets.prepare_labels(y, units)


class SoftmaxCrossentropy(ClassLoss):
    """Softmax and categorical cross-entropy together, on logits z.

    L = 1/n Σ_i w_i (log Σ_k e^(z_ik) - Σ_j y_ij z_ij),    ∂L/∂z_ij = w_i (p_ij - y_ij) / n,

    with p the softmax of z and Σ_j y_ij = 1. The row's maximum is subtracted from z first, so both
    are finite and exact, however far apart the logits are (in float32, up to 3e38).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SoftmaxCrossentropy
    >>> z, y = np.array([[2.0, 0.0, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> round(SoftmaxCrossentropy().forward(z, y), 4)
    0.1698
    """

    formulas = Formulas(
        forward=("L = 1/n Σ w ∘ (log Σ_units e^z - Σ_units y ∘ z)",),
        backward=("∂L/∂z = w ∘ (p - y) / n",),
    )
    instead = "give loss='categorical_crossentropy'; after a softmax it works on logits"

    def allocate(self, rows: int) -> None:
        """Allocate also z without the row's maximum; sums run as products, over whole vectors."""
        super().allocate(rows)
        self.z, self.right, self.ones = self.like("z"), self.buffer("right"), self.full("ones", 1.0)
        self.z_t, self.z_flat, self.y_flat = self.z.T, self.z.ravel("K"), self.y.ravel("K")

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return L from logits; `output` becomes the probabilities."""
        if output.shape != self.shape or output.dtype != self.dtype:
            self.allocate_for(output)
        logits_t = output.T
        logits_t.max(axis=0, out=self.row)
        np.subtract(logits_t, self.row, self.z_t)
        np.exp(self.z_t, self.p_t)
        self.p_t.sum(axis=0, out=self.row)
        np.divide(self.p_t, self.row, self.p_t)
        self.fill_rows(target)
        self.output, self.target, self.weight = self.p, self.y, weight
        np.log(self.row, self.row)
        if weight is None:
            logs, right = self.dot(self.row, self.ones), self.dot(self.z_flat, self.y_flat)
            return float(logs - right) / self.rows
        self.z_t *= self.y_t
        self.row -= self.z_t.sum(axis=0, out=self.right)
        return self._weighted_sum(self.row, weight) / self.rows

    def backward(self) -> Array:
        """Return w_i (p_ij - y_ij) / n."""
        self.p -= self.y
        return self._weigh_rows(self.p)
