"""`explain_step`: one training step of a small network, to be checked by hand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ffnn.core.checks import check_int
from ffnn.core.text import counted
from ffnn.data.batches import leave_out_absent
from ffnn.explanation.drawing import draw
from ffnn.explanation.labels import Head
from ffnn.explanation.markdown import LATEX, MARKDOWN, write_document
from ffnn.explanation.steps import Step
from ffnn.explanation.text import write_text
from ffnn.explanation.trace import trace
from ffnn.layers.base import Layer
from ffnn.models.trainable import Trainable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_PARAMETERS = 400
MAX_ROWS = 8
MAX_COLUMNS = 64
PRECISION, FIGURE_PRECISION = 4, 3


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Sequence[Step]):
    """One training step, as a sequence of steps with their formulas and numbers.

    Attributes
    ----------
    steps : tuple of Step
        From the first layer to the loss, back to the first layer, then the update.
    loss : float
        The loss before the update, penalties included.
    num_rows : int
        The number of rows of the batch.
    dtype : str
        The dtype of the computation.
    input_names, output_names : sequence of str or None
        The names of the columns of the input and of the output.
    """

    steps: tuple[Step, ...]
    loss: float
    num_rows: int
    dtype: str
    input_names: Sequence[str] | None = None
    output_names: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __repr__(self) -> str:
        return f"<Explanation: {self._head.title}, {len(self)} steps, loss {self.loss:.4g}>"

    @property
    def _head(self) -> Head:
        named = {"inputs": self.input_names, "outputs": self.output_names}
        title = f"One training step on {counted(self.num_rows, 'row')} ({self.dtype})"
        return Head(title, self.loss, {what: names for what, names in named.items() if names})

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, precision: int = PRECISION) -> str:
        """Return the explanation as text of at most 80 columns.

        Parameters
        ----------
        precision : int, default 4
            Significant digits of the largest entry of each array; the smallest has at least two.
        """
        check_int("to_text", "precision", precision, low=1)
        return write_text(self._head, self.steps, precision)

    def to_markdown(self, precision: int = PRECISION) -> str:
        """Return the explanation as Markdown, with mathematics as GitHub and notebooks show it.

        Parameters
        ----------
        precision : int, default 4
            As in `to_text`.
        """
        check_int("to_markdown", "precision", precision, low=1)
        return write_document(self._head, self.steps, precision, MARKDOWN)

    def to_latex(self, precision: int = PRECISION) -> str:
        """Return the explanation as the body of a LaTeX document; it needs the package amsmath.

        Parameters
        ----------
        precision : int, default 4
            As in `to_text`.
        """
        check_int("to_latex", "precision", precision, low=1)
        return write_document(self._head, self.steps, precision, LATEX)

    def plot(self, precision: int = FIGURE_PRECISION) -> Figure:
        """Return a figure of the chain of layers, with data and gradients at each.

        Data (blue) flows down, gradients (vermilion) flow up; the update is left out. Of arrays
        with more than 8 rows or columns only the first are shown.

        Parameters
        ----------
        precision : int, default 3
            As in `to_text`.

        Returns
        -------
        matplotlib.figure.Figure
            As large as the numbers need. Save it with its ``savefig``; a notebook shows it.
        """
        check_int("plot", "precision", precision, low=1)
        return draw(self._head, self.steps, precision)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def explain_step(model: Trainable, x: Any, y: Any = None, sample_weight: Any = None) -> Explanation:
    """Return a step's formulas and numbers; `Sequential.explain_step` says more."""
    if model.is_built:
        _check_network(model)
    twin = copy.deepcopy(model)
    batch = twin.open_batch(x, y, sample_weight)
    _check_network(twin)
    if len(batch[0]) > MAX_ROWS:
        raise ValueError(
            f"explain_step: expected at most {MAX_ROWS} rows, got {len(batch[0]):,}. Take the "
            f"first ones: x[:2], y[:2]."
        )
    if batch[2] is None or batch[2].any():
        batch = leave_out_absent(*batch)
    steps, loss = trace(twin, *batch)
    columns = ((model.feature_names, twin.input_dim), (model.class_names, twin.output_dim))
    # One output may have two classes; then their names are not its name.
    names = [names if len(names or ()) == number else None for names, number in columns]
    return Explanation(tuple(steps), loss, len(batch[0]), model.dtype.name, *names)


def _check_network(model: Trainable) -> None:
    size = model.count_params()
    if size > MAX_PARAMETERS:
        raise ValueError(
            f"explain_step: expected a network of at most {MAX_PARAMETERS} parameters, as each one "
            f"is written down, got {size:,}. Explain a smaller network of the same layers."
        )
    layer = max(model.layers, key=_width)
    if _width(layer) > MAX_COLUMNS:
        raise ValueError(
            f"explain_step: expected at most {MAX_COLUMNS} columns into and out of each layer, got "
            f"{_width(layer):,} at {layer.name!r}. Explain a smaller network of the same layers."
        )


def _width(layer: Layer) -> int:
    return max(layer.input_dim or 0, layer.output_dim or 0)
