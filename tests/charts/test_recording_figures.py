"""What the figures of a recording show."""

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.callbacks.recording import Recording
from ffnn.charts.recording_figures import RULE_OF_THUMB
from ffnn.layers import BatchNorm, Dense, Dropout

PANELS = [
    ("gradients", "norm", "norm of the gradient"),
    ("updates", "ratio", "ratio of update to parameter (dotted: 1e-3)"),
    ("activations", "zero_fraction", "share of zero activations"),
    ("weights", "std", "standard deviation of the parameter"),
]


@pytest.fixture(scope="module")
def recording():
    layers = [Dense(6, "relu"), BatchNorm(), Dropout(0.5), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, seed=0)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).standard_normal((30, 3))
    options = {"initial_epoch": 2, "epochs": 16, "verbose": 0}
    model.fit(x, x[:, 0], callbacks=[Recorder(histograms=8)], **options)
    return model.recording


def made_up(layers, epochs, value=1.0):
    recording = Recording([(layer, "weight") for layer in layers], layers)
    for epoch in range(epochs):
        tables = {
            kind: np.full((len(layers), 2 if kind == "updates" else 4), value)
            for kind in ("weights", "gradients", "updates", "activations")
        }
        recording.append(epoch, tables)
    return recording


def lines_of(axes):
    """Return the lines with data, without the one across."""
    return [line for line in axes.lines if len(line.get_xdata()) and not is_across(line)]


def is_across(line):
    return list(line.get_ydata()) == [RULE_OF_THUMB] * 2


