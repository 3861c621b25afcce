"""`Shown` and `Report`: what all that is shown as text, page and figure can do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from ffnn.core.checks import check_path, check_text
from ffnn.core.files import check_target, replace_whole
from ffnn.reports.pieces import Piece

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Shown:
    """Something found about a model that is shown as text, as a page and as a figure.

    ``print`` shows it at 80 columns, a notebook as a page, `save` writes that page into a file, and
    `plot` returns its pictures.

    Attributes
    ----------
    pieces : list of Table, Matrix, Chart, Bars or Pictures
        What it consists of, in the order in which it is shown.
    note : str
        What else there is to say. It may be set, and is shown below the headline.
    """

    title: ClassVar[str]
    pieces: list[Piece]
    note: str = ""

    @property
    def headline(self) -> str:
        """What was found, in a sentence."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str], title: str | None = None) -> None:
        """Write it into one HTML file that needs no network, whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to; it ends in ``.html``.
        title : str, optional
            The page's heading, by default what it is.

        Raises
        ------
        TypeError, ValueError
            `path` is no path or has another ending, or `title` is no string.
        OSError
            The file cannot be written; an old one is left as it was.
        """
        from ffnn.reports.page import page

        target = check_path("save", "path", path)
        if not target.lower().endswith(".html"):
            raise ValueError(f"save: expected a path that ends in .html, got {target!r}")
        title = self.title if title is None else check_text("save", "title", title)
        check_target(target)
        replace_whole(
            target,
            page(title, self.headline, self.note, self.pieces).encode("utf-8", errors="replace"),
        )

    def plot(self) -> Figure:
        """Return the charts, the confusion matrix and the pictures as a figure of matplotlib."""
        from ffnn.reports.figure import plot

        return plot(self.headline, self.pieces)

    def __str__(self) -> str:
        from ffnn.reports.text import text

        return text(self.title, self.headline, self.note, self.pieces)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def _repr_html_(self) -> str:
        """Return it for a notebook."""
        from ffnn.reports.page import notebook_html

        return notebook_html(self.headline, self.note, self.pieces)


class Report(Shown):
    """What a model does on rows whose targets are known; the rows are not kept.

    Attributes
    ----------
    task : {"classes", "labels", "numbers"}
        What a row of targets is.
    num_rows : int
        How many rows were used.
    scores : mapping of str to float
        The main numbers by name, NaN where one is not defined.
    baseline : mapping of str to float
        What a constant prediction reaches on the same rows, by the same names.
    selected : list of (int, int)
        The rows that are shown one by one, by their places among the rows, and the place of the
        class, label or output that each is shown for: the one that the model is wrong about.
    importance : Importance or None
        How much worse the model answers without each column; None of more than 60 columns, and of
        pictures.
    dependences : list of PartialDependence
        The mean answers over the entries of the most important columns.
    contributions : Contributions or None
        What each column contributes to the answers for the rows `selected`.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> report = ffnn.reports.report(model, x[:200], y[:200])
    >>> report.task, report.num_rows, report.scores["accuracy"] > report.baseline["accuracy"]
    ('classes', 200, True)
    """

    title: ClassVar[str] = "Report"
    task: ClassVar[str]
    num_rows: int
    scores: Mapping[str, float]
    baseline: Mapping[str, float]
    selected: Sequence[tuple[int, int]] = ()
    importance: Shown | None = None
    dependences: Sequence[Shown] = ()
    contributions: Shown | None = None
