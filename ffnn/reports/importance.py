"""Permutation importance as a table and as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int, check_items
from ffnn.core.text import counted, shorten
from ffnn.data.sources import ArraySource
from ffnn.inspection.permutation import permutation_drops
from ffnn.inspection.rows import MOST_ROWS, Rows, draw, find_column, rows_of
from ffnn.inspection.scores import SCORES, score
from ffnn.models.decisions import decided, task_of
from ffnn.models.trainable import Trainable
from ffnn.reports.base import Shown
from ffnn.reports.pieces import Bars, Table, rate, strokes

MOST_COLUMNS = 100  # that are permuted without being named
MOST_BARS = 20
_NAMED = 3


class Importance(Shown):
    """How much worse a model answers where a column tells nothing: its entries are shuffled.

    Attributes
    ----------
    columns : tuple of str
        The columns.
    drops : ndarray of shape (columns, repeats)
        By how much the score falls, of each column for each order of the rows.
    mean, std : ndarray of shape (columns,)
        Mean and standard deviation over the orders.
    score_name : str
        "accuracy", "accuracy of the labels" or "R²".
    score : float
        That of the rows as they are.
    num_rows : int
        How many rows were used.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ffnn.Sequential([Dense(1)], seed=0)
    >>> model.compile("adam", "mean_squared_error")
    >>> history = model.fit(x, x.sum(axis=1), verbose=0)
    >>> importance = ffnn.reports.report(model, x, x.sum(axis=1)).importance
    >>> importance.columns, importance.score_name, len(importance.drops)
    (('column 0', 'column 1'), 'R²', 2)
    """

    title: ClassVar[str] = "Permutation importance"

    def __init__(
        self, columns: Sequence[str], score_name: str, score: float, drops: Array, num_rows: int
    ) -> None:
        self.columns, self.score_name, self.score = tuple(columns), score_name, score
        self.drops, self.num_rows = drops, num_rows
        self.mean: Array = drops.mean(axis=1)
        self.std: Array = drops.std(axis=1)
        self.pieces = [self._bars()]

    @property
    def order(self) -> list[int]:
        """The places of the columns, the most important one first."""
        places: list[int] = np.argsort(-self.mean, kind="stable").tolist()
        return places

    @property
    def headline(self) -> str:
        """The score, and the columns without which it falls the most."""
        named = ", ".join(
            f"{rate(float(self.mean[place]))} without {shorten(self.columns[place], 24)}"
            for place in self.order[:_NAMED]
        )
        return (
            f"{self.score_name} {rate(self.score)} on {counted(self.num_rows, 'row')} falls by "
            f"{named}"
        )

    def _bars(self) -> Bars:
        order, some = self.order, ""
        repeats = self.drops.shape[1]
        how = (
            f"By how much {self.score_name} falls where a column's entries are shuffled among "
            f"{counted(self.num_rows, 'row')}: mean and standard deviation of "
            f"{counted(repeats, 'order')}."
        )
        rows = tuple(
            (self.columns[i], rate(float(self.mean[i])), rate(float(self.std[i])), stroke)
            for i, stroke in zip(order, strokes(self.mean[order]), strict=True)
        )
        table = Table(self.title, ("column", "importance", "±", ""), rows, "lrrl", how)
        if len(order) > MOST_BARS:
            some = f" The {MOST_BARS} most important of {len(order)} columns."
            order = order[:MOST_BARS]
        return Bars(
            self.title,
            tuple(self.columns[i] for i in order),
            self.mean[order],
            tuple(rate(float(self.mean[i])) for i in order),
            f"{self.score_name} lost",
            f"permutation importance: {self.headline}",
            table,
            self.std[order],
            how + some,
        )


def permutation_importance(
    model: Trainable,
    x: Any,
    y: Any = None,
    repeats: int = 5,
    seed: int = 0,
    columns: Sequence[str | int] | None = None,
) -> Importance:
    """Return the importance of columns; `Sequential.permutation_importance` says more."""
    owner = "permutation_importance"
    repeats = check_int(owner, "repeats", repeats, low=1)
    seed = check_int(owner, "seed", seed, low=0, high=None)
    if columns is not None:
        columns = check_items(owner, "columns", columns)
    model.require_compiled()
    model.require_built()
    examples = model.open_examples(x, y, measured=False)
    chosen = draw(len(examples.x), MOST_ROWS)
    rows = rows_of(model, examples.x, chosen, None, chosen)
    target = decided(model, examples.y.data)[chosen]
    return importance_of(model, rows, target, repeats, seed, columns)


def importance_of(
    model: Trainable,
    rows: Rows,
    target: Array,
    repeats: int = 5,
    seed: int = 0,
    columns: Sequence[str | int] | None = None,
) -> Importance:
    """Return the importance of columns for some rows, whose targets are decisions."""
    owner, names = "permutation_importance", list(rows.columns)
    if columns is not None:
        names = list(dict.fromkeys(find_column(owner, rows.columns, each) for each in columns))
        if not names:
            raise ValueError(f"{owner}: columns names none")
    elif len(names) > MOST_COLUMNS:
        raise ValueError(
            f"{owner}: shuffling {len(names)} columns would take {len(names) * repeats:,} "
            f"predictions of {counted(len(rows), 'row')}; name up to {MOST_COLUMNS} of them in "
            f"columns"
        )
    rng, task, stages = np.random.default_rng(seed), task_of(model), model.replicas()
    orders = [rng.permutation(len(rows)) for _ in range(repeats)]

    def measure(features: Array) -> float:
        return score(task, target, model.compute(ArraySource(features), stages))

    groups = [rows.columns[name] for name in names]
    baseline, drops = permutation_drops(measure, rows.features, groups, orders)
    return Importance(names, SCORES[task], baseline, drops, len(rows))
