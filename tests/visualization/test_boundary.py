"""The plane of two inputs: its colours, lines and points by hand, and who is refused."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb, to_rgba

import ffnn
from ffnn.charts.style import BLUE, GREEN, ORANGE
from ffnn.layers import Dense
from ffnn.tables import TableEncoder
from ffnn.visualization import plot_boundary

X = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0], [1.0, 1.5]])


def softmax(*rows, dtype="float64"):
    """Return a model whose logits are these rows of weights times the inputs."""
    model = ffnn.Sequential([Dense(len(rows), "softmax")], input_dim=2, dtype=dtype)
    model.compile("sgd", "categorical_crossentropy")
    model.set_weights([np.array(rows, dtype), np.zeros(len(rows), dtype)])
    return model


def one_unit(activation, loss, weight=(1.0, -1.0), bias=0.0):
    model = ffnn.Sequential([Dense(1, activation)], input_dim=2, dtype="float64")
    model.compile("sgd", loss)
    model.set_weights([np.array([weight]), np.array([bias])])
    return model


def picture_of(figure):
    """Return the colours of the plane by place: a function of the inputs."""
    (image,) = figure.axes[0].images
    left, right, bottom, top = image.get_extent()
    assert image.origin == "lower"
    array = np.asarray(image.get_array())

    def at(first, second):
        row = round((second - bottom) / (top - bottom) * (len(array) - 1))
        return array[row, round((first - left) / (right - left) * (len(array) - 1))]

    return at


def points_of(figure):
    """Return colour → places of the points that are drawn."""
    found = {}
    for drawn in figure.axes[0].collections:
        if isinstance(drawn, PathCollection) and len(drawn.get_offsets()):
            colour = tuple(drawn.get_facecolor()[0])
            found[colour] = sorted(map(tuple, np.asarray(drawn.get_offsets()).tolist()))
    return found


def lines_of(figure):
    paths = [
        path.vertices
        for drawn in figure.axes[0].collections
        if not isinstance(drawn, PathCollection)
        for path in drawn.get_paths()
        if len(path.vertices)
    ]
    return np.concatenate(paths)


def paled(colour, certain):
    """A tenth of the colour where nothing is known, half of it where all is."""
    strength = 0.1 + 0.4 * certain
    return 1.0 - strength * (1.0 - np.array(to_rgb(colour)))


def names_in(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_regions_have_the_colour_of_the_likeliest_class_and_meet_in_a_line():
    figure = plot_boundary(softmax((3.0, 0.0), (0.0, 3.0)), X, [0, 0, 1, 0, 1])

    at = picture_of(figure)
    for place, colour in (((4.0, 0.0), BLUE), ((0.0, 2.0), ORANGE)):
        logit = 3.0 * abs(place[0] - place[1])
        share = 1.0 / (1.0 + np.exp(-logit))
        np.testing.assert_allclose(at(*place), paled(colour, 2.0 * share - 1.0), atol=0.01)
    line = lines_of(figure)
    np.testing.assert_allclose(line[:, 0], line[:, 1], atol=1e-3)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("x[:, 0]", "x[:, 1]")
    assert names_in(figure) == ["0", "1"]
    margins = [*figure.axes[0].get_xlim(), *figure.axes[0].get_ylim()]
    np.testing.assert_allclose(margins, [-0.32, 4.32, -0.16, 2.16])


def test_rows_have_the_colour_of_their_target():
    figure = plot_boundary(softmax((1.0, 0.0), (0.0, 1.0), (9.0, 9.0)), X, [0, 2, 0, 2, 0])
    assert points_of(figure) == {
        to_rgba(BLUE): [(0.0, 0.0), (0.0, 2.0), (1.0, 1.5)],
        to_rgba(GREEN): [(4.0, 0.0), (4.0, 2.0)],
    }
    assert names_in(figure) == ["0", "1", "2"]  # also the class without rows


@pytest.mark.parametrize("target", [[0, 1, 0, 1, 0], np.eye(2)[[0, 1, 0, 1, 0]]])
def test_classes_may_be_one_hot(target):
    found = points_of(plot_boundary(softmax((1.0, 0.0), (0.0, 1.0)), X, target))
    assert found[to_rgba(ORANGE)] == [(4.0, 0.0), (4.0, 2.0)]


def test_one_sigmoid_unit_tells_two_classes_apart():
    model = one_unit("sigmoid", "binary_crossentropy", bias=-1.0)
    model.class_names = ["no", "yes"]
    figure = plot_boundary(model, X, [0, 1, 0, 1, 0])

    at = picture_of(figure)
    yes = 1.0 / (1.0 + np.exp(-3.0))
    np.testing.assert_allclose(at(4.0, 0.0), paled(ORANGE, 2 * yes - 1), atol=0.01)
    np.testing.assert_allclose(at(0.0, 2.0), paled(BLUE, 2 * yes - 1), atol=0.01)
    line = lines_of(figure)
    np.testing.assert_allclose(line[:, 0] - line[:, 1], 1.0, atol=0.01)
    assert names_in(figure) == ["no", "yes"]


def test_numbers_are_contours_with_a_scale_for_predictions_and_targets():
    figure = plot_boundary(one_unit(None, "mse"), X, [9.0, 4.0, -2.0, 2.0, -0.5])

    axes, scale = figure.axes
    low, high = scale.get_ylim()
    assert low <= -2.4 < 9.0 <= high  # the predictions begin at -0.32 - 2.16
    assert "prediction" in scale.get_ylabel()
    points = axes.collections[-1]
    np.testing.assert_array_equal(points.get_array(), np.array([9, 4, -2, 2, -0.5])[order_of(5)])
    np.testing.assert_array_equal(points.get_offsets(), X[order_of(5)])
    assert points.norm.vmin == axes.collections[0].norm.vmin
    assert figure.legends == []


def order_of(rows):
    return np.random.default_rng(0).permutation(rows)


def test_of_many_rows_a_part_is_drawn():
    x = np.random.default_rng(1).normal(size=(5000, 2))
    figure = plot_boundary(softmax((1.0, 0.0), (0.0, 1.0)), x, (x[:, 1] > x[:, 0]).astype(int))
    assert sum(map(len, points_of(figure).values())) == 2000
    assert figure.axes[0].get_title() == "2,000 of 5,000 rows"


@pytest.mark.parametrize("classes", [2, 10, 26])
def test_any_number_of_classes(classes, tmp_path):
    rng = np.random.default_rng(2)
    model = softmax(*rng.normal(size=(classes, 2)))
    figure = plot_boundary(model, X, np.arange(5) % classes)
    figure.savefig(tmp_path / "b.png")
    assert len(names_in(figure)) == classes


@pytest.mark.parametrize("x", [np.ones((3, 2)), np.zeros((3, 2)), 1e-30 * X[:3], 1e30 * X[:3]])
def test_rows_at_one_place_and_at_any_scale(x, tmp_path):
    for model, y in (
        (one_unit(None, "mse", (0.0, 0.0)), np.zeros(3)),
        (one_unit(None, "mse"), x[:, 0]),
        (softmax((1.0, 0.0), (0.0, 1.0)), [0, 1, 1]),
    ):
        plot_boundary(model, x, y).savefig(tmp_path / "b.png")


def test_names_are_text_and_never_markup(tmp_path):
    model = softmax((1.0, 0.0), (0.0, 1.0))
    model.class_names, model.feature_names = ["$\\frac$", "a\nb"], ["$x^$", "<b>"]
    figure = plot_boundary(model, X, [0, 1, 0, 1, 0])
    figure.savefig(tmp_path / "b.svg")
    assert names_in(figure) == ["$\\frac$", "a b"]
    assert figure.axes[0].get_xlabel() == "$x^$"


def test_the_model_stays_as_it_is():
    model = softmax((1.0, 0.0), (0.0, 1.0))
    model.fit(X, [0, 1, 0, 1, 0], verbose=0)
    config, arrays = model.capture()
    before = {name: array.tobytes() for name, array in arrays.items()}
    plot_boundary(model, X, [0, 1, 0, 1, 0])
    assert model.capture()[0] == config
    assert {name: array.tobytes() for name, array in model.capture()[1].items()} == before


# -- tables ------------------------------------------------------------------------------------

ROWS = [
    {"age": 10.0 * a, "bmi": b, "ill": ("no", "yes")[a > b], "sex": "fm"[b // 2]}
    for a, b in X[:4].astype(int).tolist()
]


def of_table(rows, *only, target="ill"):
    model = softmax((1.0, 0.0), (0.0, 1.0))
    model.encoder = TableEncoder().fit(rows, target, only=only)
    return model


@pytest.mark.parametrize("form", ["rows", "pandas", "path"])
def test_a_table_is_drawn_over_its_own_columns(form, tmp_path):
    x = ROWS
    if form != "rows":
        x = pytest.importorskip("pandas").DataFrame(ROWS)
    if form == "path":
        x = x.to_csv(tmp_path / "t.csv", index=False) or tmp_path / "t.csv"
    figure = plot_boundary(of_table(ROWS, "age", "bmi"), x)

    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("age", "bmi")
    assert names_in(figure) == ["no", "yes"]
    assert points_of(figure) == {
        to_rgba(BLUE): [(0.0, 0.0), (0.0, 2.0)],
        to_rgba(ORANGE): [(40.0, 0.0), (40.0, 2.0)],
    }
    line = lines_of(figure)  # the scaled columns are equal: (age - 20) / 20 and (bmi - 1) / 1
    np.testing.assert_allclose((line[:, 0] - 20) / 20, line[:, 1] - 1, atol=1e-3)


def test_rows_that_lack_a_number_or_the_target_are_not_drawn():
    rows = [*ROWS, ROWS[0] | {"age": None}, ROWS[1] | {"ill": None}]
    figure = plot_boundary(of_table(ROWS, "age", "bmi"), rows)
    assert sum(map(len, points_of(figure).values())) == 4
    assert figure.axes[0].get_title() == "4 of 5 rows"


# -- who is refused ----------------------------------------------------------------------------


def compiled(layers, input_dim, loss="mse"):
    model = ffnn.Sequential(layers, input_dim=input_dim)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: compiled([Dense(1)], 3),
            r"expected a model of two numbers, which make a plane, this one reads 3 inputs\. Train "
            r"one on two columns: x\[:, \[0, 1\]\]",
        ),
        (lambda: compiled([Dense(3)], 2), "one class or one number, this one answers with 3 numb"),
        (
            lambda: compiled([Dense(3, "sigmoid")], 2, "binary_crossentropy"),
            "answers with 3 labels that are not exclusive",
        ),
    ],
)
def test_models_without_a_plane_are_refused(model, message):
    with pytest.raises(ValueError, match=f"^plot_boundary: .*{message}"):
        plot_boundary(model(), X, np.zeros(5))


def test_a_table_of_other_columns_is_refused():
    model = compiled([Dense(2, "softmax")], 3, "categorical_crossentropy")
    model.encoder = TableEncoder().fit(ROWS, "ill", only=["age", "sex"])
    with pytest.raises(ValueError, match=r"columns of a table: 'age \(number\)', 'sex \("):
        plot_boundary(model, ROWS)


def test_what_is_missing_is_said():
    with pytest.raises(RuntimeError, match="not compiled"):
        plot_boundary(ffnn.Sequential([Dense(2)], input_dim=2), X, np.zeros(5))
    model = ffnn.Sequential([Dense(2)])
    model.compile()
    with pytest.raises(RuntimeError, match="no parameters yet"):
        plot_boundary(model, X, np.zeros(5))
    with pytest.raises(ffnn.DataError, match="expected one target for each of 5 rows, got None"):
        plot_boundary(softmax((1.0, 0.0), (0.0, 1.0)), X)
    with pytest.raises(ffnn.DataError, match="expected one target for each of 5 rows, got 4"):
        plot_boundary(softmax((1.0, 0.0), (0.0, 1.0)), X, [0, 1, 0, 1])
    model = compiled([Dense(1, "tanh")], 2, "mse")
    model.class_names = ["no", "yes"]
    with pytest.raises(ffnn.DataError, match=r"expected targets of 0 and 1, got -1\.0 in row 0"):
        plot_boundary(model, X, [-1.0, 1.0, -1.0, 1.0, 1.0])
