"""The learning rate to train with, found by a short training at ever higher rates."""

from __future__ import annotations

import copy
import math
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.core.checks import check_int, check_number
from ffnn.core.console import is_notebook, is_terminal, takes_bars
from ffnn.core.progress import open_tqdm
from ffnn.core.text import counted
from ffnn.data.batches import Batches
from ffnn.errors import DataError, TrainingDivergedError
from ffnn.models.expected import check_model
from ffnn.models.trainable import Trainable
from ffnn.training.loop import check_trained, warn_of_small_batches
from ffnn.training.step import TrainStep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AVERAGE = 0.98  # the weight of the past in the running loss that tells when to stop
DIVERGED = 4.0  # times the lowest running loss
WIDTH = 0.03  # of all steps, the standard deviation of the bell that the losses are averaged with
SAFETY = 20.0  # times the suggestion is the rate where the loss is lowest
EVIDENCE = 3.0  # standard errors that the loss has to fall, as noise does once in twenty tests

_Numbers = NDArray[np.float64]


class LearningRateCurve:
    """What `find_learning_rate` found: the loss of each step, and the rate to train with.

    Attributes
    ----------
    rates : ndarray of float64, shape (steps,)
        The learning rate of each step, rising.
    losses : ndarray of float64, shape (steps,)
        The loss of each step's batch before its update, penalties included.
    smoothed : ndarray of float64, shape (steps,)
        The losses averaged over neighbouring steps.
    suggestion : float or None
        The rate to train with, to two digits: 1/20 of the one where the smoothed loss is lowest.
        None if the loss never fell.
    has_diverged : bool
        Whether the test ended before the highest rate.
    batch_size : int
        The rows of a step.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> curve = ffnn.find_learning_rate(model, x / 16.0, y)
    >>> curve.rates.shape == curve.losses.shape, 1e-4 < curve.suggestion < 1.0
    (True, True)
    """

    def __init__(
        self,
        rates: _Numbers,
        losses: _Numbers,
        smoothed: _Numbers,
        has_fallen: bool,
        has_diverged: bool,
        rows: int,
    ) -> None:
        self.rates, self.losses, self.smoothed = rates, losses, smoothed
        self.has_diverged, self.batch_size = has_diverged, rows
        self.lowest = int(smoothed.argmin())  # the step
        rate = rates[self.lowest] / SAFETY
        self.suggestion = float(f"{rate:.1e}") if has_fallen else None

    @property
    def verdict(self) -> str:
        """What the loss did, and what to do, as sentences."""
        rates, low = self.rates, self.lowest
        ending = f", and diverged at {rates[-1]:.2g}" if self.has_diverged else ""
        if self.suggestion is None:
            other = "lower min_rate" if self.has_diverged else "higher max_rate"
            return (
                f"No suggestion: the loss did not fall at any of these rates{ending}. Either the "
                f"rows are learned already, or a {other} is needed, or something keeps the model "
                "from learning: see model.diagnose(x, y)."
            )
        if not ending and low == len(rates) - 1:
            ending = " and was still falling: a higher max_rate may show a better one"
        start, end = self.smoothed[0], self.smoothed[low]
        return (
            f"Suggestion: {self.suggestion:g}, 1/20 of {rates[low]:.2g}, where the loss was "
            f"lowest. It fell from {start:.4g} to {end:.4g}{ending}."
        )

    @property
    def headline(self) -> str:
        """What was tried."""
        return (
            f"Learning rates from {self.rates[0]:.2g} to {self.rates[-1]:.2g} in "
            f"{counted(len(self.rates), 'step')} of {counted(self.batch_size, 'row')}."
        )

    def plot(self) -> Figure:
        """Return a figure of the loss over the learning rate, with the suggestion.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.
        """
        from ffnn.charts.rate_figure import plot_rates

        return plot_rates(self)

    def __str__(self) -> str:
        lines = (self.headline, self.verdict)
        return "\n".join(textwrap.fill(line, 80, break_on_hyphens=False) for line in lines)

    def __repr__(self) -> str:
        return f"<LearningRateCurve: {len(self.rates)} steps, suggestion {self.suggestion}>"

    def _repr_html_(self) -> str:
        """Return the account and a small picture, for notebooks."""
        from ffnn.charts.rate_html import rate_html

        return rate_html(self)


