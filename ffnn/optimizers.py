"""Optimizers: rules that turn a gradient into an update, from the simplest on.

Each works in place on the model's one flat vector w of parameters and g of gradients, whatever
layers they belong to. t counts the updates from 1, η is the learning rate of the update.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np

from ffnn.checks import check_number
from ffnn.registry import Family
from ffnn.schedules import Schedule
from ffnn.workspace import Buffered, aligned_empty

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.parameters import ParameterVector


class Optimizer(Buffered):
    """A rule for one update of all parameters.

    Parameters
    ----------
    learning_rate : float or Schedule
        η, at least 0, or a schedule that gives it.
    clipnorm : float, optional
        The greatest norm of the whole gradient: a longer g is replaced by g · clipnorm / ‖g‖ in
        the update (`model.gradients` keep their true values).

    Attributes
    ----------
    iterations : int
        The number of updates made so far.
    slots : dict of str to ndarray
        The rule's memory, each of the size of the parameter vector.
    """

    def __init__(self, learning_rate: float | Schedule, clipnorm: float | None = None) -> None:
        self.learning_rate = learning_rate
        self.clipnorm = clipnorm
        if clipnorm is not None:
            self.clipnorm = check_number(
                type(self).__name__, "clipnorm", clipnorm, low=0.0, low_open=True
            )
        self.iterations = 0
        self.slots: dict[str, Array] = {}
        self._owner: weakref.ref[object] | None = None
        self._vector: ParameterVector | None = None

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The names of the vectors that the rule remembers."""
        return ()

    @property
    def learning_rate(self) -> float | Schedule:
        """The learning rate as it was set; it may be set again at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if not isinstance(value, Schedule):
            value = check_number(type(self).__name__, "learning_rate", value, low=0.0)
        self._learning_rate = value

    @property
    def current_learning_rate(self) -> float:
        """η of the next update."""
        rate = self._learning_rate
        return float(rate(self.iterations)) if isinstance(rate, Schedule) else rate

    def claim(self, owner: object) -> None:
        """Belong to one model from now on.

        Raises
        ------
        ValueError
            It belongs to another one, whose memory it holds.
        """
        current = None if self._owner is None else self._owner()
        if current is not None and current is not owner:
            raise ValueError(
                f"this {type(self).__name__} already trains another model and holds its memory; "
                f"make a new one"
            )
        self._owner = weakref.ref(owner)

    def bind(self, vector: ParameterVector) -> None:
        """Take the parameters that every `step` will update, with fresh memory if they are new."""
        if self._vector is not vector:
            self._vector = vector
            self.iterations = 0
            self.slots = {}
            for name in self.slot_names:
                self.slots[name] = aligned_empty(vector.values.size, vector.values.dtype)
                self.slots[name].fill(0.0)
            self._blocks = self._cut(vector.gradients)

    def step(self) -> None:
        """Update the parameters once, by their gradients.

        Raises
        ------
        FloatingPointError
            The gradient or the update is infinite, NaN, or near it; nothing was updated.
        """
        if self._vector is None:
            raise RuntimeError(f"{type(self).__name__} belongs to no model; pass it to compile")
        g, rate, blocks = self._vector.gradients, self.current_learning_rate, self._blocks
        norm = self._norm(g)
        if self.clipnorm is not None and self.clipnorm < norm < math.inf:
            clipped = np.multiply(g, self.clipnorm / norm, out=self._like("clipped", g))
            norm, blocks = self.clipnorm, self._cut(clipped)
        largest_norm, largest_update = _LARGEST[g.dtype.char]
        if not norm < largest_norm:
            raise FloatingPointError(f"the norm of the gradient became {norm:g}")
        if not rate * max(norm, 1.0) < largest_update:
            raise FloatingPointError("the update became too large for the weights")
        for block in blocks:
            self.update(rate, *block)
        self.iterations += 1

    def _cut(self, g: Array) -> list[tuple[Array, ...]]:
        """Return parameters, gradients, scratch and memory, cut alike into blocks for the cache."""
        assert self._vector is not None
        w, memory, blocks = self._vector.values, self.slots.values(), []
        for start in range(0, g.size, _BLOCK_SIZE):
            block = slice(start, start + _BLOCK_SIZE)
            scratch = self._vector.scratch[: len(w[block])]  # one for all, so that it stays cached
            blocks.append((w[block], g[block], scratch, *(vector[block] for vector in memory)))
        return blocks

    def _norm(self, g: Array) -> float:
        """Return ‖g‖, also where g·g overflows."""
        square = float(np.dot(g, g))
        if math.isfinite(square):
            return math.sqrt(square)
        largest = float(np.abs(g).max())
        return largest * float(np.linalg.norm(g / largest)) if math.isfinite(largest) else largest

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Change one block of parameters in place.

        Parameters
        ----------
        rate : float
            η of this update.
        w : ndarray of shape (size,)
            The parameters.
        g : ndarray of shape (size,)
            Their gradients; not to be written.
        scratch : ndarray of shape (size,)
            Room for intermediate results.
        *memory : ndarray of shape (size,)
            What the rule remembers, in the order of `slot_names`.
        """
        raise NotImplementedError


