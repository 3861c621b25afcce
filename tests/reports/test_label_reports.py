"""Reports on several labels a row, beside scikit-learn's numbers and by hand."""

import numpy as np
import pytest
from sklearn import metrics

import ffnn
from ffnn.layers import Dense
from ffnn.reports import LabelReport


def answering(labels, names=None):
    """Return a model that puts out the sigmoid of its inputs."""
    model = ffnn.Sequential(
        [Dense(labels, "sigmoid", use_bias=False)], input_dim=labels, dtype="float64", seed=0
    )
    model.layers[0].params["weight"][...] = np.eye(labels)
    model.compile("sgd", "binary_crossentropy")
    model.class_names = names
    return model


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(120, 4)), 1)
    y = (x + rng.normal(size=x.shape) > 0.5).astype(int)

    report = answering(4).report(x, y)

    predicted = x > 0
    expected = metrics.classification_report(y, predicted, output_dict=True, zero_division=0)
    for name, found in (
        *((str(i), each) for i, each in enumerate(report.labels)),
        ("macro avg", report.macro_mean),
        ("weighted avg", report.weighted_mean),
    ):
        assert found.precision == pytest.approx(expected[name]["precision"])
        assert found.recall == pytest.approx(expected[name]["recall"])
        assert found.f1 == pytest.approx(expected[name]["f1-score"])
        assert found.rows == expected[name]["support"]
    assert report.macro_mean.auc == pytest.approx(metrics.roc_auc_score(y, x))
    assert report.scores["macro AUC"] == report.macro_mean.auc
    wanted = metrics.average_precision_score(y, x)
    assert report.scores["macro average precision"] == pytest.approx(wanted)
    assert report.scores["all labels of a row"] == pytest.approx(
        metrics.accuracy_score(y, predicted)
    )
    assert report.scores["each label"] == pytest.approx(np.mean(y == predicted))
    np.testing.assert_array_equal(report.counts, metrics.multilabel_confusion_matrix(y, predicted))


def test_the_baseline_and_the_mistakes_by_hand():
    p = np.array([[0.9, 0.2], [0.6, 0.3], [0.95, 0.4], [0.2, 0.1]])
    y = np.array([[1, 0], [1, 1], [0, 0], [1, 0]])

    report = answering(2, ["sun", "wind"]).report(np.log(p / (1 - p)), y)

    assert isinstance(report, LabelReport)
    assert report.label_names == ("sun", "wind")
    assert report.baseline["each label"] == pytest.approx(6 / 8)  # sun always, wind never
    assert report.baseline["all labels of a row"] == pytest.approx(2 / 4)
    assert report.baseline["macro F1"] == pytest.approx((6 / 7 + 0) / 2)
    found = [(m.row, m.label, m.true, m.predicted) for m in report.mistakes]
    assert found == [
        (2, "sun", "no", "yes"),
        (3, "sun", "yes", "no"),
        (1, "wind", "yes", "no"),
    ]
    assert [m.probability for m in report.mistakes] == pytest.approx([0.95, 0.8, 0.7])


def test_a_label_that_is_nowhere_is_left_out_of_both_means():
    x = np.array([[3.0, -3.0, -1.0], [3.0, -3.0, -2.0], [-3.0, 3.0, -1.0]])
    y = (x > 0).astype(int)  # which the model answers, too; the last label is nowhere

    report = answering(3).report(x, y)

    assert report.scores["macro F1"] == report.scores["macro average precision"] == 1.0
    assert report.baseline["macro F1"] == pytest.approx((4 / 5 + 0) / 2)
    assert report.baseline["macro average precision"] == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert report.baseline["macro AUC"] == 0.5


@pytest.mark.parametrize(("y", "mean"), [([[1, 0, 0]], 1.0), ([[0, 0, 0]], np.nan)])
def test_what_one_row_leaves_undefined_is_so_for_the_baseline_too(y, mean):
    report = answering(3).report(np.array([[3.0, -3.0, -3.0]]), np.array(y))

    assert np.isnan(report.scores["macro AUC"])
    assert np.isnan(report.baseline["macro AUC"])
    np.testing.assert_equal(report.baseline["macro average precision"], mean)
    np.testing.assert_equal(report.baseline["macro F1"], mean)