def find_learning_rate(
    model: Trainable,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int = 32,
    min_rate: float = 1e-7,
    max_rate: float = 10.0,
    steps: int = 100,
    verbose: int | str = "auto",
) -> LearningRateCurve:
    """Find a learning rate by training a copy of the model for a few steps at ever higher rates.

    From step to step the rate is multiplied by one factor, until the loss diverges. At rates that
    are too low nothing is learned, then the loss falls, then it rises. The suggestion is 1/20 of
    the rate at which it is lowest.

    The model stays as it is, bit for bit: parameters, optimizer memory, history, random generators,
    and whether it is built. The copy trains by the model's own optimizer, with its memory and
    settings, on batches in the order that `fit` would draw. The rate takes the place of the
    optimizer's; where that is a schedule, take the suggestion as the highest rate of a new one.

    Parameters
    ----------
    model : Sequential
        A compiled model.
    x, y, sample_weight
        As for `fit`: the rows to train on.
    batch_size : int, default 32
        Mini-batch size; the suggestion is for it.
    min_rate, max_rate : float, default 1e-7 and 10
        The first and the last rate, above 0.
    steps : int, default 100
        How many rates to try, at least 20.
    verbose : {"auto", 0, 1}, default "auto"
        0 shows nothing, 1 a progress bar; "auto" is 1 on a terminal or in a notebook, else 0.

    Returns
    -------
    LearningRateCurve
        The rates, the losses, and the ``suggestion``. Print it, or look at its ``plot()``.

    Raises
    ------
    RuntimeError
        The model is not compiled.
    TypeError, ValueError
        A rate or another number is out of range.
    DataError
        The data does not fit, or is a single row.
    TrainingDivergedError
        The loss or the gradient of the very first step is infinite or NaN.

    Notes
    -----
    The test ends, as in fastai, when the running mean of the losses (of weight 0.98 for the past)
    is above four times its lowest value. That mean lags behind by many steps, so the losses are
    then smoothed anew, by a Gaussian around each step whose standard deviation is 3 % of the steps.
    Whether the loss has fallen at all is judged by how much it varies from step to step.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3: the range
    test. Howard and Gugger, "fastai: a layered API for deep learning", Information 2020, section
    4.7: ever higher rates on single batches, smoothing, the end at divergence. Their ``minimum``
    suggests a tenth of the rate where the loss is lowest, for a schedule that rises to it and falls
    again; the mean of that schedule is about half of it, which is what is suggested here.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> curve = ffnn.find_learning_rate(model, x / 16.0, y)
    >>> history = model.fit(x / 16.0, y, epochs=2, learning_rate=curve.suggestion, verbose=0)
    >>> history.history["loss"][-1] < 2.3  # the loss of guessing
    True
    """
    where = "find_learning_rate"
    check_model(where, model)
    batch_size = check_int(where, "batch_size", batch_size, low=1)
    steps = check_int(where, "steps", steps, low=20)
    low = check_number(where, "min_rate", min_rate, low=0.0, low_open=True)
    high = check_number(where, "max_rate", max_rate, low=low, low_open=True)
    shows_bar = _shows_bar(verbose)
    model.require_compiled()
    twin = copy.deepcopy(model)
    examples = twin.open_examples(x, y, sample_weight, measured=False)
    if len(examples.x) < 2:
        raise DataError(f"{where}: expected at least 2 rows to learn from, got 1")
    check_trained(twin.layers)
    batches = Batches(examples, batch_size, twin.shuffling)
    warn_of_small_batches(twin.layers, batches.largest)
    rates = np.geomspace(low, high, steps)
    losses = _try_rates(twin.step, batches, rates, shows_bar)
    has_diverged = len(losses) < steps
    smoothed, has_fallen = judge(losses, steps)
    rates = rates[: len(losses)]
    return LearningRateCurve(rates, losses, smoothed, has_fallen, has_diverged, batches.largest)


def _shows_bar(verbose: int | str) -> bool:
    if isinstance(verbose, str) and verbose == "auto":
        verbose = is_notebook() or is_terminal(sys.stderr)
    if not isinstance(verbose, (int, np.integer, np.bool_)) or verbose not in (0, 1):
        raise ValueError(f"find_learning_rate: verbose must be 'auto', 0 or 1, got {verbose!r}")
    return bool(verbose) and takes_bars()


def _try_rates(step: TrainStep, batches: Batches, rates: Array, shows_bar: bool) -> _Numbers:
    """Train on a batch at each rate and return the losses, as far as the training comes."""
    step.metrics = ()
    losses, running = list[float](), 0.0
    lowest = math.inf
    bar = open_tqdm(total=len(rates), desc="Trying rates", unit="step", disable=not shows_bar)
    with bar, np.errstate(all="ignore"):
        pairs = zip(rates.tolist(), _endless(batches), strict=False)
        for number, (rate, batch) in enumerate(pairs, start=1):
            step.optimizer.learning_rate = rate
            try:
                losses.append(step(*batch))
            except FloatingPointError as error:
                if not losses:
                    raise _hopeless(error, rate) from None
                break
            bar.update(1)
            running = AVERAGE * running + (1.0 - AVERAGE) * losses[-1]
            mean = running / (1.0 - AVERAGE**number)
            lowest = min(lowest, mean)
            if mean > lowest + (DIVERGED - 1.0) * abs(lowest):
                break
    return np.array(losses)


def _endless(batches: Batches) -> Iterator[tuple[Array, Array, Array | None]]:
    while True:
        yield from batches


def _hopeless(error: FloatingPointError, rate: float) -> TrainingDivergedError:
    return TrainingDivergedError(
        f"find_learning_rate: {error} at the first step, at learning rate {rate:g}. Try a lower "
        f"min_rate, scaled inputs, or an optimizer with clipnorm 1.0",
        epoch=1,
        batch=1,
        learning_rate=rate,
    )


def judge(losses: _Numbers, steps: int) -> tuple[_Numbers, bool]:
    """Return the smoothed losses of a test of so many steps, and whether they have fallen.

    The mean of the first tenth is compared with the lowest smoothed loss, in standard errors of
    their difference. A Gaussian of standard deviation σ averages about 2 √π σ losses; how much
    these vary is taken from the differences between neighbours, in which a slope counts little.
    """
    width, number = WIDTH * steps, np.arange(len(losses))
    bell = np.exp(-0.5 * ((number[:, None] - number) / width) ** 2)
    smoothed: _Numbers = bell @ losses / bell.sum(axis=1)
    averaged, low = 2.0 * math.sqrt(math.pi) * width, int(smoothed.argmin())
    half = max(int(averaged / 2.0), 2)
    first, around = losses[: steps // 10], losses[max(low - half, 0) : low + half + 1]
    if len(losses) <= len(first):
        return smoothed, False
    square = first.var(ddof=1) / len(first) + np.mean(np.diff(around) ** 2) / 2.0 / averaged
    return smoothed, bool(first.mean() - smoothed[low] > EVIDENCE * math.sqrt(square))
