"""Reports on classes: what is measured, beside scikit-learn's numbers and by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics

import ffnn
from ffnn.layers import Activation, Dense
from ffnn.reports import ClassReport

ATOL = 1e-6


def answering(units, activation=None, loss="categorical_crossentropy", **compiled):
    """Return a model that puts out `activation` of its inputs."""
    layers = [Dense(units, weight_initializer="zeros", use_bias=False)]
    layers += [Activation(activation)] if activation else []
    model = ffnn.Sequential(layers, input_dim=units, dtype="float64", seed=0)
    model.layers[0].params["weight"][...] = np.eye(units)
    model.compile("sgd", loss, **compiled)
    return model


def softmax_of(probabilities):
    """Return inputs of which the softmax is `probabilities`."""
    return np.log(np.asarray(probabilities, float))


def random_answers(rows, classes, seed):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(rows, classes)), 1)  # with ties
    target = rng.integers(0, classes, rows)
    scores[np.arange(rows), target] += 1.0
    return scores, target


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_scikit_learns(classes, seed):
    x, y = random_answers(200, classes, seed)
    model = answering(classes, "softmax")

    report = model.report(x, y)

    p = model.predict(x)
    predicted = p.argmax(axis=1)
    expected = metrics.classification_report(y, predicted, output_dict=True, zero_division=0)
    for name, found in (
        *((str(i), each) for i, each in enumerate(report.classes)),
        ("macro avg", report.macro_mean),
        ("weighted avg", report.weighted_mean),
    ):
        wanted = expected[name]
        assert found.precision == pytest.approx(wanted["precision"], abs=ATOL)
        assert found.recall == pytest.approx(wanted["recall"], abs=ATOL)
        assert found.f1 == pytest.approx(wanted["f1-score"], abs=ATOL)
        assert found.rows == wanted["support"]
    assert report.scores["accuracy"] == pytest.approx(expected["accuracy"], abs=ATOL)
    np.testing.assert_array_equal(
        report.confusion_matrix, metrics.confusion_matrix(y, predicted, labels=range(classes))
    )
    for i, each in enumerate(report.classes):
        assert each.auc == pytest.approx(metrics.roc_auc_score(y == i, p[:, i]), abs=ATOL)
        wanted = metrics.average_precision_score(y == i, p[:, i])
        assert each.average_precision == pytest.approx(wanted, abs=ATOL)


@pytest.mark.parametrize("seed", range(3))
def test_one_sigmoid_unit_is_two_classes(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(150, 1))
    y = (x[:, 0] + rng.normal(size=150) > 0).astype(int)
    model = answering(1, "sigmoid", "binary_crossentropy")

    report = model.report(x, y)

    p = model.predict(x)[:, 0]
    expected = metrics.classification_report(y, p > 0.5, output_dict=True, zero_division=0)
    for i, found in enumerate(report.classes):
        assert found.precision == pytest.approx(expected[str(i)]["precision"])
        assert found.recall == pytest.approx(expected[str(i)]["recall"])
        sureness = p if i else 1 - p
        assert found.auc == pytest.approx(metrics.roc_auc_score(y == i, sureness))
        wanted = metrics.average_precision_score(y == i, sureness)
        assert found.average_precision == pytest.approx(wanted)


def test_all_by_hand():
    model = answering(3, "softmax")
    model.class_names = ["ant", "bee", "cat"]
    p = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.05, 0.9, 0.05]]

    report = model.report(softmax_of(p), np.array([0, 0, 0, 2, 2]))

    assert isinstance(report, ClassReport)
    assert (report.task, report.num_rows) == ("classes", 5)
    assert report.class_names == ("ant", "bee", "cat")
    np.testing.assert_array_equal(report.confusion_matrix, [[2, 1, 0], [0, 0, 0], [0, 1, 1]])
    ant, bee, cat = report.classes
    assert (ant.precision, ant.recall, ant.f1, ant.rows) == pytest.approx((1, 2 / 3, 0.8, 3))
    assert (bee.precision, bee.recall, bee.f1, bee.rows) == (0, 0, 0, 0)
    assert (cat.precision, cat.recall, cat.f1, cat.rows) == pytest.approx((1, 0.5, 2 / 3, 2))
    assert report.macro_mean.recall == pytest.approx((2 / 3 + 0 + 0.5) / 3)
    assert report.weighted_mean.recall == pytest.approx(3 / 5)
    assert report.scores["accuracy"] == pytest.approx(3 / 5)
    assert report.baseline["accuracy"] == pytest.approx(3 / 5)
    assert report.baseline["macro F1"] == pytest.approx((2 * 3 / (3 + 5) + 0) / 2)
    # ant against the others: scores .7 .1 .6 | .2 .05; pairs won 2 + 1 + 2 of 6
    assert ant.auc == pytest.approx(5 / 6)
    assert math.isnan(bee.auc)
    assert [(m.row, m.true, m.predicted) for m in report.mistakes] == [
        (4, "cat", "bee"),
        (1, "ant", "bee"),
    ]
    assert [m.probability for m in report.mistakes] == pytest.approx([0.9, 0.8])


def test_calibration_of_the_predicted_class_by_hand():
    p = [[0.72, 0.18, 0.1], [0.74, 0.16, 0.1], [0.1, 0.1, 0.8], [0.2, 0.2, 0.6]]
    report = answering(3, "softmax").report(softmax_of(p), np.array([0, 1, 2, 2]))

    # Bins of a tenth: .6 (right), .72 and .74 (one right of two) with .8 on the edge.
    curve = report.calibration.curve
    np.testing.assert_array_equal(curve.rows, [1, 3])
    np.testing.assert_allclose(curve.confidence, [0.6, (0.72 + 0.74 + 0.8) / 3])
    np.testing.assert_allclose(curve.fraction, [1, 2 / 3])
    expected = (0.4 * 1 + abs(0.7533333 - 0.6666667) * 3) / 4
    assert report.calibration.error == pytest.approx(expected, abs=1e-6)


def test_calibration_of_two_classes_is_about_the_second_one():
    x = np.log(np.array([[0.15], [0.25], [0.95]]) / np.array([[0.85], [0.75], [0.05]]))
    report = answering(1, "sigmoid", "binary_crossentropy").report(x, np.array([0, 1, 1]))

    np.testing.assert_allclose(report.calibration.curve.confidence, [0.15, 0.25, 0.95])
    np.testing.assert_allclose(report.calibration.curve.fraction, [0, 1, 1])


def test_of_one_unit_both_answers_have_their_probability():
    p = np.array([[0.1], [0.8], [0.3]])
    report = answering(1, "sigmoid", "binary_crossentropy").report(np.log(p / (1 - p)), [1, 0, 0])

    assert [(m.row, m.true, m.predicted) for m in report.mistakes] == [(0, "1", "0"), (1, "0", "1")]
    assert [m.probability for m in report.mistakes] == pytest.approx([0.9, 0.8])


def test_a_class_that_is_nowhere_is_left_out_of_the_means():
    p = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]]
    report = answering(3, "softmax").report(softmax_of(p), np.array([0, 1, 1]))

    nowhere = report.classes[2]
    assert nowhere.rows == 0
    assert all(map(math.isnan, nowhere[1:6]))
    assert report.macro_mean.recall == pytest.approx((1 + 0.5) / 2)
    assert report.macro_mean.f1 == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_one_row_has_no_curves():
    report = answering(3, "softmax").report(softmax_of([[0.8, 0.1, 0.1]]), np.array([0]))

    assert report.scores["accuracy"] == 1.0
    assert math.isnan(report.scores["macro AUC"])
    assert "–" in str(report)
    assert [piece.title for piece in report.pieces if "ROC" in piece.title] == []


def test_a_loss_on_numbers_stands_for_classes_where_these_have_names_or_a_metric():
    x, y = np.array([[0.9, 0.1], [0.2, 0.8]]), np.eye(2)
    by_metric = answering(2, "sigmoid", "mse", metrics=["accuracy"])
    by_name = answering(2, "sigmoid", "mse")
    by_name.class_names = ["no", "yes"]

    assert by_metric.report(x, y).task == by_name.report(x, y).task == "classes"
    assert answering(2, "sigmoid", "mse").report(x, y).task == "numbers"


def test_scores_that_are_no_probabilities_have_no_calibration():
    x, y = np.array([[3.0, -1.0], [-2.0, 5.0]]), np.eye(2)
    report = answering(2, None, "mse", metrics=["accuracy"]).report(x, y)

    assert report.calibration is None
    assert "alibration" not in str(report)
    wrong = answering(2, None, "mse", metrics=["accuracy"]).report(x, y[::-1])
    (shown,) = (piece for piece in wrong.pieces if piece.title == "Most confident mistakes")
    assert shown.header[:4] == ("row", "true", "predicted", "score")
    assert [row[3] for row in shown.rows] == ["5.0000", "3.0000"]


@pytest.mark.parametrize("form", ["numbers", "one-hot", "soft"])
def test_targets_come_in_all_forms_of_the_loss(form):
    x, y = random_answers(30, 3, 0)
    given = {"numbers": y, "one-hot": np.eye(3)[y], "soft": np.eye(3)[y] * 0.4 + 0.2}[form]

    report = answering(3, "softmax").report(x, given)

    np.testing.assert_array_equal(report.confusion_matrix.sum(axis=1), np.bincount(y, minlength=3))


def test_the_most_confused_pairs_are_told_of_many_classes():
    x, y = random_answers(2000, 40, 1)
    report = answering(40, "softmax").report(x, y)
    titles = [piece.title for piece in report.pieces]

    assert "Confusion matrix" not in titles
    (pairs,) = (piece for piece in report.pieces if piece.title == "Most confused classes")
    counts = report.confusion_matrix - np.diag(np.diag(report.confusion_matrix))
    true, predicted, rows, share = pairs.rows[0]
    assert int(rows) == counts.max() == counts[int(true), int(predicted)]
    assert float(share) == pytest.approx(counts.max() / np.sum(y == int(true)), abs=1e-4)
