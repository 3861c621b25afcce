import math
import re

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

import ffnn
from ffnn.charts.style import BLACK, GREY, KIND_COLOURS, NEGATIVE, POSITIVE, layer_colour
from ffnn.layers import BatchNorm, Dense, Dropout, LeakyReLU, Rescaling, RMSNorm
from ffnn.visualization import edge_labels
from ffnn.visualization.edge_labels import LABEL, label_corners, overlaps
from ffnn.visualization.graph_figure import NODE_SIZE, THICKEST, THINNEST, plot_graph
from ffnn.visualization.selection import BIAS_DISTANCE


def network(*sizes, activation="tanh", **options):
    model = ffnn.Sequential.from_sizes(sizes, activation, seed=0, **options)
    model.parameters[...] = np.random.default_rng(1).standard_normal(model.parameters.size)
    return model


def with_gradients(model):
    rng = np.random.default_rng(2)
    model.compile("sgd", "mse")
    model.compute_gradients(
        rng.standard_normal((9, model.input_dim)), rng.standard_normal((9, model.output_dim))
    )
    return model


def lines_of(figure):
    """Return the edges: their segments, colours and widths."""
    (lines,) = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    colours = [to_hex(colour).upper() for colour in lines.get_colors()]
    return np.array(lines.get_segments()), colours, np.array(lines.get_linewidths())


def nodes_of(figure):
    """Return kind → centres of the nodes."""
    return {
        nodes.get_label(): nodes.get_offsets().tolist()
        for nodes in figure.axes[0].collections
        if isinstance(nodes, PathCollection)
    }


def texts_of(figure):
    """Return what is written besides the edges' labels."""
    return [text.get_text() for text in figure.axes[0].texts if text.get_gid() != LABEL]


def labels_of(figure):
    return [text for text in figure.axes[0].texts if text.get_gid() == LABEL]


def title_of(figure):
    return " ".join(figure.get_suptitle().split("\n"))


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def expected_lines(model, arrays):
    """Return (x, y of the start, x, y of the end) → value, for a network that is shown whole."""
    lines = {}
    for k, layer in enumerate(model.layers):
        units, inputs = layer.params["weight"].shape
        for j in range(units):
            end = (k + 1.0, (units - 1) / 2 - j)
            for i in range(inputs):
                start = (float(k), (inputs - 1) / 2 - i)
                lines[start + end] = float(getattr(layer, arrays)["weight"][j, i])
            start = (float(k), (inputs - 1) / 2 + BIAS_DISTANCE)
            lines[start + end] = float(getattr(layer, arrays)["bias"][j])
    return lines


@pytest.mark.parametrize(("values", "arrays"), [("weight", "params"), ("gradient", "grads")])
def test_each_edge_has_the_colour_of_its_sign_and_the_width_of_its_size(values, arrays):
    model = with_gradients(network(4, 8, 3))
    expected = expected_lines(model, arrays)
    segments, colours, widths = lines_of(plot_graph(model, values))

    assert len(segments) == len(expected) == 67
    largest = max(map(abs, expected.values()))
    for segment, colour, width in zip(segments, colours, widths, strict=True):
        value = expected.pop(tuple(segment.ravel()))
        assert colour == (POSITIVE if value > 0 else NEGATIVE)
        share = (width - THINNEST) / (THICKEST - THINNEST)
        assert share == pytest.approx(abs(value) / largest, abs=1e-6)
    assert expected == {}


def test_stronger_edges_are_drawn_over_weaker_ones():
    _, _, widths = lines_of(plot_graph(network(4, 8, 3)))

    assert (np.diff(widths) >= 0).all()


def test_nodes_stand_in_columns_by_kind_in_their_colours():
    figure = plot_graph(network(2, 3, 1))

    assert nodes_of(figure) == {
        "input": [[0, 0.5], [0, -0.5]],
        "bias": [[0, 0.5 + BIAS_DISTANCE], [1, 1 + BIAS_DISTANCE]],
        "neuron": [[1, 1], [1, 0], [1, -1]],
        "output": [[2, 0]],
    }
    expected = {kind: KIND_COLOURS[kind] for kind in ("input", "bias")}
    expected |= {"neuron": layer_colour(0), "output": layer_colour(1)}
    for nodes in figure.axes[0].collections:
        if isinstance(nodes, PathCollection):
            colours = {to_hex(colour).upper() for colour in nodes.get_facecolor()}
            assert colours == {expected[nodes.get_label()].upper()}


def test_captions_tell_name_size_and_activation():
    model = ffnn.Sequential(
        [Dense(3), RMSNorm(), LeakyReLU(0.2), Dropout(0.5), Dense(1, "sigmoid")], input_dim=2
    )
    texts = texts_of(plot_graph(model))

    assert [text for text in texts if text in ("input", "dense_1", "dense_2")] == [
        "input",
        "dense_1",
        "dense_2",
    ]
    for text in ("2 inputs", "3 neurons", "1 output", "LeakyReLU(negative_slope=0.2)", "Sigmoid"):
        assert texts.count(text) == 1


