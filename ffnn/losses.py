"""Losses: a loss is a last layer whose output is one number.

In all formulas p is the network's output and y the target, both (batch, units); n is the batch's
number of rows and u the number of units; w_i is the weight of row i, 1 if none is given. A
weighted loss is Σ_i w_i · loss_i divided by the number of rows.

**Pairing.** `CategoricalCrossentropy` after a softmax, `BinaryCrossentropy` after a sigmoid and
`Poisson` after an exponential are computed from what the activation is given (the logits z, or
log p), in which all are exact: see `Loss.fuse`. The network then leaves its
last activation to the loss. A float32 sigmoid is exactly 1 from z ≈ 17 on, so the probability
alone no longer tells how wrong an answer is; the logit does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ffnn import targets
from ffnn.activations import ActivationFunction, Exponential, Sigmoid, Softmax, sigmoid
from ffnn.checks import check_number
from ffnn.errors import DataError
from ffnn.registry import Family
from ffnn.workspace import Buffered

if TYPE_CHECKING:
    from ffnn._types import Array


class Loss(Buffered):
    """A number L that says how far outputs are from targets, and ∂L/∂output.

    Attributes
    ----------
    output : ndarray of shape (batch, units)
        What the network predicts for the last batch; valid until `backward`.
    kinks : tuple of float
        Residuals p - y at which the derivative or its slope jumps.
    task : {"numbers", "probabilities", "classes"}
        What targets are: any numbers, numbers from 0 to 1, or one class out of several.
    """

    task: ClassVar[str] = "numbers"

    kinks: tuple[float, ...] = ()
    output: Array
    _classes: Array | None = None

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError if the loss cannot follow a network that ends so.

        Parameters
        ----------
        activation : ActivationFunction or None
            What the network ends with, if it ends with an activation.
        """

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss that takes the place of `activation` and itself, if there is one."""
        return None

    def prepare(self, y: Array, units: int) -> Array:
        """Check targets once, before any training, and bring them into the form of `forward`.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, units)
            Targets as the user gave them.
        units : int
            The number of the network's outputs.

        Returns
        -------
        ndarray
            (rows, units) floats or (rows,) class labels of dtype intp.

        Raises
        ------
        DataError
            The shape or the values do not fit; the message says what was expected.
        """
        return targets.prepare_dense(y, units, type(self).__name__)

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return L for one batch.

        Parameters
        ----------
        output : ndarray of shape (batch, units)
            p, or the logits where the loss is a fused one.
        target : ndarray
            Prepared targets of the same rows.
        weight : ndarray of shape (batch,), optional
            The rows' weights.
        """
        raise NotImplementedError

    def backward(self) -> Array:
        """Return ∂L/∂output for the last batch, of its shape; call it once for each `forward`.

        The caller may overwrite the array, which is working memory.
        """
        raise NotImplementedError

    def __call__(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> float:
        """Return L of plain arrays, for use by itself.

        Parameters
        ----------
        y_true : array-like of shape (rows,) or (rows, units)
            Targets.
        y_pred : array-like of shape (rows, units) or (rows,)
            What was predicted.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.

        Raises
        ------
        DataError
            The numbers of rows differ, or values do not suit the loss.
        """
        output = np.asarray(y_pred, dtype=np.float64)
        output = output.reshape(len(output), -1)
        target = self.prepare(np.asarray(y_true), output.shape[1])
        if len(target) != len(output):
            raise DataError(
                f"{type(self).__name__}: expected as many rows in y_true as in y_pred, "
                f"got {len(target)} and {len(output)}"
            )
        if target.ndim == 2:
            target = target.astype(np.float64)
        weight = None
        if sample_weight is not None:
            weight = targets.prepare_weights(sample_weight, len(target))
        return self.forward(output, target, weight)

    def _remember(self, output: Array, target: Array, weight: Array | None) -> None:
        self.output, self._target, self._weight = output, target, weight

    def _weigh_rows(self, grad: Array, scale: float) -> Array:
        """Multiply row i of `grad` by w_i · scale."""
        grad *= scale
        if self._weight is not None:
            grad *= self._weight[:, None]
        return grad

    def _fill_rows(self, y: Array, target: Array) -> None:
        """Write targets into `y` as rows; class numbers become one-hot rows, a batch at a time."""
        if target.ndim == 2:
            np.copyto(y, target)
            return
        classes = self._classes
        if classes is None or classes.shape[1] != y.shape[1]:
            classes = self._classes = np.arange(y.shape[1])[None, :]
        np.equal(target[:, None], classes, out=y)


LOSSES: Family[Loss] = Family("loss", Loss)


class ElementwiseLoss(Loss):
    """A mean over all elements, L = 1/(n u) Σ_ij w_i ℓ(p_ij, y_ij).

    A subclass gives ℓ and ∂ℓ/∂p, or, where it works on logits z, ∂ℓ/∂z.
    """

    def _values(self, output: Array, target: Array) -> Array:
        """Return ℓ of every element."""
        raise NotImplementedError

    def _slopes(self, output: Array, target: Array) -> Array:
        """Return ∂ℓ/∂p of every element, for what `_values` was called with before.

        `output` is what `_predictions` returned.
        """
        raise NotImplementedError

    def _predictions(self, output: Array) -> Array:
        """Return p: the output itself, unless that is logits."""
        return output

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean of ℓ."""
        values = self._values(output, target)
        self._remember(self._predictions(output), target, weight)
        if weight is not None:
            values *= weight[:, None]
        return float(np.add.reduce(values, axis=None)) / values.size

    def backward(self) -> Array:
        """Return w_i ∂ℓ/∂p / (n u)."""
        slopes = self._slopes(self.output, self._target)
        return self._weigh_rows(slopes, 1.0 / slopes.size)


@LOSSES.register("mean_squared_error", "mse")
class MeanSquaredError(ElementwiseLoss):
    """Mean squared error, ℓ = (p - y)²,  ∂ℓ/∂p = 2 (p - y)."""

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self._like("residual", output))
        return np.multiply(residual, residual, out=self._like("values", output))

    def _slopes(self, output: Array, target: Array) -> Array:
        residual = self._like("residual", output)
        residual *= 2.0
        return residual


@LOSSES.register("mean_absolute_error", "mae")
class MeanAbsoluteError(ElementwiseLoss):
    """Mean absolute error, ℓ = |p - y|,  ∂ℓ/∂p = sign(p - y), 0 at p = y."""

    kinks = (0.0,)

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self._like("residual", output))
        return np.abs(residual, out=self._like("values", output))

    def _slopes(self, output: Array, target: Array) -> Array:
        residual = self._like("residual", output)
        return np.sign(residual, out=residual)


@LOSSES.register("huber")
class Huber(ElementwiseLoss):
    """Squared near 0, linear far from it: with r = p - y, ℓ = r²/2 if |r| ≤ δ else δ (|r| - δ/2).

    ∂ℓ/∂p = r cut off to [-δ, δ].

    Parameters
    ----------
    delta : float, default 1.0
        δ, where the straight part begins; above 0.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 1964.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = check_number("Huber", "delta", delta, low=0.0, low_open=True)
        self.kinks = (-self.delta, self.delta)

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self._like("residual", output))
        # With c = r cut off to [-δ, δ], both branches are c (r - c/2).
        cut = np.clip(residual, -self.delta, self.delta, out=self._like("cut", output))
        values = np.multiply(cut, -0.5, out=self._like("values", output))
        values += residual
        values *= cut
        return values

    def _slopes(self, output: Array, target: Array) -> Array:
        return self._like("cut", output)


