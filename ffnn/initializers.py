"""First values of weights and biases.

Every initializer fills an array from a generator that it is handed, so NumPy's global generator is
never touched. The layer derives that generator from the seed, its own place in the model and the
parameter's place in the layer: two layers never get the same numbers, even from one seed.

Values are drawn in float64 and rounded to the array's dtype, so a float32 and a float64 model of
one seed start from the same network.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ffnn.core.checks import check_number, check_seed
from ffnn.core.registry import Configurable, Family

if TYPE_CHECKING:
    import numpy as np

    from ffnn._types import Array


class Initializer(Configurable):
    """A rule for the first values of a parameter."""

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write first values into `out`.

        Parameters
        ----------
        out : ndarray
            The parameter, of any shape.
        fan_in, fan_out : int
            The number of inputs and of units of its layer.
        rng : numpy.random.Generator
            Where random numbers come from.
        """
        raise NotImplementedError


INITIALIZERS: Family[Initializer] = Family("initializer", Initializer)


@INITIALIZERS.register("constant")
class Constant(Initializer):
    """Every entry the same number.

    Parameters
    ----------
    value : float, default 0.0
        The number.
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = check_number("Constant", "value", value)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write `value` into every entry."""
        out.fill(self.value)


@INITIALIZERS.register("zeros")
class Zeros(Initializer):
    """Every entry 0. As weights this leaves all units of a layer alike for ever."""

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write 0 into every entry."""
        out.fill(0.0)


@INITIALIZERS.register("ones")
class Ones(Initializer):
    """Every entry 1, the neutral gain of a normalisation."""

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write 1 into every entry."""
        out.fill(1.0)


@INITIALIZERS.register("random_uniform", "uniform")
class RandomUniform(Initializer):
    """Independent draws from U(low, high).

    Parameters
    ----------
    low, high : float, default -0.05 and 0.05
        The interval's ends, low ≤ high.
    seed : int, optional
        Makes the draws independent of the model's seed.
    """

    def __init__(self, low: float = -0.05, high: float = 0.05, seed: int | None = None) -> None:
        self.low = check_number("RandomUniform", "low", low)
        self.high = check_number("RandomUniform", "high", high, low=self.low)
        self.seed = check_seed("RandomUniform", seed)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry."""
        out[...] = rng.uniform(self.low, self.high, out.shape)


@INITIALIZERS.register("random_normal", "normal")
class RandomNormal(Initializer):
    """Independent draws from N(mean, variance).

    Parameters
    ----------
    mean : float, default 0.0
        The mean.
    variance : float, default 0.0025
        The variance (not the standard deviation), at least 0.
    seed : int, optional
        Makes the draws independent of the model's seed.
    """

    def __init__(
        self, mean: float = 0.0, variance: float = 0.0025, seed: int | None = None
    ) -> None:
        self.mean = check_number("RandomNormal", "mean", mean)
        self.variance = check_number("RandomNormal", "variance", variance, low=0.0)
        self.seed = check_seed("RandomNormal", seed)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry."""
        out[...] = rng.normal(self.mean, math.sqrt(self.variance), out.shape)


class _VarianceScaling(Initializer):
    """Draws around 0 whose variance follows from the layer's size, so that signals keep theirs."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_seed(type(self).__name__, seed)

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance for a layer of `fan_in` inputs and `fan_out` units."""
        raise NotImplementedError


class _ScaledNormal(_VarianceScaling):
    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry from N(0, variance)."""
        out[...] = rng.normal(0.0, math.sqrt(self.variance(fan_in, fan_out)), out.shape)


class _ScaledUniform(_VarianceScaling):
    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry from U(±√(3 variance))."""
        limit = math.sqrt(3.0 * self.variance(fan_in, fan_out))
        out[...] = rng.uniform(-limit, limit, out.shape)


@INITIALIZERS.register("he_normal")
class HeNormal(_ScaledNormal):
    """N(0, 2 / inputs), which keeps the variance through layers of ReLUs.

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return 2 / inputs."""
        return 2.0 / fan_in


@INITIALIZERS.register("he_uniform")
class HeUniform(_ScaledUniform):
    """U(±√(6 / inputs)), of the variance of `HeNormal`.

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return 2 / inputs."""
        return 2.0 / fan_in


@INITIALIZERS.register("glorot_normal", "xavier_normal")
class GlorotNormal(_ScaledNormal):
    """N(0, 2 / (inputs + units)), also known as Xavier.

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 12.
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return 2 / (inputs + units)."""
        return 2.0 / (fan_in + fan_out)


@INITIALIZERS.register("glorot_uniform", "xavier_uniform")
class GlorotUniform(_ScaledUniform):
    """U(±√(6 / (inputs + units))), also known as Xavier; the default of weights.

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return 2 / (inputs + units)."""
        return 2.0 / (fan_in + fan_out)


@INITIALIZERS.register("lecun_normal")
class LecunNormal(_ScaledNormal):
    """N(0, 1 / inputs).

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, equation 16.
    """

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return 1 / inputs."""
        return 1.0 / fan_in