# So many entries of all vectors of a rule stay in a core's cache from pass to pass.
_BLOCK_SIZE = 32_768

# Norm and update, far from the ends of float32, 3e38, and float64, 2e308: squares of such gradients
# and sums of such updates are finite.
_LARGEST = {"f": (1e18, 1e30), "d": (1e150, 1e300)}

OPTIMIZERS: Family[Optimizer] = Family("optimizer", Optimizer)


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    """Gradient descent on batches, with momentum if wanted.

    Plain: w ← w - η g. With momentum μ: v ← μ v - η g, then w ← w + v, or, with Nesterov's
    correction, w ← w + μ v - η g.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        η, at least 0.
    momentum : float, default 0.0
        μ, in [0, 1]; at 1 velocity is never lost.
    nesterov : bool, default False
        Whether to look ahead; needs a momentum.
    clipnorm : float, optional
        The greatest norm of the whole gradient.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013, equations 1 to 4.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm)
        self.momentum = check_number("SGD", "momentum", momentum, low=0.0, high=1.0)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError("SGD: nesterov=True needs a momentum above 0, got momentum=0.0")

    @property
    def slot_names(self) -> tuple[str, ...]:
        """With momentum, ``velocity``."""
        return ("velocity",) if self.momentum else ()

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g, or its form with momentum."""
        np.multiply(g, -rate, out=scratch)
        if self.momentum:
            (velocity,) = memory
            velocity *= self.momentum
            velocity += scratch
            if not self.nesterov:
                w += velocity
                return
            w += scratch
            np.multiply(velocity, self.momentum, out=scratch)
        w += scratch


@OPTIMIZERS.register("rmsprop")
class RMSprop(Optimizer):
    """Steps divided by a running size of each gradient.

    s ← ρ s + (1 - ρ) g²,    w ← w - η g / (√s + ε).

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    rho : float, default 0.9
        ρ, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The greatest norm of the whole gradient.

    References
    ----------
    Tieleman, Hinton, "Lecture 6.5: rmsprop", Coursera, 2012. ε stands beside the root, as in
    PyTorch; Keras puts it under the root.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm)
        self.rho = check_number("RMSprop", "rho", rho, low=0.0, high=1.0, high_open=True)
        self.epsilon = check_number("RMSprop", "epsilon", epsilon, low=0.0, low_open=True)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The running ``square`` s."""
        return ("square",)

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g / (√s + ε)."""
        (square,) = memory
        np.multiply(g, g, out=scratch)
        scratch *= 1.0 - self.rho
        square *= self.rho
        square += scratch
        np.sqrt(square, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        w -= scratch


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    """Running mean of the gradient over the root of its running square, both freed of their start.

    m ← β₁ m + (1 - β₁) g,    v ← β₂ v + (1 - β₂) g²,
    w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε).

    This is the paper's second, equivalent form, in which ε stands beside √v before the correction.
    Kept in memory are M = m / (1 - β₁) and V = v / (1 - β₂), as M ← β₁ M + g and V ← β₂ V + g² take
    two passes over the numbers less.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        β₁ and β₂, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The greatest norm of the whole gradient.

    References
    ----------
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1 in the order
    of computation at the end of section 2.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm)
        name = type(self).__name__
        self.beta_1 = check_number(name, "beta_1", beta_1, low=0.0, high=1.0, high_open=True)
        self.beta_2 = check_number(name, "beta_2", beta_2, low=0.0, high=1.0, high_open=True)
        self.epsilon = check_number(name, "epsilon", epsilon, low=0.0, low_open=True)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """``m`` and ``v``, divided by 1 - β₁ and 1 - β₂."""
        return ("m", "v")

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε), with M and V for m and v."""
        m, v = memory
        m *= self.beta_1
        m += g
        v *= self.beta_2
        v += np.multiply(g, g, out=scratch)
        # m / (√v + ε) = (1 - β₁) / √(1 - β₂) · M / (√V + ε / √(1 - β₂))
        root, t = math.sqrt(1.0 - self.beta_2), self.iterations + 1
        np.sqrt(v, out=scratch)
        scratch += self.epsilon / root
        np.divide(m, scratch, out=scratch)
        correction = math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        scratch *= rate * correction * (1.0 - self.beta_1) / root
        w -= scratch


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: first w ← w - η λ w, then `Adam`'s update.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    weight_decay : float, default 0.004
        λ, at least 0; it acts on all parameters, biases and gains included.
    beta_1, beta_2 : float, default 0.9 and 0.999
        β₁ and β₂, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The greatest norm of the whole gradient.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, clipnorm)
        self.weight_decay = check_number("AdamW", "weight_decay", weight_decay, low=0.0)

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Shrink w, then apply Adam's update."""
        w *= 1.0 - rate * self.weight_decay
        super().update(rate, w, g, scratch, *memory)