@LOSSES.register("binary_crossentropy", "bce")
class BinaryCrossentropy(ElementwiseLoss):
    """Cross-entropy of yes-or-no outputs, ℓ = -y log p - (1 - y) log(1 - p).

    ∂ℓ/∂p = (p - y) / (p (1 - p)). Targets y lie in [0, 1]. The network has to end in probabilities:
    after a sigmoid the loss is computed from the logits (`SigmoidCrossentropy`); after a softmax
    it is computed from p, with p and 1 - p kept above the smallest normal number.
    """

    task = "probabilities"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are probabilities."""
        low, high = (-np.inf, np.inf) if activation is None else activation.output_range
        if low < 0.0 or high > 1.0:
            raise ValueError(
                f"binary_crossentropy needs outputs between 0 and 1, but the network ends in "
                f"{_ending(activation)}. Let the last layer have activation='sigmoid'."
            )

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a sigmoid."""
        return SigmoidCrossentropy() if type(activation) is Sigmoid else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and lie in [0, 1]."""
        return targets.prepare_probabilities(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        tiny = float(np.finfo(output.dtype).tiny)
        logs = np.maximum(output, tiny, out=self._like("logs", output))
        np.log(logs, out=logs)
        values = np.multiply(logs, target, out=self._like("values", output))
        np.subtract(1.0, output, out=logs)
        np.log(np.maximum(logs, tiny, out=logs), out=logs)
        rest = np.subtract(1.0, target, out=self._like("rest", output))
        values += np.multiply(rest, logs, out=rest)
        return np.negative(values, out=values)

    def _slopes(self, output: Array, target: Array) -> Array:
        spread = np.subtract(1.0, output, out=self._like("spread", output))
        spread *= output
        np.maximum(spread, float(np.finfo(output.dtype).tiny), out=spread)
        slopes = np.subtract(output, target, out=self._like("slopes", output))
        slopes /= spread
        return slopes


class SigmoidCrossentropy(ElementwiseLoss):
    """Sigmoid and binary cross-entropy in one, on logits z: ℓ = max(z, 0) - z y + log(1 + e^-|z|).

    It is the same number as -y log p - (1 - y) log(1 - p) with p = sigmoid(z), for every finite z,
    and ∂ℓ/∂z = p - y. It stands in for the two where they meet.
    """

    task = "probabilities"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError: after any activation the loss would be another one."""
        raise ValueError("give loss='binary_crossentropy'; after a sigmoid it works on logits")

    def _values(self, output: Array, target: Array) -> Array:
        z = output
        tail = np.multiply(z, target, out=self._like("tail", z))
        values = np.maximum(z, 0.0, out=self._like("values", z))
        values -= tail  # exactly 0 where the answer is right: the small rest must not drown
        np.negative(np.abs(z, out=tail), out=tail)
        values += np.log1p(np.exp(tail, out=tail), out=tail)
        return values

    def _predictions(self, output: Array) -> Array:
        return sigmoid(output, out=self._like("p", output))

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.subtract(output, target, out=output)