def test_legend_names_what_is_there():
    assert legend_of(plot_graph(network(2, 3, 1)))[:4] == [
        "input",
        "bias",
        "weight above 0",
        "weight below 0",
    ]
    positive = ffnn.Sequential([Dense(2, use_bias=False)], input_dim=2)
    positive.parameters[...] = [0.5, 1, 2, 0.25]
    assert legend_of(plot_graph(positive)) == ["input", "weight above 0", "widest: ±2"]


# -- labels of a small network --------------------------------------------------------------------


def test_small_network_has_weight_and_gradient_on_every_edge():
    model = with_gradients(network(2, 3, 1))
    figure = plot_graph(model)
    weights, gradients = expected_lines(model, "params"), expected_lines(model, "grads")
    segments, _, _ = lines_of(figure)

    labels = labels_of(figure)
    assert len(labels) == 13
    for label, segment in zip(labels, segments, strict=True):
        line = tuple(segment.ravel())
        weight, gradient = map(float, re.fullmatch(r"(\S+)  ∇ (\S+)", label.get_text()).groups())
        assert weight == pytest.approx(weights[line], rel=0.005)
        assert gradient == pytest.approx(gradients[line], rel=0.005)
        (x1, y1, _, y2), (x, y) = line, label.get_position()
        assert 0 < x - x1 < 1
        assert y == pytest.approx(y1 + (x - x1) * (y2 - y1))
    assert "on each edge: weight ∇ gradient" in title_of(figure)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (5, 5, 1), (2, 2, 2, 2, 2, 2, 2), (6, 5)])
def test_labels_overlap_neither_each_other_nor_nodes(sizes):
    figure = plot_graph(with_gradients(network(*sizes)))
    figure.draw_without_rendering()
    axes, radius = figure.axes[0], NODE_SIZE / 2 * figure.dpi / 72
    boxes = []
    for label in labels_of(figure):
        angle = math.radians(label.get_rotation())
        label.set_rotation(0)
        size = label.get_window_extent().size
        centre = axes.transData.transform(label.get_position())
        boxes.append(
            label_corners(centre[None], size, np.array([math.cos(angle), math.sin(angle)]))
        )
    for nodes in nodes_of(figure).values():
        for centre in axes.transData.transform(nodes):
            square = np.array([2 * radius, 2 * radius])
            boxes.append(label_corners(centre[None], square, np.array([1.0, 0.0])))

    assert len(boxes) > sum(sizes)
    for index, box in enumerate(boxes[: len(labels_of(figure))]):
        others = np.concatenate(boxes[:index] + boxes[index + 1 :])
        assert not overlaps(box, others).any()


def test_without_gradients_labels_show_the_weight_alone_and_the_title_says_so():
    model = network(2, 3, 1)
    figure = plot_graph(model)

    assert sorted(label.get_text() for label in labels_of(figure)) == sorted(
        f"{value:.3g}" for value in model.parameters
    )
    assert title_of(figure) == "Weights of the network 2-3-1 all 13 edges no gradient yet"


def test_labels_are_left_out_above_the_limit():
    model = with_gradients(network(2, 3, 1))

    assert len(labels_of(plot_graph(model, max_labels=13))) == 13
    figure = plot_graph(model, max_labels=12)
    assert labels_of(figure) == []
    assert title_of(figure) == "Weights of the network 2-3-1 all 13 edges"
    assert labels_of(plot_graph(with_gradients(network(4, 8, 3)))) == []


def test_title_does_not_tell_of_labels_that_do_not_fit(monkeypatch):
    monkeypatch.setattr(edge_labels, "place_labels", lambda *args: None)
    figure = plot_graph(with_gradients(network(2, 3, 1)))

    assert labels_of(figure) == []
    assert title_of(figure) == "Weights of the network 2-3-1 all 13 edges"


def test_gains_stand_under_the_neurons():
    model = ffnn.Sequential([BatchNorm(), Dense(2), RMSNorm(), Dense(1)], input_dim=2)
    model.layers[0].params["gamma"][...] = [1.5, 2]
    model.layers[0].params["beta"][...] = [0, -0.25]
    model.layers[2].params["gamma"][...] = [0.125, 1]
    with_gradients(model)
    model.layers[2].grads["gamma"][...] = [3, 4]

    texts = texts_of(plot_graph(model))
    assert [text for text in texts if "γ" in text] == [
        "γ=1.5 β=0",
        "γ=2 β=-0.25",
        "γ=0.125",
        "γ=1",
    ]
    texts = texts_of(plot_graph(model, "gradient"))
    assert [text for text in texts if "γ" in text][2:] == ["∇γ=3", "∇γ=4"]


# -- large networks -------------------------------------------------------------------------------


