"""What reports are made of: curves with fewer points, round numbers at axes, pictures, texts."""

import math
import re

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import ffnn
from ffnn.layers import Dense
from ffnn.metrics import precision_recall_curve, roc_curve
from ffnn.reports.curves import MOST_POINTS, thinned
from ffnn.reports.pieces import Chart, Mark, Matrix, Pictures, Table, number, rate, ticks
from ffnn.reports.text import in_lines
from ffnn.tables import TableEncoder


def distance_to(x, y, points):
    """Return the largest distance of points to a line through (x, y)."""
    start, step = np.column_stack([x, y])[:-1], np.diff(np.column_stack([x, y]), axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-300)
    worst = 0.0
    for point in points:
        share = np.clip(((point - start) * step).sum(axis=1) / length, 0, 1)
        nearest = start + share[:, None] * step
        worst = max(worst, np.sqrt(((point - nearest) ** 2).sum(axis=1).min()))
    return worst


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("curve", ["roc", "precision"])
def test_a_thinned_curve_has_the_shape_of_the_whole(seed, curve):
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=20_000) < 0.3
    scores = y + rng.normal(size=20_000)
    if curve == "roc":
        x, y, _ = roc_curve(y, scores)
    else:
        y, x, _ = precision_recall_curve(y, scores)

    few_x, few_y = thinned(x, y)

    length = np.abs(np.diff(x)).sum() + np.abs(np.diff(y)).sum()
    assert len(few_x) <= MOST_POINTS
    assert (few_x[0], few_y[0], few_x[-1], few_y[-1]) == (x[0], y[0], x[-1], y[-1])
    every = slice(None, None, 37)
    points = np.column_stack([x, y])[every]
    assert distance_to(few_x, few_y, points) <= 2 * length / MOST_POINTS


def test_points_within_a_straight_line_are_left_out():
    x, y = thinned(np.array([0, 0, 0, 1, 2, 3.0]), np.array([0, 1, 2, 2, 2, 2.0]))

    assert x.tolist() == [0, 0, 3]
    assert y.tolist() == [0, 2, 2]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (-3, 12, ["0", "5", "10"]),
        (0, 47, ["0", "10", "20", "30", "40"]),
        (0, 23_000, ["0", "5k", "10k", "15k", "20k"]),
        (-2.2e6, 2.1e6, ["-2M", "-1M", "0", "1M", "2M"]),
        (1e-5, 5e-5, ["1e-05", "2e-05", "3e-05", "4e-05", "5e-05"]),
        (0, 1e12, ["0", "2e+11", "4e+11", "6e+11", "8e+11", "1e+12"]),
    ],
)
def test_axes_have_round_numbers(low, high, expected):
    assert [text for _, text in ticks(low, high)] == expected
    assert all(low - 1e-12 <= value <= high * (1 + 1e-12) for value, _ in ticks(low, high))


@pytest.mark.parametrize("span", np.logspace(-12, 12, 49))
def test_axes_have_a_few_numbers_whatever_their_span(span):
    assert 2 <= len(ticks(0.3 * span, 1.3 * span)) <= 6


@pytest.mark.parametrize("value", [0.0, 5.0, -2e6])
def test_an_axis_of_a_single_number_has_a_length(value):
    mark = Mark("points", np.array([value]), np.array([value]))
    for low, high in Chart("", "", "", (mark,), "").limits():
        assert low < value < high


def test_numbers_read_well():
    assert rate(0.12345) == "0.1235"
    assert rate(-1e-9) == "0.0000"
    assert rate(math.nan) == "–"
    assert rate(-123456.7) == "-1.235e+05"
    assert [number(v) for v in (0.000012345678, 1234.5678, 1234567.8, -2e20)] == [
        "1.23457e-05",
        "1,234.57",
        "1,234,568",
        "-2e+20",
    ]


# -- pictures ----------------------------------------------------------------------------------


def mistakes_in(report):
    (shown,) = (piece for piece in report.pieces if piece.title == "Most confident mistakes")
    return shown


def shown_mistakes(x, names=None):
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=x.shape[1], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    model.feature_names = names
    report = model.report(x, 2 - model.predict(x).argmax(axis=1))  # wrong unless it is 1
    return report, mistakes_in(report)


def uniform(low, high, columns=64):
    return np.random.default_rng(0).uniform(low, high, (30, columns))


@pytest.mark.parametrize(
    "x",
    [
        uniform(0, 255).astype(np.uint8),
        uniform(0, 1, 784),
        uniform(-1, 1, 100),
        uniform(0, 16),
    ],
)
def test_square_rows_of_one_range_are_pictures(x):
    report, shown = shown_mistakes(x)

    assert isinstance(shown, Pictures)
    side = math.isqrt(x.shape[1])
    for image, caption, mistake in zip(shown.images, shown.captions, report.mistakes, strict=True):
        np.testing.assert_array_equal(image, x[mistake.row].reshape(side, side))
        assert caption.startswith(f"{mistake.true}, taken for {mistake.predicted}, ")
        assert caption.endswith(f", row {mistake.row}")


