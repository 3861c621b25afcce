from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

import ffnn
from ffnn.explanation import explain_step
from ffnn.layers import BatchNorm, Dense, Layer, RMSNorm
from ffnn.regularizers import L2
from ffnn.visualization.computation_figure import (
    DATA,
    GRADIENT,
    Arrow,
    Box,
    plot_computation,
)

BOXES = [
    Box("first", "double", "y = 2 x", "d = 2 g", "k  2.5", "dk 3.5"),
    Box("second", "$x_1$", "z = y", "", "", ""),
]
ARROWS = [Arrow("x\n1.0  2.0"), Arrow("y\n2.0  4.0", "dy\n0.5  0.25"), Arrow("z\n2.0  4.0")]


def texts(figure, colour=None):
    found = figure.axes[0].texts
    return [
        text.get_text()
        for text in found
        if text.get_text() and colour in (None, to_hex(text.get_color()).upper())
    ]


def boxes(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


def arrows(figure):
    """Return colour, start and end of each arrow."""
    return [
        (to_hex(note.arrow_patch.get_edgecolor()).upper(), note.xyann, note.xy)
        for note in figure.axes[0].texts
        if getattr(note, "arrow_patch", None) is not None
    ]


def extents(figure):
    """Return the pixels that each text takes."""
    figure.draw_without_rendering()
    found = [text for text in figure.axes[0].texts if text.get_text()]
    return {text: text.get_window_extent() for text in found}


def assert_readable(figure):
    """Check that all texts lie inside the figure, and none on another one or across a box."""
    found = extents(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in found.items():
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, text
    for (one, first), (other, second) in combinations(found.items(), 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 0.5 or along <= 0.5, f"{one} overlaps {other}"
    for patch in boxes(figure):
        edge = patch.get_window_extent()
        for text, box in found.items():
            inside = edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 <= edge.y1
            assert inside or not edge.overlaps(box), f"{text} crosses the border of a box"


def test_data_is_blue_and_gradients_are_vermilion():
    figure = plot_computation("title", BOXES, ARROWS)

    assert texts(figure, DATA) == [
        "data ↓", "x\n1.0  2.0", "y = 2 x", "k  2.5", "y\n2.0  4.0", "z = y", "z\n2.0  4.0",
    ]  # fmt: skip
    assert texts(figure, GRADIENT) == ["gradients ↑", "d = 2 g", "dk 3.5", "dy\n0.5  0.25"]
    assert texts(figure, "#000000") == ["title", "first", "double", "second", "$x_1$"]


def test_data_stands_on_the_left_and_gradients_on_the_right_of_their_boxes():
    figure = plot_computation("title", BOXES, ARROWS)
    found = {text.get_text(): box for text, box in extents(figure).items()}
    first, second = (patch.get_window_extent() for patch in boxes(figure))

    assert found["k  2.5"].x1 < first.x0 < found["y = 2 x"].x0
    assert found["dk 3.5"].x0 > first.x1 > found["y = 2 x"].x1
    assert first.y0 < found["k  2.5"].y0 < found["k  2.5"].y1 < first.y1
    middle = (first.x0 + first.x1) / 2
    assert middle - 30 < found["y\n2.0  4.0"].x1 < middle < found["dy\n0.5  0.25"].x0 < middle + 30
    assert first.y0 > found["y\n2.0  4.0"].y1 > found["y\n2.0  4.0"].y0 > second.y1
    assert found["x\n1.0  2.0"].y0 > first.y1
    assert found["z\n2.0  4.0"].y1 < second.y0


def test_arrows_lead_from_box_to_box_down_and_up():
    figure = plot_computation("title", BOXES, ARROWS)
    first, second = boxes(figure)
    bottom, top = first.get_y() + first.get_height(), second.get_y()  # the axis points down

    into, down, up, out = arrows(figure)

    assert [arrow[0] for arrow in (into, down, up, out)] == [DATA, DATA, GRADIENT, DATA]
    assert into[1][1] < into[2][1] == first.get_y()
    assert (down[1][1], down[2][1]) == (bottom, top)
    assert (up[1][1], up[2][1]) == (top, bottom)
    assert down[1][0] < up[1][0]
    assert out[1][1] == second.get_y() + second.get_height() < out[2][1]


@pytest.mark.parametrize("size", [1, 12])
def test_figure_is_as_large_as_its_texts(size):
    wide = "\n".join(["  ".join(size * ["-0.123"])] * size)
    longer = [Box("name", "kind", "formula " * size, "back " * size, wide, wide)] * 2
    figure = plot_computation("t" * 5 * size, longer, 3 * [Arrow(wide, wide)])

    assert_readable(figure)
    width, height = figure.get_size_inches()
    assert (width, height) < (5.0, 7.0) if size == 1 else width > 12.0


def test_long_title_is_not_clipped():
    assert_readable(plot_computation("long title " * 6, [Box("a", "b", "c")], 2 * [Arrow("d")]))


def test_names_are_text_and_no_mathematics():
    figure = plot_computation("$t$", [Box("$a$", "$b$", "$c$")], 2 * [Arrow("$d$")])

    for text in figure.axes[0].texts:
        assert not text.get_parse_math() or not text.get_text()


def test_numbers_of_boxes_and_arrows_must_fit():
    with pytest.raises(ValueError, match="expected 3 arrows for 2 boxes, got 2"):
        plot_computation("title", BOXES, ARROWS[:2])


# -- figures of explanations -----------------------------------------------------------------------


def two_three_two():
    model = ffnn.Sequential.from_sizes([2, 3, 2], ["relu", "softmax"], dtype="float64", seed=0)
    model.compile("sgd", "cce")
    return explain_step(model, [[0.5, -1.0], [2.0, 1.5]], [0, 1])


def numbers_in(lines):
    """Return the numbers in lines of text, row by row."""
    return [[float(word) for word in line.split()] for line in lines]


def test_explanation_shows_the_data_and_gradients_of_each_step():
    explanation = two_three_two()
    figure = explanation.plot(precision=6)
    data, gradients = texts(figure, DATA), texts(figure, GRADIENT)
    steps = {(step.direction, step.place): step for step in explanation}

    flows = [text for text in data if text.splitlines()[0] in ("x", "z", "y = x", "y = p")]
    for place, (text, source) in enumerate(zip(flows, "xzxzp", strict=True)):
        step = steps.get(("forward", place)) or steps["loss", place]
        np.testing.assert_allclose(
            numbers_in(text.splitlines()[1:]), step.arrays[source], atol=1e-5
        )
    names = ("δ = ∂L/∂z", "∂L/∂y = ∂L/∂x")
    back = [t for t in gradients if t.splitlines()[0] in names and "∂L/∂W" not in t]
    for place, text in zip((1, 2, 3), back, strict=True):
        step = steps["backward", place]
        np.testing.assert_allclose(
            numbers_in(text.splitlines()[1:]), step.arrays[step.results[-1]], atol=1e-5
        )
    parameters = [text for text in data if text.startswith("W  ")]
    slopes = [text for text in gradients if text.startswith("∂L/∂W  ")]
    for place, weight, slope in zip((0, 2), parameters, slopes, strict=True):
        rows = numbers_in(line.lstrip("Wb") for line in weight.splitlines())
        np.testing.assert_allclose(rows[:-1], steps["forward", place].arrays["W"], atol=1e-5)
        np.testing.assert_allclose(rows[-1], steps["forward", place].arrays["b"], atol=1e-5)
        rows = numbers_in(line.removeprefix("∂L/∂").lstrip("Wb") for line in slope.splitlines())
        np.testing.assert_allclose(rows[:-1], steps["backward", place].arrays["∂L/∂W"], atol=1e-5)
        np.testing.assert_allclose(rows[-1], steps["backward", place].arrays["∂L/∂b"], atol=1e-5)
    assert data[-1] == f"L = {explanation.loss:.6f}"


def test_explanation_shows_the_formulas_of_each_step():
    figure = two_three_two().plot()

    assert texts(figure, "#000000")[1:] == [
        "dense_1", "dense", "dense_1", "relu", "dense_2", "dense", "dense_2", "softmax",
        "loss", "categorical_crossentropy",
    ]  # fmt: skip
    for formula in (
        "z = x Wᵀ + b",
        "y = max(z, 0)",
        "y = e^z / Σ_units e^z",
        "L = -1/n Σ y ∘ log p",
    ):
        assert formula in texts(figure, DATA)
    assert "∂L/∂z = (p - y) / n" in texts(figure, GRADIENT)
    assert "δ = ∂L/∂z\n∂L/∂W = δᵀ x\n∂L/∂b = Σ_rows δ" in texts(figure, GRADIENT)


def test_where_no_gradient_flows_there_is_no_arrow():
    colours = [arrow[0] for arrow in arrows(two_three_two().plot())]

    assert colours == [DATA, DATA, GRADIENT, DATA, GRADIENT, DATA, GRADIENT, DATA, DATA]


def test_penalty_shows_in_its_box_and_in_the_total():
    model = ffnn.Sequential([Dense(1, weight_regularizer=L2(0.5))], 1, "float64", seed=0)
    model.layers[0].params["weight"][:] = 2.0
    model.compile("sgd", "mse")

    figure = explain_step(model, [[1.0]], [[1.0]]).plot()  # p = 2, L = 1, R = 2

    assert texts(figure, DATA)[-1] == "L = 1\nJ = 3"
    assert any("∂R/∂W = 2 λ₂ W\n∂J/∂W = ∂L/∂W + ∂R/∂W" in t for t in texts(figure, GRADIENT))
    assert "∂L/∂W  2\n∂L/∂b  2\n∂J/∂W  4" in texts(figure, GRADIENT)


class Weird_Name(Layer):  # noqa: N801
    """Its parameter has a long name."""

    def parameter_shapes(self, input_dim):
        return {"a_rather_$long$_name": (input_dim,)}

    def initializers(self):
        return {"a_rather_$long$_name": ffnn.initializers.Ones()}

    def forward(self, x, training=False):
        return x * self.params["a_rather_$long$_name"]

    def backward(self, grad):
        self.grads["a_rather_$long$_name"][...] = 0.0
        return grad


@pytest.mark.parametrize(
    ("layers", "columns"),
    [
        ([Dense(3, "relu"), Dense(2, "softmax")], 2),
        ([Dense(8, "gelu"), Dense(3, "softmax")], 4),
        ([Dense(5), BatchNorm(), RMSNorm(), Weird_Name(), Dense(12, "softmax")], 40),
    ],
    ids=["2-3-2", "4-8-3", "wide"],
)
def test_figure_of_an_explanation_is_readable(layers, columns):
    model = ffnn.Sequential(layers, columns, seed=0)
    model.compile("adam", "cce")
    x = np.random.default_rng(0).normal(size=(3, columns))

    figure = explain_step(model, x, [0, 1, 1]).plot()

    assert_readable(figure)
    assert figure.get_figwidth() < 10.0  # so that letters of 8 points can be read at 800 pixels


def test_wide_arrays_are_broken_and_very_wide_ones_shortened():
    model = ffnn.Sequential([Dense(8), Dense(12, use_bias=False)], 2, "float64", seed=0)
    model.compile("sgd", "mse")
    explanation = explain_step(model, [[1.0, 0.5]], np.zeros((1, 12)))

    data = texts(explanation.plot(precision=6), DATA)

    (hidden,) = (text for text in data if text.startswith("y = x\n"))
    lines = hidden.splitlines()[1:]
    cuts = [line for line in lines if line.startswith("[:,")]
    shown = [float(word) for line in lines if line not in cuts for word in line.split()]
    np.testing.assert_allclose(shown, explanation[0].arrays["y"][0], atol=1e-5)
    assert cuts == ["[:,4:]"]
    (weight,) = (text for text in data if text.startswith("W  ") and "…" in text)
    assert all(len(line) <= 60 for line in weight.splitlines())
    assert weight.count("\n") + 1 == 3 * 8  # 7 of 12 rows and one of dots, in three parts
    (output,) = (text for text in data if text.startswith("y = p\n"))
    assert output.endswith("…")
    numbers = [word for word in output.split()[3:] if word[0] not in "[…"]
    assert len(numbers) == 7
