"""A figure that shows itself in a notebook. This module is imported with the first figure."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from ffnn._types import Array
from ffnn.charts.fitting import fit

_SHARPNESS = 2  # pixels of the picture to one of the page, for dense screens
_BESIDE, _BELOW, _HANDLE = 0.75, 0.35, 0.7  # inches of ticks and labels, and of a legend's sample
_TIGHT = 0.7  # of the room; what takes more is fitted again when the axes are laid out
_MARGIN = 0.12  # as the axes may yet move a little


class NotebookFigure(Figure):
    """A figure of matplotlib that a notebook shows as a picture, without `pyplot`.

    Where `pyplot` is used beside it, its own way of showing figures comes first. Titles, labels of
    axes and legends of panels are broken into lines that fit, whatever size the figure is given.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fitted: dict[Text, tuple[str, str]] = {}  # the whole text, and what is drawn of it

    def draw(self, renderer: Any) -> None:
        """Draw it with labels that fit."""
        engine = self.get_layout_engine()
        if isinstance(engine, ConstrainedLayoutEngine) and self._fit_all(renderer, False):
            engine.execute(self)
            self._fit_all(renderer, True)
        super().draw(renderer)

    def _fit_all(self, renderer: Any, is_laid_out: bool) -> bool:
        """Break all labels into lines that fit; tell whether any fits barely or not at all."""
        is_any_tight = False
        for text, inches in self._labels(is_laid_out):
            whole, shown = self._fitted.get(text, ("", ""))
            if text.get_text() != shown:  # not yet seen, or changed since
                whole = text.get_text()
            if whole:
                fitting = self._fit(text, whole, inches, renderer)
                is_any_tight |= self._fit(text, whole, _TIGHT * inches, renderer) != whole
                text.set_text(fitting)
                self._fitted[text] = whole, fitting
        return is_any_tight

    def _fit(self, text: Text, whole: str, inches: float, renderer: Any) -> str:
        font = text.get_fontproperties()

        def width_of(line: str) -> float:
            size: tuple[float, float, float] = renderer.get_text_width_height_descent(
                line, font, ismath=False
            )
            return size[0]

        return fit(whole, inches * self.dpi, width_of)

    def _labels(self, is_laid_out: bool) -> Iterator[tuple[Text, float]]:
        """Yield the texts whose lengths are anybody's, with the room that they have in inches."""
        size = self.get_size_inches()
        yield from ((text, size[0] - 0.2) for text in self.texts)
        for axes in self.axes:
            spec = axes.get_subplotspec()
            if spec is not None:
                inside = axes.get_position().get_points() * size if is_laid_out else None
                yield from _labels_of(axes, self._cell(spec) * size, inside, size)

    def _cell(self, spec: SubplotSpec) -> Array:
        """Return the corners of a panel's share of the figure."""
        if spec.get_topmost_subplotspec() is not spec:
            return np.asarray(spec.get_position(self).get_points())
        rows, columns = spec.get_gridspec().get_geometry()
        down, across = spec.rowspan, spec.colspan
        return np.array(
            [
                [across.start / columns, 1.0 - down.stop / rows],
                [across.stop / columns, 1.0 - down.start / rows],
            ]
        )

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size at which it is shown."""
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=_SHARPNESS * self.dpi)
        width, height = (round(length * self.dpi) for length in self.get_size_inches().tolist())
        return content.getvalue(), {"width": width, "height": height}


def _labels_of(
    axes: Axes, cell: Array, inside: Array | None, size: Array
) -> Iterator[tuple[Text, float]]:
    """Yield the texts of a panel with their room.

    `cell` is its share of the figure of a `size`, and `inside` is where its axes lie, once they are
    laid out: corners in inches. Titles begin at the left of the axes, other labels lie around the
    middle.
    """
    width, height = (cell[1] - cell[0]).tolist()
    title = across = max(width - _BESIDE, 0.3 * width)
    up = max(height - 2 * _BELOW, 0.5 * height)
    if inside is not None:
        start, middle, length = inside[0], inside.mean(axis=0), inside[1] - inside[0]
        around = np.maximum(2.0 * np.minimum(middle - cell[0], cell[1] - middle), length)
        across, up = np.minimum(around, 2.0 * np.minimum(middle, size - middle)).tolist()
        title = min(max(cell[1, 0] - start[0], length[0]), size[0] - start[0])
    notes = set(axes.texts)
    titles = [each for each in axes.get_children() if isinstance(each, Text) and each not in notes]
    yield from ((each, title - _MARGIN) for each in titles)
    yield axes.xaxis.label, across - _MARGIN
    yield axes.yaxis.label, up - _MARGIN
    legend = axes.get_legend()
    if legend is not None:
        yield from ((entry, max(width - _HANDLE, 0.3 * width)) for entry in legend.get_texts())