@LOSSES.register("poisson")
class Poisson(ElementwiseLoss):
    """Half the Poisson deviance of counts, ℓ = y log(y / p) - y + p,  ∂ℓ/∂p = 1 - y / p.

    It is the negative log-likelihood of y at rate p but for a number that depends on y alone, and 0
    at p = y. Targets y are at least 0, with 0 log 0 = 0. The network has to end in numbers of at
    least 0: after an exponential the loss is computed from x = log p (`LogRatePoisson`); after any
    other activation p is kept above 1e-30, so that y / p stays finite.

    References
    ----------
    McCullagh, Nelder, "Generalized linear models", 1989, section 6.2 and table 2.1.
    """

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are at least 0."""
        if activation is None or activation.output_range[0] < 0.0:
            raise ValueError(
                f"poisson needs outputs of at least 0, but the network ends in "
                f"{_ending(activation)}. Let the last layer have activation='exponential'."
            )

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on log p if the network ends in an exponential."""
        return LogRatePoisson() if type(activation) is Exponential else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and at least 0."""
        return targets.prepare_counts(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        p = self._rates(output)
        values = np.divide(target, p, out=self._like("values", output))
        _target_times_log(values, target)
        values -= target
        values += p
        return values

    def _slopes(self, output: Array, target: Array) -> Array:
        slopes = np.divide(target, self._rates(output), out=self._like("slopes", output))
        return np.subtract(1.0, slopes, out=slopes)

    def _rates(self, output: Array) -> Array:
        return np.maximum(output, 1e-30, out=self._like("rates", output))


class LogRatePoisson(ElementwiseLoss):
    """Exponential and half the Poisson deviance in one, on x = log p: ℓ = y log y - y x - y + e^x.

    ∂ℓ/∂x = e^x - y, finite however small p is. It stands in for the two where they meet.
    """

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError: after any activation the loss would be another one."""
        raise ValueError("give loss='poisson'; after an exponential it works on log p")

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and at least 0."""
        return targets.prepare_counts(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        values = self._like("values", output)
        np.copyto(values, target)
        _target_times_log(values, target)
        tail = np.add(output, 1.0, out=self._like("tail", output))
        tail *= target
        values -= tail
        with np.errstate(over="ignore"):
            values += np.exp(output, out=self._like("p", output))
        return values

    def _predictions(self, output: Array) -> Array:
        return self._like("p", output)

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.subtract(output, target, out=output)


def _target_times_log(values: Array, target: Array) -> None:
    """Replace v by y log v, which is 0 where y is 0."""
    np.copyto(values, 1.0, where=target == 0.0)
    np.log(values, out=values)
    values *= target


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

    task = "classes"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the network ends in a softmax."""
        if not isinstance(activation, Softmax):
            raise ValueError(
                f"{LOSSES.name_of(self)} needs a network that ends in a softmax, but it ends in "
                f"{_ending(activation)}. Let the last layer have activation='softmax'."
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
        grad = np.divide(self._target, self._probabilities(), out=self._like("grad", self._target))
        return self._weigh_rows(grad, -1.0 / len(grad))

    def _probabilities(self) -> Array:
        tiny = float(np.finfo(self.output.dtype).tiny)
        return np.maximum(self.output, tiny, out=self._like("p", self.output))


@LOSSES.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """`CategoricalCrossentropy` for class numbers alone: L = -1/n Σ_i w_i log p_i,c(i)."""

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
        grad -= self._target
        return self._weigh_rows(grad, 1.0 / len(grad))

    def _prepare(self, logits: Array) -> _LogitsMemory:
        """Return working memory for a batch; it serves again while `logits` are the same array."""
        z, p, y = (self._like(key, logits) for key in ("z", "p", "y"))
        row, ones = (self._buffer(key, (len(logits),), logits.dtype) for key in ("row", "ones"))
        ones.fill(1.0)
        flat = z.ravel("K"), y.ravel("K")
        return _LogitsMemory(logits, logits.T, z.T, p, p.T, y, row, *flat, ones)


def _ending(activation: ActivationFunction | None) -> str:
    if activation is None:
        return "a layer without activation"
    return f"activation {type(activation).__name__}"