def test_pictures_of_sparse_rows_are_those_of_dense_ones():
    x = uniform(0, 1) * (uniform(0, 1) > 0.5)
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=64, seed=0)
    model.compile("sgd", "categorical_crossentropy")

    dense, thin = (model.report(form, np.arange(30) % 3) for form in (x, csr_matrix(x)))

    np.testing.assert_array_equal(mistakes_in(thin).images, mistakes_in(dense).images)


@pytest.mark.parametrize(
    ("x", "names"),
    [
        (uniform(0, 1, 63), None),
        (uniform(0, 1, 36), None),
        (uniform(-2, 2), None),
        (uniform(0, 300), None),
        (uniform(0, 1), [f"{'ab'[i % 2]}{i}" for i in range(64)]),
    ],
    ids=["no square", "small", "below -1", "above 255", "other names"],
)
def test_other_rows_are_tables(x, names):
    report, shown = shown_mistakes(x, names)

    assert isinstance(shown, Table)
    if x.shape[1] == 36:
        first = report.mistakes[0].row
        assert shown.rows[0][4:] == tuple(f"{value:g}" for value in x[first])


def of_table(names, x):
    """Return the report of a model that reads a table, and what it shows of its mistakes."""
    rows = [
        dict(zip(names, row, strict=True)) | {"kind": "ab"[i % 2]}
        for i, row in enumerate(x.tolist())
    ]
    model = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    model.encoder = TableEncoder().fit(rows, target="kind")
    model.fit(rows, epochs=1, verbose=0)
    report = model.report(rows[::-1])
    return report, mistakes_in(report)


@pytest.mark.parametrize("name", ["pixel{0}", "pixel_{1}_{2}", "{1}x{2}", "{0}"])
def test_columns_whose_names_differ_in_numbers_alone_are_pictures(name):
    x = uniform(0, 16).round().astype(int)
    x[:, 0] = 0  # as at the edges of pictures; the encoder leaves it out
    names = [name.format(i, *divmod(i, 8)) for i in range(64)]
    report, shown = of_table(names, x)

    assert isinstance(shown, Pictures)
    for image, mistake in zip(shown.images, report.mistakes, strict=True):
        np.testing.assert_array_equal(image, x[::-1][mistake.row - 1].reshape(8, 8))
    assert isinstance(shown_mistakes(uniform(0, 1), names)[1], Pictures)


def test_columns_of_words_are_no_pictures():
    x = uniform(0, 16).round().astype(object)
    assert isinstance(of_table([f"c{i}" for i in range(64)], x)[1], Pictures)
    x[:, 5] = np.where(x[:, 5] > 8, "dark", "light")
    assert isinstance(of_table([f"c{i}" for i in range(64)], x)[1], Table)


@pytest.mark.parametrize(("columns", "said"), [(60, ""), (70, " The first 60 of 70 columns.")])
def test_of_many_columns_with_names_the_first_are_shown(columns, said):
    names = [f"{'ab'[i % 2]}{i}" for i in range(columns)]
    for shown in (
        shown_mistakes(uniform(0, 1, columns), names)[1],
        of_table(names, uniform(0, 1, columns))[1],
    ):
        assert re.fullmatch(rf"Rows are counted from [01]\.{said}", shown.text)
        assert list(shown.header[4:]) == names[:60]
        assert shown.text in " ".join(in_lines(shown).split())


def test_so_many_columns_without_names_are_not_shown():
    _, shown = shown_mistakes(uniform(0, 1, 500))

    assert shown.header == ("row", "true", "predicted", "probability")


def matrix_lines(names, counts):
    return in_lines(Matrix("Matrix", tuple(names), np.array(counts))).splitlines()


def test_names_of_a_matrix_are_whole_where_there_is_room():
    names = ["setosa", "versicolor", "virginica"]
    assert matrix_lines(names, np.diag([50, 47, 9])) == [
        "Matrix",
        "            setosa  versicolor  virginica",
        "setosa          50           .          .",
        "versicolor       .          47          .",
        "virginica        .           .          9",
    ]


@pytest.mark.parametrize("classes", range(2, 27))
@pytest.mark.parametrize("length", [1, 9, 30])
@pytest.mark.parametrize("most", [1, 1_000_000])
def test_a_matrix_fits_80_columns_or_is_left_out(classes, length, most):
    names = [chr(65 + i) * length for i in range(classes)]
    lines = matrix_lines(names, np.full((classes, classes), most))
    assert max(map(len, lines), default=0) <= 80
    short = 2 + max(min(length, 8), len(f"{most:,}"))  # a column whose name is cut to 8
    fits = classes * short + min(length, 8) <= 80
    assert bool(lines) == fits
    if fits:
        assert [line[0] for line in lines[2:]] == [name[0] for name in names]