def assert_nothing_is_cut_off(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    inside = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert inside.x0 >= 0.0
    assert inside.y0 >= 0.0
    assert inside.x1 <= width
    assert inside.y1 <= height


# -- over time ----------------------------------------------------------------------------------


def test_each_panel_shows_a_line_a_layer_of_its_statistic(recording):
    figure = recording.plot()

    assert len(figure.axes) == 4
    for axes, (kind, statistic, title) in zip(figure.axes, PANELS, strict=True):
        assert axes.get_title(loc="left") == title
        first = {"dense_1": "weight", "batch_norm_1": "gamma", "dense_2": "weight"}
        if kind == "activations":
            layers = ["dense_1", "batch_norm_1", "dropout_1", "dense_2"]
            first = dict.fromkeys(layers, "output")
        for line, (layer, array) in zip(lines_of(axes), first.items(), strict=True):
            assert line.get_xdata().tolist() == list(range(3, 17))  # counted from 1
            expected = recording.series(kind, layer, array, statistic)
            np.testing.assert_array_equal(line.get_ydata(), expected)


def test_gradients_and_ratios_are_logarithmic_and_shares_from_0_to_1(recording):
    gradients, updates, activations, weights = recording.plot().axes

    assert [axes.get_yscale() for axes in (gradients, updates)] == ["log", "log"]
    assert [axes.get_yscale() for axes in (activations, weights)] == ["linear", "linear"]
    low, high = activations.get_ylim()
    assert -0.1 < low <= 0.0
    assert 1.0 <= high < 1.1


def test_the_rule_of_thumb_is_marked_in_its_panel_alone(recording):
    marked = [any(map(is_across, axes.lines)) for axes in recording.plot().axes]

    assert marked == [False, True, False, False]


def test_a_layer_has_one_look_in_all_panels_and_in_the_legend(recording):
    figure = recording.plot()
    (legend,) = figure.legends
    looks = {
        text.get_text(): (handle.get_color(), handle.get_linestyle())
        for text, handle in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }

    assert list(looks) == ["dense_1", "batch_norm_1", "dropout_1", "dense_2"]
    assert len(set(looks.values())) == 4
    for axes, (kind, *_) in zip(figure.axes, PANELS, strict=True):
        layers = dict.fromkeys(layer for layer, _ in recording.names(kind))
        for line, layer in zip(lines_of(axes), layers, strict=True):
            assert (line.get_color(), line.get_linestyle()) == looks[layer]


def test_many_layers_can_be_told_apart():
    figure = made_up([f"dense_{number}" for number in range(1, 61)], 3).plot()

    looks = [
        (line.get_color(), line.get_linestyle(), line.get_marker())
        for line in figure.legends[0].get_lines()
    ]
    assert len(set(looks)) == len(looks) == 60
    assert_nothing_is_cut_off(figure)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_numbers_that_a_logarithm_cannot_show_raise_nothing(value):
    figure = made_up(["dense_1"], 3, value).plot()

    assert figure.axes[1].get_yscale() == "log"
    assert_nothing_is_cut_off(figure)


def test_one_epoch_alone_has_one_tick():
    figure = made_up(["dense_1"], 1).plot()
    assert_nothing_is_cut_off(figure)

    low, high = figure.axes[-1].get_xlim()
    ticks = [tick for tick in figure.axes[-1].get_xticks() if low <= tick <= high]
    assert ticks == [1.0]


def test_names_are_text_and_long_ones_are_cut():
    names = ["_hidden_1", "$x^2$_1", "L" * 80 + "_1"]
    figure = made_up(names, 2).plot()

    texts = figure.legends[0].get_texts()
    assert [text.get_text() for text in texts[:2]] == names[:2]
    assert texts[2].get_text() == "L" * 47 + "…"
    assert not any(text.get_parse_math() for text in texts)
    assert_nothing_is_cut_off(figure)


def test_nothing_is_cut_off(recording):
    assert_nothing_is_cut_off(recording.plot())
    for layer in ("dense_1", "batch_norm_1", "dropout_1"):
        assert_nothing_is_cut_off(recording.plot_histograms(layer))


# -- distributions ------------------------------------------------------------------------------


def rows_of(axes):
    """Return epoch → (edges, heights) of the filled histograms of a panel."""
    found = {}
    for patch in axes.patches:
        if patch.get_fill():
            values, edges, base = patch.get_data()
            found[round(np.max(base))] = (edges, base - values)
    return found


@pytest.mark.parametrize(("array", "shown"), [(None, "weight"), ("bias", "bias")])
def test_histograms_show_the_square_roots_of_their_counts(recording, array, shown):
    figure = recording.plot_histograms("dense_1", array)

    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == [shown, f"gradient of {shown}", "activations"]
    kinds = [("weights", shown), ("gradients", shown), ("activations", "output")]
    places = [0, 1, 3, 4, 6, 7, 9, 10, 12, 13]  # ten of fourteen, evenly spread
    for axes, (kind, name) in zip(figure.axes, kinds, strict=True):
        histogram = recording.histogram(kind, "dense_1", name)
        rows = rows_of(axes)
        assert sorted(rows) == list(range(10))
        for row, place in enumerate(places):
            counts = histogram.counts[place]
            used = np.flatnonzero(counts)
            edges, heights = rows[row]
            inside = slice(used[0], used[-1] + 1)
            expected = 0.9 * np.sqrt(counts[inside] / counts.max())
            np.testing.assert_allclose(heights, expected)
            np.testing.assert_allclose(edges, histogram.edges[place][used[0] : used[-1] + 2])


def test_rows_are_labelled_with_their_epochs_the_first_at_the_top(recording):
    axes = recording.plot_histograms("dense_1").axes[0]

    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["3", "4", "6", "7", "9", "10", "12", "13", "15", "16"]
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_a_layer_without_parameters_shows_its_activations(recording):
    figure = recording.plot_histograms("dropout_1")

    assert [axes.get_xlabel() for axes in figure.axes] == ["activations"]
    assert figure.get_suptitle().startswith("dropout_1\n")


def test_unknown_names_and_missing_histograms_are_refused(recording):
    with pytest.raises(ValueError, match="known: dense_1, batch_norm_1, dropout_1, dense_2"):
        recording.plot_histograms("dense_9")
    with pytest.raises(ValueError, match="known: gamma, beta"):
        recording.plot_histograms("batch_norm_1", "weight")
    with pytest.raises(ValueError, match="no histograms were recorded"):
        made_up(["dense_1"], 1).plot_histograms("dense_1")


def test_values_that_are_all_the_same_are_a_thin_line():
    model = ffnn.Sequential([Dense(2), Dense(1)], input_dim=1, seed=0)
    model.compile(ffnn.optimizers.SGD(0.0))
    model.fit([[1.0], [2.0]], [0.0, 1.0], verbose=0, callbacks=[Recorder(histograms=4)])

    figure = model.recording.plot_histograms("dense_1", "bias")

    assert figure.axes[0].get_xlim() == (-1.0, 1.0)
    assert_nothing_is_cut_off(figure)
