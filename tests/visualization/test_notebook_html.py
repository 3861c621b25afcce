"""What notebooks show of networks and of trainings, as trees of HTML."""

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np
import pytest

import ffnn
from ffnn.charts.history_html import history_html
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Rescaling
from ffnn.visualization.network_html import network_html

NAN, INF = float("nan"), float("inf")
SCRIPT = "<script>alert('x')</script>"


@dataclass
class History:
    """What the real one holds."""

    history: dict
    higher_is_better: list = field(default_factory=lambda: ["accuracy"])
    interrupted: bool = False
    start: int = 0

    @property
    def epoch(self):
        length = len(next(iter(self.history.values()), []))
        return list(range(self.start, self.start + length))


def network():
    return ffnn.Sequential(
        [
            Rescaling(0.5),
            Dense(128, "relu"),
            LayerNorm(),
            Dropout(0.2),
            Dense(3, use_bias=False),
            Activation("softmax"),
        ],
        input_dim=784,
        seed=0,
    )


def parsed(html):
    """Return the tree of a page's part, which must be whole: each tag closed, all text escaped."""
    assert len(html) < 30_000
    assert "http" not in html
    assert "url(" not in html
    tree = ElementTree.fromstring(html)
    tags = {element.tag for element in tree.iter()}
    assert not tags & {"script", "style", "link", "img", "iframe", "foreignObject"}
    assert not [name for e in tree.iter() for name in e.attrib if name.startswith("on")]
    return tree


def cells(tree):
    return [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]


def texts(tree):
    return [text.text for text in tree.iter("text")]


def points(path):
    """Return a path's points, [x, y] each."""
    found = re.findall(r"[ML]([\d.e+-]+) ([\d.e+-]+)", path.get("d"))
    return np.array(found, dtype=float).reshape(-1, 2)


# -- networks ------------------------------------------------------------------------------------


def test_a_network_is_shown_as_a_table_of_its_layers():
    tree = parsed(network_html(network()))

    assert cells(tree) == [
        ["", "name", "layer", "outputs", "parameters"],
        ["0", "rescaling_1", "Rescaling(0.5)", "784", "0"],
        ["1", "dense_1", "Dense(128, activation=ReLU())", "128", "100,480"],
        ["2", "layer_norm_1", "LayerNorm()", "128", "256"],
        ["3", "dropout_1", "Dropout(0.2)", "128", "0"],
        ["4", "dense_2", "Dense(3, use_bias=False)", "3", "384"],
        ["5", "activation_1", "Activation(Softmax())", "3", "0"],
    ]
    lines = [line.text for line in tree.findall("div")]
    assert lines == ["784 inputs, 101,120 trainable parameters (float32)"]
    assert tree.find("b").text == "Sequential"


def test_the_picture_has_a_column_for_inputs_and_for_each_layer_with_units():
    tree = parsed(network_html(network()))

    assert [text for text in texts(tree) if text != "⋮"] == [
        *("input", "784", "Rescaling"),
        *("dense_1", "128", "ReLU", "LayerNorm", "Dropout"),
        *("dense_2", "3", "Softmax"),
    ]
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in tree.iter("circle")]
    columns = sorted({x for x, _ in circles})
    assert [[x for x, _ in circles].count(column) for column in columns] == [4, 4, 3]
    assert texts(tree).count("⋮") == 2
    fills = [c.get("fill") for c in tree.iter("circle")]
    assert len({fills[0], fills[4], fills[8]}) == 3
    first, second = tree.iter("path")
    assert first.get("d").count("M") == 4 * 4
    assert second.get("d").count("M") == 4 * 3
    starts, ends = points(second)[::2], points(second)[1::2]
    assert {(x - 6, y) for x, y in starts} == set(circles[4:8])
    assert {(x + 6, y) for x, y in ends} == set(circles[8:])


def test_all_of_the_picture_lies_within_it():
    for model in (network(), ffnn.Sequential([Dense(2)]), ffnn.Sequential([Dense(1)], input_dim=1)):
        picture = parsed(network_html(model)).find("svg")
        _, _, width, height = map(float, picture.get("viewBox").split())
        for element in picture.iter():
            for name, limit in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                assert 3 <= float(element.get(name, 3)) <= limit - 3
        for path in picture.iter("path"):
            assert (points(path) > 0).all()
            assert (points(path) < [width, height]).all()


