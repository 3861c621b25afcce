"""The page's heatmaps and pictures, as Bokeh figures without values: the scripts fill them in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.charts.style import BLACK, LIGHT_GREY, NEGATIVE, POSITIVE
from ffnn.visualization.page_blocks import MAX_NAMES, PICTURES_A_ROW, Block, Panel, Pictures
from ffnn.visualization.page_graph import FONT, QUIET, TEXT

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure  # noqa: N812 - Bokeh's class has no capital


def build_heatmap(panel: Panel) -> Figure:
    """Return a figure with an image for each block of a panel, each of one pixel that is NaN.

    The renderer of the images is named ``"image"``.
    """
    from bokeh.models import Range1d

    right = max(block.x + block.width for block in panel.blocks)
    figure = _image_figure(
        panel.blocks,
        frame_height=panel.height,
        x_range=Range1d(-0.5, right),
        y_range=Range1d(panel.rows - 0.5, -0.5),  # row 0 on top, as the array is printed
    )
    _label_axis(figure.xaxis, panel.column_label, panel.column_names, panel.columns)
    _label_axis(figure.yaxis, panel.row_label, panel.row_names, panel.rows)
    _mark_bias(figure, panel.blocks)
    return figure


def _image_figure(blocks: Sequence[Block], **options: Any) -> Figure:
    """Return a figure with an empty image for each block, a colour bar and tools."""
    from bokeh import models
    from bokeh.palettes import interp_palette
    from bokeh.plotting import figure

    result = figure(
        sizing_mode="stretch_width",
        tools="",
        toolbar_location="right",
        outline_line_color=LIGHT_GREY,
        background_fill_color="#FAFAFA",
        **options,
    )
    places = ("x", "y", "width", "height")
    data: dict[str, Any] = {key: [getattr(block, key) for block in blocks] for key in places}
    data["image"] = [np.full((1, 1), np.nan, np.float32) for _ in blocks]
    palette = interp_palette((NEGATIVE, "#FFFFFF", POSITIVE), 255)  # odd: zero is white
    mapper = models.LinearColorMapper(palette=palette, low=-1.0, high=1.0, nan_color=BLACK)
    renderer = result.image("image", *places, source=data, color_mapper=mapper, name="image")
    bar = models.ColorBar(color_mapper=mapper, width=12, padding=4, major_label_text_font=FONT)
    result.add_layout(bar, "right")
    box = models.BoxZoomTool()
    hover = models.HoverTool(renderers=[renderer], tooltips=None)
    result.add_tools(box, models.PanTool(), models.WheelZoomTool(), models.ResetTool(), hover)
    result.toolbar.active_drag = box
    result.toolbar.logo = None
    result.grid.visible = False
    return result


def _label_axis(axis: Any, label: str, names: list[str] | None, number: int) -> None:
    from bokeh.models import BasicTicker, FixedTicker, PlainText

    axis.axis_label = PlainText(label)
    axis.axis_label_text_font = axis.major_label_text_font = FONT
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_color = axis.major_label_text_color = TEXT
    axis.axis_line_color = axis.minor_tick_line_color = None
    axis.bounds = (0, number - 1)  # no number under the bias
    if names is not None:
        axis.ticker = FixedTicker(ticks=list(range(number)))
        axis.major_label_overrides = {i: PlainText(name) for i, name in enumerate(names)}
        if sum(map(len, names)) > 56:
            axis.major_label_orientation = math.pi / 4
    elif number <= MAX_NAMES:
        axis.ticker = FixedTicker(ticks=list(range(number)))
    else:
        axis.ticker = BasicTicker(min_interval=1)


def _mark_bias(figure: Figure, blocks: Sequence[Block]) -> None:
    """Write "bias" over the strip that holds it."""
    from bokeh.models import FixedTicker, LinearAxis

    for block in blocks:
        if block.name == "bias":
            centre = block.x + block.width / 2
            axis = LinearAxis(
                ticker=FixedTicker(ticks=[centre]),
                major_label_overrides={centre: "bias"},
                major_label_text_font=FONT,
                major_label_text_color=TEXT,
                axis_line_color=None,
            )
            figure.add_layout(axis, "above")


def build_pictures(pictures: Pictures) -> Figure:
    """Return a figure with an empty image for each picture, under its unit's number.

    The renderer of the images is named ``"image"``.
    """
    from bokeh.core.properties import value
    from bokeh.models import Range1d

    blocks = pictures.blocks
    width = 1.15 * PICTURES_A_ROW
    height = 1.3 * math.ceil(len(blocks) / PICTURES_A_ROW)
    figure = _image_figure(
        blocks,
        aspect_ratio=width / height,
        x_range=Range1d(-0.1, width),
        y_range=Range1d(height - 0.2, -0.3),
    )
    figure.axis.visible = False
    figure.outline_line_color = None
    figure.background_fill_color = "white"
    figure.text(
        [block.x + 0.5 for block in blocks],
        [block.y - 0.03 for block in blocks],
        [str(block.unit) for block in blocks],
        text_align="center",
        text_baseline="bottom",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=QUIET,
    )
    return figure
