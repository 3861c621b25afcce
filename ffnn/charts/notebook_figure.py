"""A figure that shows itself in a notebook. This module is imported with the first figure."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from ffnn._types import Array
from ffnn.charts.fitting import fit

_SHARPNESS = 2  # pixels of the picture to one of the page, for dense screens
_BESIDE, _BELOW, _HANDLE = 0.75, 0.35, 0.7  # inches of ticks and labels, and of a legend's sample
_MARGIN = 0.04
_Corners = list[list[float]]  # lower left and upper right


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
        """Break all labels into lines that fit; tell whether any is broken."""
        is_any_broken = False
        for text, inches in self._labels(is_laid_out):
            whole, shown = self._fitted.get(text, ("", ""))
            if text.get_text() != shown:  # not yet seen, or changed since
                whole = text.get_text()
            if whole:
                fitting = self._fit(text, whole, inches, renderer)
                is_any_broken |= fitting != whole
                text.set_text(fitting)
                self._fitted[text] = whole, fitting
        return is_any_broken

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
                slot = (spec.get_position(self).get_points() * size).tolist()
                inside = axes.get_position().get_points() * size
                yield from _labels_of(axes, slot, inside.tolist() if is_laid_out else None, size)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size at which it is shown."""
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=_SHARPNESS * self.dpi)
        width, height = (round(length * self.dpi) for length in self.get_size_inches().tolist())
        return content.getvalue(), {"width": width, "height": height}


def _labels_of(
    axes: Axes, slot: _Corners, inside: _Corners | None, size: Array
) -> Iterator[tuple[Text, float]]:
    """Yield the texts of a panel with their room.

    `slot` is about its place in the figure of a `size`, and `inside` is where its axes lie, once
    they are laid out, all in inches. Titles begin at the left of the axes, other labels lie around
    the middle.
    """
    (left, bottom), (right, top) = slot
    width, height = right - left, top - bottom
    title = across = max(width - _BESIDE, 0.3 * width)
    up = max(height - 2 * _BELOW, 0.5 * height)
    if inside is not None:
        start, x = inside[0][0], (inside[0][0] + inside[1][0]) / 2
        y = (inside[0][1] + inside[1][1]) / 2
        title = min(max(title, right - start), size[0] - start)
        across = min(max(across, 2 * min(x - left, right - x)), 2 * min(x, size[0] - x))
        up = min(max(up, 2 * min(y - bottom, top - y)), 2 * min(y, size[1] - y))
    notes = set(axes.texts)
    titles = [each for each in axes.get_children() if isinstance(each, Text) and each not in notes]
    yield from ((each, title - _MARGIN) for each in titles)
    yield axes.xaxis.label, across - _MARGIN
    yield axes.yaxis.label, up - _MARGIN
    legend = axes.get_legend()
    if legend is not None:
        yield from ((entry, max(width - _HANDLE, 0.3 * width)) for entry in legend.get_texts())