def test_what_is_not_known_before_building_is_a_question_mark():
    tree = parsed(network_html(ffnn.Sequential([Dense(4, "tanh"), BatchNorm()])))

    assert [row[3:] for row in cells(tree)[1:]] == [["?", "?"], ["?", "?"]]
    assert tree.find("div").text == "Not built yet: sizes follow from the number of input columns."
    assert texts(tree) == ["⋮", "input", "?", "dense_1", "4", "Tanh", "BatchNorm"]


def test_a_network_without_units_shows_what_is_there():
    tree = parsed(network_html(ffnn.Sequential([Activation("relu")], input_dim=1)))

    assert texts(tree) == ["input", "1", "ReLU"]
    assert tree.find("div").text == "1 input, 0 trainable parameters (float32)"


def test_class_and_feature_names_are_listed_and_long_lists_cut():
    model = ffnn.Sequential([Dense(12)], input_dim=2)
    model.class_names = [f"kind {number}" for number in range(12)]
    model.feature_names = ["width", "height"]

    lines = [line.text for line in parsed(network_html(model)).findall("div")]

    assert lines[1] == "inputs: width, height"
    assert lines[2].startswith("outputs: kind 0, kind 1, ")
    assert lines[2].endswith("kind 9 and 2 more")


def test_names_in_a_network_are_text_and_never_markup():
    class Sly(Layer):
        def __repr__(self):
            return SCRIPT

        def forward(self, x, training=False):
            return x

    Sly.__name__ = SCRIPT
    model = type(SCRIPT, (ffnn.Sequential,), {})([Dense(2), Sly()], input_dim=1)
    model.class_names = [SCRIPT, "'\"&<b>"]
    model.feature_names = [SCRIPT]
    model.layers[0].take_name(SCRIPT)

    html = network_html(model)
    tree = parsed(html)

    assert "<script" not in html
    assert tree.find("b").text == SCRIPT
    assert cells(tree)[1][1] == SCRIPT
    assert cells(tree)[2][2] == SCRIPT
    lines = [line.text for line in tree.findall("div")]
    assert lines[1:] == [f"inputs: {SCRIPT}", f"outputs: {SCRIPT}, '\"&<b>"]


def test_of_a_deep_network_the_middle_is_left_out():
    model = ffnn.Sequential([Dense(5, "relu") for _ in range(1000)], input_dim=5, seed=0)

    tree = parsed(network_html(model))

    rows = cells(tree)[1:]
    assert [row[0] for row in rows[:2] + rows[-2:]] == ["0", "1", "998", "999"]
    assert ["… 970 more …"] in rows
    shown = texts(tree)
    assert "994 more layers" in shown  # 8 columns: inputs, 4 layers, this, 2 layers
    assert shown.count("ReLU") == 6
    assert "dense_1000" in shown


def test_of_many_layers_on_one_column_some_are_left_out():
    model = ffnn.Sequential([Dense(2), *(Dropout(0.1) for _ in range(9))], input_dim=1)

    assert texts(parsed(network_html(model)))[-3:] == ["Dropout", "Dropout", "…"]


# -- trainings -----------------------------------------------------------------------------------

NUMBERS = {
    "loss": [2.0, 1.0, 0.5, 0.25],
    "accuracy": [0.2, 0.6, 0.8, 0.9],
    "val_loss": [2.5, 1.5, 1.25, 1.75],
    "val_accuracy": [0.1, 0.7, 0.6, 0.5],
}


def test_a_history_is_shown_as_a_table_of_first_last_and_best():
    tree = parsed(history_html(History(NUMBERS)))

    assert cells(tree) == [
        ["", "first", "last", "best", "in epoch"],
        ["loss", "2", "0.25", "0.25", "4"],
        ["val_loss", "2.5", "1.75", "1.25", "3"],
        ["accuracy", "0.2", "0.9", "0.9", "4"],
        ["val_accuracy", "0.1", "0.5", "0.7", "2"],
    ]
    assert tree.find("b").text == "History"
    assert tree.find("div").text == "4 epochs"


def test_a_training_that_went_on_or_was_interrupted_says_so():
    tree = parsed(history_html(History({"loss": [1.0]}, start=1999, interrupted=True)))

    assert tree.find("div").text == "1 epoch, the last is number 2,000, interrupted by Ctrl-C"
    assert cells(tree)[1] == ["loss", "1", "1", "1", "2,000"]