def test_title_tells_what_is_hidden_and_a_node_how_much():
    figure = plot_graph(network(784, 128, 64, 10), max_units=12, max_edges=50)

    assert title_of(figure) == (
        "Weights of the network 784-128-64-10 showing the strongest 12 of 784 inputs, "
        "12 of 128 neurons of dense_1, 12 of 64 neurons of dense_2, 150 of 109,386 edges "
        "no gradient yet"
    )
    texts = texts_of(figure)
    assert [text for text in texts if "more" in text] == ["+ 772 more", "+ 116 more", "+ 52 more"]
    segments, _, _ = lines_of(figure)
    assert len(segments) == 150
    nodes = nodes_of(figure)
    assert [len(nodes[kind]) for kind in ("input", "neuron", "output")] == [12, 24, 10]
    assert [x for x, _ in nodes["folded"]] == [0, 1, 2]


def test_the_strongest_neurons_and_edges_are_shown_by_their_numbers():
    model = ffnn.Sequential([Dense(1, use_bias=False)], input_dim=30)
    model.parameters[...] = np.arange(30) / 100
    model.parameters[7], model.parameters[21] = -5, 3
    figure = plot_graph(model, max_units=2)

    assert texts_of(figure)[:4].count("7") == 1
    assert {"7", "21", "⋮", "+ 28 more"} < set(texts_of(figure))
    assert sorted(label.get_text() for label in labels_of(figure)) == ["-5", "3"]


def test_outputs_are_folded_too():
    title = title_of(plot_graph(network(3, 40), max_units=10))

    assert "10 of 40 outputs" in title


def test_huge_network_is_drawn_in_its_strongest_parts():
    figure = plot_graph(ffnn.Sequential.from_sizes([784, 1024, 1024, 10], "relu", seed=0))

    assert "240 of 1,863,690 edges" in title_of(figure)
    assert len(lines_of(figure)[0]) == 240


# -- odd networks ---------------------------------------------------------------------------------


def test_zero_weights_are_grey_and_thin():
    model = network(2, 2)
    model.parameters[...] = 0
    _, colours, widths = lines_of(plot_graph(model))

    assert set(colours) == {GREY}
    assert set(widths) == {THINNEST}


def test_numbers_that_are_not_finite_leave_the_others_their_scale():
    model = ffnn.Sequential([Dense(1, use_bias=False)], input_dim=4)
    model.parameters[...] = [1, -np.inf, np.nan, -2]
    segments, colours, widths = lines_of(plot_graph(model))

    found = {
        1.5 - y: (colour, round(float(width), 6))
        for y, colour, width in zip(segments[:, 0, 1], colours, widths, strict=True)
    }
    assert found == {
        0: (POSITIVE, (THINNEST + THICKEST) / 2),
        1: (NEGATIVE, THICKEST),
        2: (BLACK, THICKEST),
        3: (NEGATIVE, THICKEST),
    }


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(1)],
        [Dense(3, use_bias=False)],
        [BatchNorm(), Rescaling(2.0), Dense(3, "relu"), Dropout(0.5), Dense(1, "sigmoid")],
    ],
)
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_odd_networks_are_drawn(layers, suffix, tmp_path):
    model = ffnn.Sequential([type(layer)(**layer.get_config()) for layer in layers], input_dim=3)

    plot_graph(model).savefig(tmp_path / f"net.{suffix}")

    assert (tmp_path / f"net.{suffix}").stat().st_size > 1000


def test_names_are_written_as_they_are(tmp_path):
    model = network(2, 3)
    model.feature_names = ["$width_1$", "two\nlines\x07"]
    model.class_names = ["<script>", "a" * 23 + "bcd", r"$\frac"]
    figure = plot_graph(model)
    figure.savefig(tmp_path / "net.png")

    texts = [text for text in figure.axes[0].texts if text.get_gid() != LABEL]
    shown = {text.get_text(): text for text in texts}
    names = ["$width_1$", "two lines\ufffd", "<script>", "a" * 23 + "…", r"$\frac"]
    assert set(names) < set(shown)
    assert not any(shown[name].get_parse_math() for name in names)
    sides = [shown[name].get_horizontalalignment() for name in names]
    assert sides == ["right", "right", "left", "left", "left"]


def test_nothing_reaches_over_the_figure(tmp_path):
    model = network(3, 4, 2)
    model.feature_names, model.class_names = ["a long name of a feature"] * 3, ["W" * 40] * 2
    figure = plot_graph(model)
    figure.savefig(tmp_path / "net.png")

    width, height = figure.bbox.size
    artists = [*figure.axes[0].texts, *figure.texts, *figure.legends[0].get_texts()]
    for artist in artists:
        left, bottom, right, top = artist.get_window_extent().extents
        assert left >= 0
        assert bottom >= 0
        assert right <= width
        assert top <= height


def test_gradients_that_were_never_computed_cannot_be_drawn():
    with pytest.raises(RuntimeError, match=r"no gradients to show yet: call compute_gradients"):
        plot_graph(network(2, 1), "gradient")


def test_network_without_weights_cannot_be_drawn():
    with pytest.raises(RuntimeError, match="no parameters yet"):
        plot_graph(ffnn.Sequential([Dense(2)]))
    with pytest.raises(ValueError, match="expected a network with a Dense layer"):
        plot_graph(ffnn.Sequential([BatchNorm()], input_dim=2))
