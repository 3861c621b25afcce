"""The report on numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.metrics import R2
from ffnn.reports.base import Report
from ffnn.reports.mistakes import MOST_IN_TEXT, with_entries
from ffnn.reports.pieces import Chart, Mark, Table, number, rate
from ffnn.reports.rows import Answers, Inputs
from ffnn.reports.scores import MOST_GROUPS

MOST_OUTPUTS = 4  # that have charts of their own
MOST_POINTS = 600  # of a scatter plot
MOST_ERRORS = 24
_RANGES = 5  # of the target
_LONGEST_HISTOGRAM = 40  # bars


class Range(NamedTuple):
    """A range of the target, and the errors in it.

    Attributes
    ----------
    low, high : float
        The smallest and the largest target in it.
    rows : int
        How many rows.
    mean_error, mae, rmse : float
        Mean of predicted - true, mean absolute error, root of the mean squared error.
    """

    low: float
    high: float
    rows: int
    mean_error: float
    mae: float
    rmse: float


class LargeError(NamedTuple):
    """A row with a large error; `output` is its place among several, from 0."""

    row: int
    true: float
    predicted: float
    output: int = 0


class NumberReport(Report):
    """A report on numbers.

    Attributes
    ----------
    output_names : tuple of str
        Names of the outputs; a single one has none.
    outputs : list of dict
        The scores of each output: R², MAE (mean absolute error), RMSE (root mean squared
        error). `scores` has R² as the mean over the outputs, and the others over all entries.
    ranges : list of list of Range
        The error by range of the target, of each output: fifths of the rows.
    largest_errors : list of LargeError
        The rows with the largest absolute errors.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ffnn.Sequential([Dense(1)], seed=0)
    >>> model.compile("adam", "mean_squared_error")
    >>> history = model.fit(x, x.sum(axis=1), verbose=0)
    >>> report = ffnn.reports.report(model, x, x.sum(axis=1))
    >>> sorted(report.scores), len(report.outputs)
    (['MAE', 'RMSE', 'R²'], 1)
    """

    task: ClassVar[str] = "numbers"

    def __init__(self, answers: Answers) -> None:
        target, predicted = answers.target, answers.output.astype(np.float64)
        self.output_names, self.num_rows = answers.names, len(target)
        columns = [slice(i, i + 1) for i in range(target.shape[1])]
        self.outputs: list[Mapping[str, float]] = [
            _measure(target[:, each], predicted[:, each]) for each in columns
        ]
        self.scores = _measure(target, predicted)
        self.baseline = _measure(target, np.broadcast_to(target.mean(axis=0), target.shape))
        errors = predicted - target
        self.ranges: list[list[Range]] = [
            _ranges(*pair) for pair in zip(target.T, errors.T, strict=True)
        ]
        order = np.argsort(-np.abs(errors), axis=None, kind="stable")[:MOST_ERRORS]
        worst = [divmod(int(place), target.shape[1]) for place in order]
        self.selected = worst
        self.largest_errors: list[LargeError] = [
            LargeError(
                answers.inputs.number(row), float(target[row, i]), float(predicted[row, i]), i
            )
            for row, i in worst
        ]
        self.pieces = [self._overview(), *([self._each_output()] if len(self.outputs) > 1 else [])]
        for index in range(min(len(self.outputs), MOST_OUTPUTS)):
            self.pieces += self._charts(index, target[:, index], predicted[:, index])
            self.pieces.append(self._by_range(index))
        self.pieces.append(self._largest([row for row, _ in worst], answers.inputs))

    @property
    def headline(self) -> str:
        """R² and the mean absolute error, beside that of the mean."""
        several = f" and {len(self.outputs)} outputs" if len(self.outputs) > 1 else ""
        return (
            f"R² {rate(self.scores['R²'])}, mean absolute error {number(self.scores['MAE'])} on "
            f"{counted(self.num_rows, 'row')}{several}; always the mean: "
            f"{number(self.baseline['MAE'])}"
        )

    def _overview(self) -> Table:
        names = {"MAE": "mean absolute error", "RMSE": "root mean squared error", "R²": "R²"}
        rows = tuple(
            (names[key], _shown(key, value), _shown(key, self.baseline[key]))
            for key, value in self.scores.items()
        )
        text = "The baseline predicts the mean of these rows."
        return Table("Scores", ("", "model", "baseline"), rows, "lrr", text)

    def _each_output(self) -> Table:
        pairs = list(zip(self.output_names, self.outputs, strict=True))
        rows = tuple(
            (name, *(_shown(key, value) for key, value in scores.items()))
            for name, scores in pairs[:MOST_GROUPS]
        )
        some = f"The first {MOST_GROUPS} of {len(pairs):,}." if len(pairs) > MOST_GROUPS else ""
        if len(pairs) > MOST_OUTPUTS:
            some += f" Charts and errors by range are of the first {MOST_OUTPUTS}."
        return Table("Outputs", ("output", *self.outputs[0]), rows, "lrrr", some.strip())

    def _titled(self, title: str, index: int) -> str:
        name = self.output_names[index]
        return f"{title}: {name}" if name else title

    def _charts(self, index: int, target: Array, predicted: Array) -> list[Chart]:
        errors = predicted - target
        shown = _drawn(errors)
        low, high = (float(f(np.concatenate([target, predicted]))) for f in (np.min, np.max))
        ends, across = np.array([low, high]), np.array([predicted.min(), predicted.max()])
        zero = Mark("line", across, np.zeros(2), "no error", None)
        heights, edges = _histogram(errors)
        score = rate(self.outputs[index]["R²"])
        spread = f"from {number(float(errors.min()))} to {number(float(errors.max()))}"
        return [
            Chart(
                self._titled("Predicted against true", index), "true", "predicted",
                (Mark("line", ends, ends, "as true", None),
                 Mark("points", target[shown], predicted[shown])),
                f"predicted against true numbers, R² {score}", (low, high), (low, high),
            ),
            Chart(
                self._titled("Residuals against predicted", index), "predicted", "predicted − true",
                (zero, Mark("points", predicted[shown], errors[shown])),
                f"predicted minus true against predicted numbers, residuals {spread}",
            ),
            Chart(
                self._titled("Residuals", index), "predicted − true", "rows",
                (Mark("bars", edges, heights),), f"histogram of residuals, {spread}",
                y_range=(0.0, float(heights.max()) * 1.05),
            ),
        ]  # fmt: skip

    def _by_range(self, index: int) -> Table:
        rows = tuple(
            (number(each.low), number(each.high), f"{each.rows:,}", *map(number, each[3:]))
            for each in self.ranges[index]
        )
        header = ("true from", "to", "rows", "mean error", "MAE", "RMSE")
        return Table(self._titled("Error by range", index), header, rows, "rrrrrr")

    def _largest(self, places: Sequence[int], inputs: Inputs) -> Table:
        several = len(self.outputs) > 1
        header = ("row", *(["output"] if several else []), "true", "predicted", "error")
        rows = tuple(
            (
                f"{each.row:,}",
                *([self.output_names[each.output]] if several else []),
                number(each.true),
                number(each.predicted),
                number(each.predicted - each.true),
            )
            for each in self.largest_errors
        )
        text = f"Rows are counted from {inputs.counted_from}."
        alignments = "r" + ("l" if several else "") + "rrr"
        table = Table("Largest errors", header, rows, alignments, text, most_in_text=MOST_IN_TEXT)
        return with_entries(table, places, inputs)


def _shown(name: str, value: float) -> str:
    return rate(value) if name == "R²" else number(value)


def _measure(target: Array, predicted: Array) -> dict[str, float]:
    """Return R², mean absolute error and root of the mean squared error of (rows, outputs)."""
    r2, errors = R2(), predicted - target
    r2.reset()
    r2.update(target, predicted)
    return {
        "R²": r2.result(),
        "MAE": float(np.abs(errors).mean()),
        "RMSE": float(np.sqrt(np.square(errors).mean())),
    }


def _drawn(errors: Array) -> Array:
    """Return the rows that are drawn: of many, those with the largest errors and every n-th."""
    if len(errors) <= MOST_POINTS:
        return np.arange(len(errors))
    largest = np.argsort(-np.abs(errors), kind="stable")[: MOST_POINTS // 10]
    others = np.linspace(0, len(errors) - 1, MOST_POINTS - len(largest)).astype(np.intp)
    return np.union1d(largest, others)


def _ranges(target: Array, errors: Array) -> list[Range]:
    """Return the errors in fifths of the rows by target; equal targets stay together."""
    inner = np.quantile(target, np.linspace(0, 1, _RANGES + 1)[1:-1])
    places = np.searchsorted(np.unique(inner), target)  # at most a quantile belongs below it
    ranges = []
    for place in np.unique(places):
        inside = places == place
        part, values = errors[inside], target[inside]
        ranges.append(
            Range(
                float(values.min()),
                float(values.max()),
                len(part),
                float(part.mean()),
                float(np.abs(part).mean()),
                float(np.sqrt(np.square(part).mean())),
            )
        )
    return ranges


def _histogram(errors: Array) -> tuple[Array, Array]:
    """Return the number of rows in bins of equal width, about the square root of their number."""
    bins = int(min(max(np.sqrt(len(errors)), 5), _LONGEST_HISTOGRAM))
    return np.histogram(errors, bins)