def test_the_curves_are_drawn_to_scale():
    loss, accuracy = parsed(history_html(History(NUMBERS))).iter("svg")

    training, _, validation, *_ = loss.iter("path")
    x, y = np.concatenate([points(training), points(validation)]).T
    numbers = np.array(NUMBERS["loss"] + NUMBERS["val_loss"])
    slope, origin = np.polyfit(numbers, y, 1)
    np.testing.assert_allclose(slope * numbers + origin, y, atol=0.1)
    assert slope < 0  # up is more
    np.testing.assert_allclose(np.diff(x[:4]), x[1] - x[0], atol=0.1)
    np.testing.assert_array_equal(x[:4], x[4:])
    (ring,) = loss.iter("circle")
    assert [float(ring.get("cx")), float(ring.get("cy"))] == list(points(validation)[2])
    (ring,) = accuracy.iter("circle")
    assert float(ring.get("cx")) == x[1]
    assert sorted(texts(loss)) == ["0.25", "1", "2.5", "4", "loss"]
    assert training.get("stroke") != validation.get("stroke")


def test_the_colours_are_explained_where_there_are_two():
    both = parsed(history_html(History(NUMBERS)))
    one = parsed(history_html(History({"loss": [1.0, 2.0]})))

    assert "".join(both.findall("div")[-1].itertext()) == "━━ training ╍╍ validation"
    assert "training" not in "".join(one.itertext())


def test_a_loss_of_many_magnitudes_is_drawn_by_its_logarithm():
    (picture,) = parsed(history_html(History({"loss": [1.0, 0.1, 0.01, 0.001]}))).iter("svg")

    steps = np.diff(points(next(picture.iter("path")))[:, 1])
    np.testing.assert_allclose(steps, steps[0], atol=0.1)


def test_nothing_trained_is_an_empty_history():
    tree = parsed(history_html(History({})))

    assert tree.find("div").text == "No epoch was trained yet."


@pytest.mark.parametrize(
    "values",
    [[3.0], [3.0, 3.0], [0.0, 0.0], [-1.7e308, 1.7e308], [1e-320, 2e-320], [5e-324, 1.0]],
)
def test_every_curve_lies_within_its_picture(values):
    (picture,) = parsed(history_html(History({"loss": values}))).iter("svg")

    _, _, width, height = map(float, picture.get("viewBox").split())
    for path in picture.iter("path"):
        assert re.fullmatch(r"[MLHh\d. ]*", path.get("d"))
    drawn = np.concatenate([points(path) for path in picture.iter("path")])
    assert (drawn > 0).all()
    assert (drawn < [width, height]).all()


def test_numbers_that_are_not_finite_leave_gaps():
    tree = parsed(history_html(History({"loss": [NAN, 3.0, INF, 2.0, 1.0, -INF]})))

    assert cells(tree)[1] == ["loss", "nan", "-inf", "1", "5"]
    lines, dots, *_ = tree.iter("path")
    assert lines.get("d").count("M") == 1
    assert len(points(lines)) == 2
    assert re.fullmatch(r"M[\d.]+ [\d.]+h0", dots.get("d"))


def test_a_curve_without_a_finite_number_says_so():
    tree = parsed(history_html(History({"loss": [NAN, INF]})))

    assert cells(tree)[1] == ["loss", "nan", "inf", "–", "–"]
    assert "no finite number" in texts(tree)


def test_a_long_history_is_drawn_by_some_of_its_epochs_and_the_last():
    values = np.linspace(3.0, 2.0, 12_345).tolist()
    history = {f"{half}{number}": values for number in range(20) for half in ("m", "val_m")}

    tree = parsed(history_html(History(history)))

    pictures = list(tree.iter("svg"))
    assert len(pictures) == 6
    lines = next(pictures[0].iter("path"))
    assert 90 <= len(points(lines)) <= 101
    assert {"1", "12,345"} <= set(texts(pictures[0]))
    (ring,) = pictures[0].iter("circle")  # the last number is the least
    assert list(points(lines)[-1]) == [float(ring.get("cx")), float(ring.get("cy"))]


def test_names_in_a_history_are_text_and_never_markup():
    html = history_html(History({SCRIPT: [1.0, 2.0], f"val_{SCRIPT}": [1.0, 2.0]}))

    assert "<script" not in html
    assert cells(parsed(html))[1][0] == SCRIPT
