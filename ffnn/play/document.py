"""The page as a Bokeh document: figures and sources, within a frame of HTML of our own.

The page shows frames and sends commands. It says when it has drawn a frame, and gets the next one
only then: a slow browser gets fewer frames, not a queue of them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import CLASSES, TRAINING, VALIDATION
from ffnn.play.snapshot import RUNNING, Snapshot
from ffnn.play.viewer import SIDE, Viewer, rgba, shade

SCRIPTS = ("numbers.js", "network.js", "controls.js", "touch.js", "play.js")
_MAP = "Cividis256"  # which looks alike with all kinds of colour vision
_CURVE_SECONDS, _PLANE_SECONDS = 0.25, 0.1  # between two drawings, which cost more than others
_MOST_POINTS = 1_000  # rows that are drawn of each kind


class Tab:
    """One open page.

    Parameters
    ----------
    document : bokeh.document.Document
        An empty one, which is filled.
    facts : dict
        What the page needs to know before the first frame.
    obey : callable
        Takes each command of the page.
    """

    def __init__(
        self, document: Any, facts: dict[str, Any], obey: Callable[[Tab, dict[str, Any]], None]
    ) -> None:
        from bokeh.models import ColumnDataSource, CustomJS
        from jinja2 import Template

        self.document, self._obey = document, obey
        self.is_ready = False  # to show a frame
        self.shown = 0  # the number of the frame that it has
        self._viewer: Viewer | None = None
        self._curves_due = self._plane_due = 0.0
        self._frames = ColumnDataSource({"facts": [], "numbers": [], "bytes": []}, name="frames")
        self._commands = ColumnDataSource({"commands": []}, name="commands")
        self._curves = ColumnDataSource({name: [] for name in _CURVES})
        self._image = ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
        self._points = {name: ColumnDataSource(_no_points()) for name in ("train", "test")}
        self._commands.on_change("data", self._receive)
        models = {
            "frames": self._frames,
            "commands": self._commands,
            "loss": _draw_curves("loss", "loss", self._curves),
            "metric": _draw_curves("metric", "metric", self._curves),
            "plane": _draw_plane(self._image, self._points),
        }
        self._figures = models
        models["loss"].tags = [self._frames, self._commands]  # so the document has them
        for name in ("loss", "metric", "plane"):
            document.add_root(models[name])
        begin = CustomJS(args=models, code=f"ffnnPlay.begin({{{', '.join(models)}}})")
        document.js_on_event("document_ready", begin)
        document.js_on_event("connection_lost", CustomJS(code="ffnnPlay.lose()"))
        document.title = facts["title"]
        document.template = Template(_read("play.html"))
        document.template_variables.update(
            facts=json.dumps(facts).replace("<", "\\u003c"),
            heading=facts["title"],
            style=_read("play.css"),
            script="\n".join(map(_read, SCRIPTS)),
        )

    def show(self, viewer: Viewer, snapshot: Snapshot, content: dict[str, list[Any]]) -> None:
        """Send a frame, for the page to draw when it can."""
        self.is_ready, self.shown = False, snapshot.number
        self.document.add_next_tick_callback(lambda: self._update(viewer, snapshot, content))

    def _update(self, viewer: Viewer, snapshot: Snapshot, content: dict[str, list[Any]]) -> None:
        if viewer is not self._viewer:
            self._viewer = viewer
            metrics = viewer.network.epoch_metrics
            self._figures["metric"].yaxis.axis_label = metrics[0].name if metrics else ""
            for name, points in self._points.items():
                points.data = _points(viewer, name)
        now, is_still = time.monotonic(), snapshot.state != RUNNING
        if now >= self._curves_due or is_still:
            self._curves_due = now + _CURVE_SECONDS
            self._curves.data = curves = _curves(snapshot)
            for name in ("loss", "metric"):
                _fit(self._figures[name], curves, name)
        if viewer.plane is not None and (now >= self._plane_due or is_still):
            self._plane_due = now + _PLANE_SECONDS
            (left, right), (low, high) = viewer.plane.x, viewer.plane.y
            plane = self._figures["plane"]
            plane.x_range.update(start=left, end=right)
            plane.y_range.update(start=low, end=high)
            picture = _picture(viewer)
            self._image.data = {
                "image": [picture],
                "x": [left],
                "y": [low],
                "dw": [right - left],
                "dh": [high - low],
            }
        self._frames.data = content

    def _receive(self, attribute: str, old: Any, new: Any) -> None:
        for text in new.get("commands", ()):
            try:
                commands = json.loads(text)
            except ValueError:
                continue
            for command in commands if isinstance(commands, list) else ():
                if isinstance(command, dict):
                    self._obey(self, command)


def _read(name: str) -> str:
    return (resources.files("ffnn.play") / name).read_text(encoding="utf-8")


# -- figures -----------------------------------------------------------------------------------

_CURVES = ("epoch", "loss", "val_loss", "metric", "val_metric")


def _curves(snapshot: Snapshot) -> dict[str, list[Any]]:
    """Return what the epochs reported: the loss, and the first metric, of both kinds of rows."""
    points = snapshot.curves
    metrics = snapshot.network.epoch_metrics
    names = ["loss", "val_loss"]
    names += [metrics[0].name, f"val_{metrics[0].name}"] if metrics else ["", ""]
    columns = [[logs.get(name, float("nan")) for _, logs in points] for name in names]
    return dict(zip(_CURVES, [[epoch for epoch, _ in points], *columns], strict=True))


def _fit(drawn: Any, curves: dict[str, list[Any]], name: str) -> None:
    """Let a figure show all of its curves."""
    known = [
        value for key in (name, f"val_{name}") for value in curves[key] if math.isfinite(value)
    ]
    low, high = min([0.0, *known]), max(known, default=1.0)
    drawn.x_range.update(start=0, end=max(curves["epoch"], default=1))
    drawn.y_range.update(start=low, end=high + 0.05 * (high - low) if high > low else low + 1.0)


def _draw_curves(name: str, label: str, source: Any) -> Any:
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    drawn = figure(
        name=name,
        height=138,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        background_fill_alpha=0.0,
        border_fill_alpha=0.0,
        outline_line_color=None,
        min_border=8,  # half a line of the axis' first and last number
    )
    for column, colour, dash in ((name, TRAINING, "solid"), (f"val_{name}", VALIDATION, "dashed")):
        drawn.line("epoch", column, source=source, color=colour, line_dash=dash, line_width=2)
    drawn.add_tools(
        HoverTool(
            tooltips=[("epoch", "@epoch"), ("training", f"@{name}"), ("test", f"@val_{name}")],
            mode="vline",
        )
    )
    drawn.yaxis.axis_label = label
    drawn.xaxis.visible = name == "metric"
    drawn.xaxis.axis_label = "epoch"
    return drawn


def _draw_plane(image: Any, points: dict[str, Any]) -> Any:
    from bokeh.plotting import figure

    drawn = figure(
        name="plane",
        height=330,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="tap",
        x_range=(-1.0, 1.0),
        y_range=(-1.0, 1.0),
        background_fill_alpha=0.0,
        border_fill_alpha=0.0,
        min_border=4,
    )
    drawn.grid.visible = False
    picture = drawn.image_rgba("image", "x", "y", "dw", "dh", source=image)
    picture.nonselection_glyph = None
    for name, line in (("train", "white"), ("test", "black")):
        marks = drawn.scatter(
            "x",
            "y",
            source=points[name],
            marker="marker",
            fill_color="colour",
            line_color=line,
            size=7,
            line_width=0.8,
        )
        marks.nonselection_glyph = marks.selection_glyph = None
    return drawn


def _no_points() -> dict[str, list[Any]]:
    return {"x": [], "y": [], "colour": [], "marker": []}


def _points(viewer: Viewer, name: str) -> dict[str, Any]:
    """Return the rows of one kind as points."""
    problem = viewer.problem
    if problem is None or viewer.plane is None:
        return _no_points()
    x, y = {
        "train": (problem.x_train, problem.y_train),
        "test": (problem.x_test, problem.y_test),
    }[name]
    x, y = x[:_MOST_POINTS], y[:_MOST_POINTS]
    if problem.class_names is None:
        low, high = viewer.range
        palette = _palette()
        places = (255 * (y.reshape(len(y), -1)[:, 0] - low) / (high - low)).clip(0, 255)
        colours, markers = [palette[int(place)] for place in places], ["circle"] * len(y)
    else:
        classes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.ravel().astype(int)
        colours = [CLASSES[each % len(CLASSES)] for each in classes]
        markers = [_MARKERS[each % len(_MARKERS)] for each in classes]
    return {"x": x[:, 0], "y": x[:, 1], "colour": colours, "marker": markers}


_MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle")


def _picture(viewer: Viewer) -> Array:
    """Return the answers over the plane as colours."""
    answers = viewer.answers
    problem = viewer.problem
    if problem is not None and problem.class_names is not None:
        both = (
            np.concatenate([1.0 - answers, answers], axis=2) if answers.shape[2] == 1 else answers
        )
        return shade(both)
    low, high = viewer.range
    palette = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in _palette()])
    with np.errstate(over="ignore", invalid="ignore"):  # of a training that diverges
        places = np.nan_to_num(255 * (answers[:, :, 0] - low) / (high - low)).clip(0, 255)
    return rgba(palette[places.astype(int)], np.ones((SIDE, SIDE)))


def _palette() -> Any:
    from bokeh import palettes

    return getattr(palettes, _MAP)
