"""Gradients proved: backpropagation against finite differences."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.charts.html import block, table
from ffnn.core.checks import check_bool, check_int
from ffnn.core.console import takes_bars
from ffnn.core.progress import open_tqdm
from ffnn.layers.base import Stage
from ffnn.layers.chain import tap
from ffnn.models.expected import check_model
from ffnn.models.trainable import Trainable

LARGEST_ERROR = 1e-6  # up to which gradients count as right
_NAMES = 36  # columns for the names of layers and parameters, of a table of 80
LARGEST_STEP = 0.02
HALVINGS = 9
GOOD_ENOUGH = 1e-9  # relative error at which a difference quotient is not refined further
FLOOR = 1e-4


class GradientRow(NamedTuple):
    """What was found for one parameter array.

    Attributes
    ----------
    layer, parameter : str
        Such as ``"dense_1"`` and ``"weight"``.
    entries, checked, kinks : int
        The size of the array, the number of entries compared, and of those left out because a kink
        of the loss lies within the step.
    max_error : float
        The largest relative error of the compared entries.
    """

    layer: str
    parameter: str
    entries: int
    checked: int
    kinks: int
    max_error: float


class GradientReport:
    """What `gradient_check` found.

    Attributes
    ----------
    rows : list of GradientRow
        One for each parameter array, in the order of the model.
    max_error : float
        The largest relative error of all.
    checked, kinks : int
        The numbers of entries compared, and of entries left out at kinks.
    is_right : bool
        Whether entries were compared, and none has a relative error above 1e-6.
    verdict : str
        The same as a sentence, which the printed report ends with.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential([ffnn.layers.Dense(1, "tanh")], input_dim=2, seed=0)
    >>> model.compile("sgd", "mean_squared_error")
    >>> report = ffnn.gradient_check(model, [[1.0, 2.0]], [[0.5]])
    >>> report.is_right, report.checked, report.rows[0].parameter
    (True, 3, 'weight')
    """

    def __init__(self, rows: list[GradientRow]) -> None:
        self.rows = rows
        # max() could pass over NaN, which must never count as right
        self.max_error = float(np.max([row.max_error for row in rows], initial=0.0))
        self.checked = sum(row.checked for row in rows)
        self.kinks = sum(row.kinks for row in rows)
        self.is_right = self.checked > 0 and self.max_error <= LARGEST_ERROR  # nor is it NaN

    @property
    def verdict(self) -> str:
        """The largest error, and whether the gradients are right."""
        if not self.checked:
            return "No entry could be checked; try more rows."
        errors = f"worst relative error: {self.max_error:.2e}, allowed: {LARGEST_ERROR:.0e}."
        if self.is_right:
            return f"{errors} The gradients agree with finite differences."
        worst = max(self.rows, key=lambda row: (math.isnan(row.max_error), row.max_error))
        return (
            f"{errors} The gradients do not agree with finite differences; the worst is that of "
            f"{worst.parameter} of {worst.layer}."
        )

    def __repr__(self) -> str:
        return (
            f"<GradientReport: {self.checked} entries checked, {self.kinks} at kinks, "
            f"max_error={self.max_error:.2e}>"
        )

    def _repr_html_(self) -> str:
        """Return the verdict and the table, for notebooks."""
        header = ("layer", "parameter", "entries", "checked", "at kinks", "worst error")
        rows = [
            (layer, parameter, *(f"{count:,}" for count in counts), f"{error:.2e}")
            for layer, parameter, *counts, error in self.rows
        ]
        return block("Gradient check", [self.verdict], table(header, rows, "llrrrr"))

    def __str__(self) -> str:
        # Layers of an `Average` are part of the names of its parameters.
        names = [f"{row.layer}.{row.parameter}".rpartition(".")[::2] for row in self.rows]
        long = max([12, *(len(name) + 1 for _, name in names)])
        wide = max([16, *(len(layer) + 1 for layer, _ in names)])
        if is_apart := wide + long > _NAMES:  # then each layer has a line of its own
            wide = _NAMES - long
        head = f"{{:<{wide}}}{{:<{long}}}" + "{:>10}{:>10}{:>10}{:>14}"
        line = f"{{:<{wide}}}{{:<{long}}}" + "{:>10,}{:>10,}{:>10,}{:>14.2e}"
        lines, shown = list[str](), ""
        for row, (layer, name) in zip(self.rows, names, strict=True):
            if is_apart and layer != shown:
                lines.append(shown := layer)
            lines.append(line.format("" if is_apart else layer, name, *row[2:]))
        total = sum(row.entries for row in self.rows)
        return "\n".join(
            [
                head.format("layer", "parameter", "entries", "checked", "at kinks", "worst error"),
                rule := "─" * (wide + long + 44),
                *lines,
                rule,
                line.format("all", "", total, self.checked, self.kinks, self.max_error),
                self.verdict,
            ]
        )


def gradient_check(
    model: Trainable,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    max_entries: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> GradientReport:
    """Compare the gradients of backpropagation with finite differences of the loss.

    A float64 copy of the model is checked; the model itself stays as it is, except that it is
    built if it was not. With L the training loss, penalties included, the derivative with respect
    to an entry w is taken from central differences

        D(h) = (L(w + h) - L(w - h)) / 2h

    with h = 0.02 halved again and again, extrapolated to h = 0 (Ridders). The relative error of an
    entry is |a - d| / max(|a|, |d|, f) for backpropagation's a and the extrapolated d; the floor
    f = 10⁻⁴ max(|L|, max |a|) keeps entries that are zero up to rounding from being divided by 0.

    Where a step crosses a kink (an input of a ReLU, a residual of the absolute error or a weight
    under an L1 penalty changes its sign between w - h and w + h) it is not used. An entry with
    fewer than three usable steps lies too near a kink; it is left out and counted. Dropout masks
    are held fixed; they differ from a float32 model's own, which draws its random numbers in
    float32.

    Parameters
    ----------
    model : Sequential
        A compiled model.
    x : array-like of shape (batch, input_dim)
        Inputs; a few rows are enough.
    y : array-like of shape (batch,) or (batch, units), optional
        Targets, as for `fit`.
    sample_weight : array-like of shape (batch,), optional
        The rows' weights.
    max_entries : int, optional
        The number of entries to check of each array, drawn at random; None checks all.
    seed : int, default 0
        Makes that draw repeatable.
    progress : bool, default False
        Whether to show a progress bar.

    Returns
    -------
    GradientReport
        A row for each parameter array, and the largest error of all as ``max_error``.

    Raises
    ------
    DataError
        The data does not fit.
    RuntimeError
        The model is not compiled.

    References
    ----------
    Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software
    1982.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 1], ["tanh", "linear"], seed=0)
    >>> model.compile("sgd", "mean_squared_error")
    >>> ffnn.gradient_check(model, [[0.5, -1.0]], [1.0]).max_error < 1e-6
    True
    """
    check_model("gradient_check", model)
    _check_options(max_entries, seed, progress)
    model.open_batch(x, y, sample_weight)  # builds the model and checks the data
    double = model.as_double()
    loss = double.compute_gradients(x, y, sample_weight)
    analytic = double.gradients.copy()
    floor = FLOOR * max(abs(loss), float(np.abs(analytic).max(initial=0.0)))
    probe = _Probe(double, x, y, sample_weight)
    positions = _positions(double, max_entries, np.random.default_rng(seed))
    rows = []
    total = sum(len(chosen) for *_, chosen in positions)
    hidden = not (progress and takes_bars())
    with open_tqdm(total=total, desc="Checking gradients", unit="entry", disable=hidden) as bar:
        for layer, parameter, entries, chosen in positions:
            errors, kinks = [0.0], 0
            for position in chosen:
                numeric = probe.derivative(position, floor)
                bar.update(1)
                if numeric is None:
                    kinks += 1
                    continue
                exact = float(analytic[position])
                scale = max(abs(exact), abs(numeric), floor)
                error = abs(exact - numeric)
                errors.append(error / scale if scale else error)
            worst = float(np.max(errors))
            rows.append(GradientRow(layer, parameter, entries, len(chosen) - kinks, kinks, worst))
    return GradientReport(rows)


def _check_options(max_entries: int | None, seed: int, progress: bool) -> None:
    if max_entries is not None:
        check_int("gradient_check", "max_entries", max_entries, low=1)
    check_int("gradient_check", "seed", seed, low=0, high=None)
    check_bool("gradient_check", "progress", progress)


def _positions(
    model: Trainable, max_entries: int | None, rng: np.random.Generator
) -> list[tuple[str, str, int, list[int]]]:
    """Return, for each array, its names, its size, and the places to check in the flat vector."""
    result, start = [], 0
    for layer in model.layers:
        for name, array in layer.params.items():
            chosen = np.arange(array.size)
            if max_entries is not None and array.size > max_entries:
                chosen = np.sort(rng.choice(array.size, max_entries, replace=False))
            result.append((layer.name, name, array.size, (start + chosen).tolist()))
            start += array.size
    return result


class _Probe:
    """The training loss of a model as a function of one parameter."""

    def __init__(self, model: Trainable, x: Any, y: Any, sample_weight: Any) -> None:
        self._batch = model.open_batch(x, y, sample_weight)
        self._step = model.step
        self._step.stages = tap(self._step.stages, before=self._note_input)
        for layer in model.layers:
            layer.watch_inside(self._note_input)
        self._model, self._states = model, model.generator_states
        self._sides: list[bytes] = []

    def _note_input(self, stage: Stage, _: str, x: Array) -> None:
        self._note(x, getattr(stage.layer, "kinks", ()))

    def _note(self, values: Array, kinks: Iterable[float]) -> None:
        """Remember on which side of each kink every value lies."""
        self._sides += [np.sign(values - kink).astype(np.int8).tobytes() for kink in kinks]

    def derivative(self, position: int, floor: float) -> float | None:
        """Return ∂L/∂w by extrapolated differences, or None where a kink is too near."""
        row: list[float] = []
        best, best_error = 0.0, math.inf
        for halving in range(HALVINGS):
            difference = self._central_difference(position, LARGEST_STEP / 2**halving)
            if difference is not None and not math.isfinite(difference):
                return math.nan
            if difference is None:  # a kink within the step: start again with a smaller one
                row, best_error = [], math.inf
                continue
            previous, row = row, [difference]
            for order, coarse in enumerate(previous, start=1):
                row.append(row[-1] + (row[-1] - coarse) / (4**order - 1))
                error = max(abs(row[-1] - row[-2]), abs(row[-1] - coarse))
                if error <= best_error:
                    best, best_error = row[-1], error
            if best_error <= GOOD_ENOUGH * max(abs(best), floor):
                return best
        return best if len(row) >= 3 else None

    def _central_difference(self, position: int, h: float) -> float | None:
        """Return D(h), or None where a kink lies within the step."""
        values = self._step.vector.values
        before = values[position]
        values[position] = before + h
        above, sides_above = self._loss()
        values[position] = before - h
        below, sides_below = self._loss()
        values[position] = before
        return (above - below) / (2.0 * h) if sides_above == sides_below else None

    def _loss(self) -> tuple[float, list[bytes]]:
        """Return the loss, and on which side of every kink it was computed."""
        self._model.generator_states = self._states
        self._sides = []
        loss = self._step.forward(*self._batch)
        kinks = self._step.loss.kinks
        if kinks:  # targets of other losses may be class numbers
            self._note(self._step.loss.output - self._batch[1], kinks)
        for penalty in self._step.penalties:
            self._note(penalty.w, penalty.regularizer.kinks)
        return loss, self._sides
