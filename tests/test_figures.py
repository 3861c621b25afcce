"""What all figures have in common: whole labels, colours that can be told apart."""

import itertools

import all_figures
import numpy as np
import pytest
from colour_vision import TO_XYZ, seen
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

import ffnn
from ffnn.callbacks import History
from ffnn.charts import style
from ffnn.charts.direct_labels import shades, spread
from ffnn.charts.fitting import fit
from ffnn.layers import Dense, Dropout
from ffnn.visualization import compare_histories

NAMES = {"long": "of a rather long name that somebody gave to it", "unbroken": "n" * 60}


def written(figure):
    """Yield the texts that are drawn, with their extents in pixels."""
    unseen = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            scale = axis.get_transform().transform
            low, high = sorted(scale(axis.get_view_interval()))
            room = 1e-6 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - room <= scale(tick.get_loc()) <= high + room or not axes.axison:
                    unseen |= {tick.label1, tick.label2}
    for text in figure.findobj(Text):
        is_seen = text.get_visible() and text not in unseen
        if is_seen and text.get_text().strip():
            yield text, text.get_window_extent()


def cut_labels(figure):
    """Return what is written beyond the edges of a figure."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    return [
        text.get_text()
        for text, box in written(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


@pytest.mark.parametrize("length", NAMES)
@pytest.mark.parametrize("name", all_figures.NAMES)
def test_no_label_is_cut(name, length):
    figure = all_figures.figures(NAMES[length])[name]()
    assert cut_labels(figure) == []
    if length == "long" and name != "Explanation.plot":  # which is as large as its texts
        size = figure.get_size_inches()
        for scale in (0.9, 1.5):
            figure.set_size_inches(size * scale)
            assert cut_labels(figure) == []


def test_a_cut_label_is_found():
    figure = style.new_figure(3.0, 2.0)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_ylabel("cut")
    assert "cut" in cut_labels(figure)


def test_a_label_follows_the_size_of_the_figure_and_what_it_is_set_to():
    figure = style.new_figure(3.0, 2.0)
    axes = figure.add_subplot()
    whole = "a title of several words which is long"
    axes.set_title(whole, loc="left")
    figure.draw_without_rendering()
    assert len(axes.get_title(loc="left").split("\n")) > 1
    figure.set_size_inches(12.0, 2.0)
    figure.draw_without_rendering()
    assert axes.get_title(loc="left") == whole
    axes.set_title("short", loc="left")
    figure.draw_without_rendering()
    assert axes.get_title(loc="left") == "short"


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("one two", 7, "one two"),
        ("one two", 6, "one\ntwo"),
        ("one two three", 7, "one two\nthree"),
        ("abcdefgh", 3, "abc\ndef\ngh"),
        ("a bcdefgh", 3, "a\nbcd\nef…"),  # no more than three lines
        ("one\ntwo three", 5, "one\ntwo\nthree"),
        ("ab", 0.5, "a\nb"),
        ("", 3, ""),
    ],
)
def test_a_text_is_broken_into_lines_that_fit(text, room, expected):
    assert fit(text, room, len) == expected


# -- colours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(7))
def test_numbers_on_nodes_can_be_read(place):
    colour = style.layer_colour(place)
    letters = seen(to_hex(style.letters_on(colour)), "all cones")[0]
    assert abs(letters - seen(colour, "all cones")[0]) > 45.0


def test_no_two_of_many_layers_have_lines_alike():
    looks = {tuple(sorted(style.layer_line(place).items())) for place in range(100)}
    assert len(looks) == 100


def test_a_layer_has_one_colour_in_all_figures():
    layers = [Dense(4, "tanh"), Dropout(0.5, seed=0), Dense(3, "relu"), Dense(2, "softmax")]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    recorder = ffnn.callbacks.Recorder(histograms=8)
    model.fit(all_figures.X, all_figures.CLASSES % 2, epochs=2, verbose=0, callbacks=[recorder])
    for place in (0, 2, 3):
        layer, expected = model.layers[place], style.layer_colour(place).lower()
        for method in (model.plot_weights, model.plot_gradients, model.plot_distributions):
            bars = [bar for axes in method([place]).axes for bar in axes.patches]
            assert {to_hex(bar.get_facecolor()) for bar in bars} == {expected}
        recording = model.recording.plot()
        names = [text.get_text() for text in recording.legends[0].get_texts()]
        lines = recording.legends[0].get_lines()
        assert to_hex(lines[names.index(layer.name)].get_color()) == expected
        for axes in recording.axes:
            assert expected in {to_hex(line.get_color()) for line in axes.lines}
        histograms = model.recording.plot_histograms(layer.name)
        steps = [step for axes in histograms.axes for step in axes.patches]
        shown = [s.get_facecolor() if s.get_fill() else s.get_edgecolor() for s in steps]
        assert set(map(to_hex, shown)) == {expected}
        nodes = model.plot_graph().axes[0].collections
        at = [(0, 2, 3).index(place) + 1]
        colours = {
            to_hex(colour)
            for group in nodes
            if group.get_label() in ("neuron", "output")
            for (x, _), colour in zip(group.get_offsets(), group.get_facecolors(), strict=True)
            if x == at[0]
        }
        assert colours == {expected}
        assert f'fill="{style.layer_colour(place)}"' in model._repr_html_()


# -- many trainings ----------------------------------------------------------------------------


def history_of(values, validation=None):
    history = History()
    history.epoch = list(range(len(values)))
    history.history = {"loss": values} | ({"val_loss": validation} if validation else {})
    return history


@pytest.mark.parametrize("count", [8, 14, 30])
def test_each_of_many_trainings_has_its_label_at_the_end_of_its_line(count):
    runs = {f"run {i}": history_of([2.0, 1.0 + 1e-3 * i]) for i in range(count)}
    figure = compare_histories(runs)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert len({line.get_color() for line in axes.lines}) == count
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the line to it
    assert [text.get_text() for text in axes.texts] == list(runs)
    for text, line in zip(axes.texts, axes.lines, strict=True):
        assert text.xy == (2, line.get_ydata()[-1])
        assert text.arrow_patch.get_edgecolor()[:3] == to_rgb(line.get_color())
    for text, box in zip(axes.texts, boxes, strict=True):
        assert text.arrow_patch.get_window_extent().x1 <= box.x0
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    heights = [box.y0 for box in boxes]
    assert heights == sorted(heights)  # in the order of the lines


def test_long_labels_have_numbers_that_the_legend_explains():
    runs = {f"a learning rate of {i / 100}": history_of([2.0, 1.0]) for i in range(9)}
    (axes,) = compare_histories(runs).axes
    assert [text.get_text() for text in axes.texts] == [str(i + 1) for i in range(9)]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[4] == "5  a learning rate of 0.04: best 1, epoch 2"


def test_of_many_trainings_the_validation_is_shown():
    runs = {f"{i}": history_of([3.0, 2.0], [5.0, 4.0 - i]) for i in range(8)}
    (axes,) = compare_histories(runs).axes
    assert [line.get_ydata()[-1] for line in axes.lines] == [4.0 - i for i in range(8)]
    assert axes.get_title(loc="left") == "validation"


def test_a_training_without_a_finite_number_has_no_label():
    runs = {f"{i}": history_of([3.0, 2.0]) for i in range(8)} | {"x": history_of([np.nan])}
    (axes,) = compare_histories(runs).axes
    assert [text.get_text() for text in axes.texts] == [f"{i}" for i in range(8)]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0.5], [0.5]),
        ([0.2, 0.8], [0.2, 0.8]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.6, 0.5, 0.55], [0.65, 0.45, 0.55]),
        ([0.0, 0.0], [0.0, 0.1]),
        ([1.0, 1.0, 0.3], [0.9, 1.0, 0.25]),
        ([], []),
    ],
)
def test_labels_are_spread(places, expected):
    assert spread(places, 0.1) == pytest.approx(expected)


def test_shades_are_all_different():
    assert len(set(shades(60))) == 60


# -- dark paper --------------------------------------------------------------------------------


def contrast(colour, ground):
    """Return the contrast of two colours, from 1 to 21, as the WCAG 2 define it."""
    lightest, darkest = sorted(
        (float(TO_XYZ[1] @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)))
        for c in (np.array(to_rgb(colour)), np.array(to_rgb(ground)))
    )[::-1]
    return (lightest + 0.05) / (darkest + 0.05)


@pytest.mark.parametrize("name", all_figures.NAMES)
def test_figures_follow_a_dark_style(name):
    import matplotlib.style

    with matplotlib.style.context("dark_background"):
        figure = all_figures.figures("a")[name]()
        figure.draw_without_rendering()
    assert to_hex(figure.get_facecolor()) == "#000000"
    for text, _ in written(figure):
        inside = text.axes is not None and (text.axes.images or text.axes.collections)
        if not inside or text not in text.axes.texts:
            assert contrast(text.get_color(), "black") > 3.0, text.get_text()
    for axes in figure.axes:
        for line in axes.lines:
            assert contrast(line.get_color(), "black") > 2.9


@pytest.mark.parametrize("place", range(7))
def test_layers_can_be_seen_on_dark_paper(place):
    import matplotlib.style

    with matplotlib.style.context("dark_background"):
        colour = style.layer_line(place)["color"]
        others = [style.layer_line(other)["color"] for other in range(7)]
    assert contrast(colour, "black") > 3.0
    assert len(set(others)) == 7
