"""Reports on numbers: what is measured, beside scikit-learn's numbers and by hand."""

import numpy as np
import pytest
from sklearn import metrics

import ffnn
from ffnn.layers import Dense
from ffnn.reports import NumberReport


def answering(units=1):
    """Return a model that puts out its inputs."""
    model = ffnn.Sequential(
        [Dense(units, use_bias=False)], input_dim=units, dtype="float64", seed=0
    )
    model.layers[0].params["weight"][...] = np.eye(units)
    model.compile("sgd", "mse")
    return model


def piece(report, title):
    (found,) = (piece for piece in report.pieces if piece.title == title)
    return found


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_scikit_learns(units, seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(5, 3, size=(100, units)) * [1, 10, 100][:units]
    x = y + rng.normal(size=y.shape)

    report = answering(units).report(x, y)

    mean = np.broadcast_to(y.mean(axis=0), y.shape)
    for scores, predicted in ((report.scores, x), (report.baseline, mean)):
        assert scores["R²"] == pytest.approx(metrics.r2_score(y, predicted), abs=1e-12)
        assert scores["MAE"] == pytest.approx(metrics.mean_absolute_error(y, predicted))
        assert scores["RMSE"] == pytest.approx(metrics.mean_squared_error(y, predicted) ** 0.5)
    for i, scores in enumerate(report.outputs):
        assert scores["R²"] == pytest.approx(metrics.r2_score(y[:, i], x[:, i]))
        assert scores["MAE"] == pytest.approx(metrics.mean_absolute_error(y[:, i], x[:, i]))


def test_all_by_hand():
    y = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    x = np.array([[1.0], [2.5], [3.0], [3.0], [14.0]])

    report = answering().report(x, y)

    assert isinstance(report, NumberReport)
    assert (report.task, report.num_rows) == ("numbers", 5)
    assert report.scores["MAE"] == pytest.approx((0.5 + 1 + 4) / 5)
    assert report.scores["RMSE"] == pytest.approx(((0.25 + 1 + 16) / 5) ** 0.5)
    assert report.scores["R²"] == pytest.approx(1 - 17.25 / 50)
    assert report.baseline["R²"] == pytest.approx(0.0)
    assert report.baseline["MAE"] == pytest.approx((3 + 2 + 1 + 0 + 6) / 5)
    assert report.largest_errors[:2] == [(4, 10.0, 14.0, 0), (3, 4.0, 3.0, 0)]
    assert [tuple(each) for each in report.ranges[0]] == [
        (1.0, 1.0, 1, 0.0, 0.0, 0.0),
        (2.0, 2.0, 1, 0.5, 0.5, 0.5),
        (3.0, 3.0, 1, 0.0, 0.0, 0.0),
        (4.0, 4.0, 1, -1.0, 1.0, 1.0),
        (10.0, 10.0, 1, 4.0, 4.0, 4.0),
    ]


def test_ranges_are_fifths_of_the_rows():
    y = np.random.default_rng(0).permutation(100).astype(float)
    report = answering().report(y[:, None] + 1, y)

    assert [(r.low, r.high, r.rows) for r in report.ranges[0]] == [
        (20 * i, 20 * i + 19, 20) for i in range(5)
    ]
    assert [r.mean_error for r in report.ranges[0]] == [1.0] * 5


def test_a_target_at_a_limit_is_in_the_range_below():
    y = np.arange(11.0)
    report = answering().report(y[:, None], y)

    assert [(r.low, r.high) for r in report.ranges[0]] == [(0, 2), (3, 4), (5, 6), (7, 8), (9, 10)]


def test_numbers_whose_squares_are_infinite_are_reported():
    y = np.array([1e200, -1e200, 3.0])
    report = answering().report(y[:, None] / 2, y)

    assert report.scores["RMSE"] == np.inf
    assert len(str(report)) < len(report._repr_html_())


def test_equal_targets_are_in_one_range():
    y = np.array([0.0] * 8 + [5.0, 6.0])
    report = answering().report(y[:, None], y)

    assert sum(r.rows for r in report.ranges[0]) == 10
    assert [r.low for r in report.ranges[0]] == sorted({r.low for r in report.ranges[0]})
    assert report.ranges[0][0].rows == 8


@pytest.mark.parametrize("y", [[3.0], [3.0, 3.0, 3.0]], ids=["one row", "constant"])
@pytest.mark.parametrize("error", [0.0, 1.0])
def test_a_constant_target_is_reported(y, error):
    y = np.array(y)
    report = answering().report(y[:, None] + error, y)

    assert report.scores["R²"] == metrics.r2_score([3.0, 3.0], [3.0 + error] * 2)
    assert report.scores["MAE"] == error
    assert len(str(report)) > 0
    assert report.plot().axes


def test_of_many_rows_the_largest_errors_are_drawn():
    rng = np.random.default_rng(1)
    y = rng.normal(size=5000)
    x = y + 0.01 * rng.normal(size=5000)
    x[[7, 4321]] += 3.0

    marks = piece(answering().report(x[:, None], y), "Residuals against predicted").marks

    (points,) = (mark for mark in marks if mark.kind == "points")
    assert len(points.x) <= 600
    assert np.sum(points.y > 2) == 2


def test_a_histogram_counts_all_rows():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(777, 1))
    (bars,) = piece(answering().report(y + rng.normal(size=y.shape), y), "Residuals").marks

    assert bars.y.sum() == 777
    assert len(bars.x) == len(bars.y) + 1


def test_several_outputs_have_a_line_each():
    y = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
    report = answering(2).report(y + np.array([0.0, 5.0]), y)

    assert piece(report, "Outputs").rows == (
        ("output 0", "1.0000", "0", "0"),
        ("output 1", "0.6250", "5", "5"),
    )
    assert report.largest_errors[0].output == 1
    assert "Residuals: output 1" in [piece.title for piece in report.pieces]


@pytest.mark.parametrize("outputs", [2, 5, 61])
def test_what_is_left_out_of_many_outputs_is_said(outputs):
    y = np.random.default_rng(0).normal(size=(20, outputs))
    report = answering(outputs).report(y, y)

    drawn = sum(piece.title.startswith("Residuals: ") for piece in report.pieces)
    assert drawn == min(outputs, 4)
    said = {
        2: "",
        5: "Charts and errors by range are of the first 4.",
        61: "The first 60 of 61. Charts and errors by range are of the first 4.",
    }
    assert piece(report, "Outputs").text == said[outputs]


def test_ranges_of_long_numbers_are_whole_in_text():
    y = np.random.default_rng(0).normal(size=(50, 1)) * 1e10
    lines = str(answering().report(y, y)).splitlines()
    assert not any("…" in line for line in lines)
    assert f"{y.min():,.0f}" in lines[lines.index("Error by range") + 2].split()[0]
