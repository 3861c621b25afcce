"""What notebooks show of a recording: a table of its layers."""

from __future__ import annotations

import math

from ffnn.charts.html import block, table
from ffnn.charts.recording_figures import PANELS, RecordingLike, first_arrays, series_of, title_of
from ffnn.core.text import counted


def recording_html(recording: RecordingLike) -> str:
    """Return each layer's numbers in the first and the last epoch, as HTML.

    They are those of ``recording.plot()``.
    """
    name = type(recording).__name__
    if not recording.epochs:
        return block(name, ["No epoch was recorded yet."], "")
    rows = []
    for layer, _ in recording.names("activations"):
        cells = [layer]
        for panel in PANELS:
            array = first_arrays(recording, panel.kind).get(layer)
            if array is None:
                cells.append("")
                continue
            series = series_of(recording, panel, layer, array)
            cells.append(f"{_number(series[0])} → {_number(series[-1])}")
        rows.append(tuple(cells))
    lines = [counted(len(recording.epochs), "epoch"), "In the first and in the last epoch:"]
    shorts = [panel.short for panel in PANELS]
    if any(title_of(recording, panel) != panel.title for panel in PANELS):
        shorts[2] = "zero or saturated activations"
    header = ("layer", *shorts)
    return block(name, lines, table(header, rows, "l" + "r" * len(PANELS)))


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
