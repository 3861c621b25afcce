"""Labels of classes are part of the model, with their values and their dtype."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.estimators import FFNNClassifier
from ffnn.layers import Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
NUMBERS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)

LABELS = [
    np.array([1, 2, 5]),
    np.array([-3, 0, 7], np.int8),
    np.array([1, 2, 2**63], np.uint64),
    np.array([1.0, 2.0, 4.0], np.float32),
    np.array(["1", "2", "3"]),
    np.array(["große", "kleine", "mittlere"]),
    np.array(["a", "b", "c"], object),
    np.array([1, 2, 4], np.longdouble),
    np.array(["1999", "2000", "2001"], "datetime64[Y]"),
    np.array(["1969-12-31", "2000-02-29", "2024-01-01"], "datetime64[D]"),
    np.array(["2024-01-01T00:00:00", "2024-01-01T00:00:00.000000001", "2024"], "datetime64[ns]")[
        [0, 1, 1]
    ]
    + np.array([0, 0, 1], "timedelta64[ns]"),
    np.array([-1, 0, 2**62], "timedelta64[s]"),
]
BINARY = [labels[:2] for labels in LABELS] + [np.array([False, True])]


def train(labels, **settings):
    y = labels[np.minimum(NUMBERS, len(labels) - 1)]
    settings = {"max_iter": 60, "learning_rate_init": 0.02, "random_state": 0, **settings}
    return FFNNClassifier((8,), **settings).fit(X, y), y


@pytest.mark.parametrize("labels", LABELS + BINARY, ids=repr)
@pytest.mark.parametrize("keep", ["file", "pickle"])
def test_labels_survive_saving_and_loading(tmp_path, labels, keep):
    fitted, y = train(labels)
    if keep == "file":
        fitted.model_.save(tmp_path / "model.h5")
        model = ffnn.load_model(tmp_path / "model.h5")
    else:
        model = pickle.loads(pickle.dumps(fitted.model_))
    back = model.as_estimator()
    assert back.classes_.dtype == fitted.classes_.dtype
    assert back.classes_.dtype.kind == (labels.dtype.kind if labels.dtype != object else "U")
    np.testing.assert_array_equal(back.classes_, labels)
    np.testing.assert_array_equal(back.predict(X), fitted.predict(X))
    assert back.score(X, y) == fitted.score(X, y) > 0.8


def test_a_model_trained_on_the_labels_1_and_2_predicts_them(tmp_path):
    fitted, y = train(np.array([1, 2]))
    fitted.model_.save(tmp_path / "model.h5")
    back = ffnn.load_model(tmp_path / "model.h5").as_estimator()
    assert set(back.predict(X)) == {1, 2}
    assert back.score(X, y) == fitted.score(X, y) > 0.86
    back.partial_fit(X, y)
    assert set(back.predict(X)) == {1, 2}


@pytest.mark.parametrize(
    "labels", [labels[1:2] for labels in LABELS] + [np.array([True])], ids=repr
)
@pytest.mark.parametrize("keep", ["file", "pickle", "model"])
def test_the_only_label_of_a_training_is_kept(tmp_path, labels, keep):
    fitted = FFNNClassifier((4,), max_iter=2, random_state=0).fit(X, np.repeat(labels, len(X)))
    model = fitted.model_
    if keep == "file":
        model.save(tmp_path / "model.h5")
        model = ffnn.load_model(tmp_path / "model.h5")
    elif keep == "pickle":
        model = pickle.loads(pickle.dumps(model))
    back = model.as_estimator()
    np.testing.assert_array_equal(back.classes_, labels)
    assert back.classes_.dtype == fitted.classes_.dtype
    assert set(back.predict(X)) == set(labels)
    back.partial_fit(X, np.repeat(labels, len(X)))
    assert set(back.predict(X)) == set(labels)


@pytest.mark.parametrize("labels", [[], [1, 2, 3], [[7]], 7], ids=repr)
def test_another_number_of_classes_than_one_unit_can_tell_apart_is_refused(labels):
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=5, seed=0)
    with pytest.raises(ValueError, match="as_estimator: expected 2 classes"):
        model.as_estimator(classes=labels)


def test_names_that_are_given_later_take_the_place_of_labels():
    fitted, _ = train(np.array([1, 2, 5]))
    assert fitted.model_.class_names == ["1", "2", "5"]
    np.testing.assert_array_equal(fitted.model_.class_labels, [1, 2, 5])
    fitted.model_.class_names = ["a", "b", "c"]
    assert fitted.model_.class_labels is None
    assert fitted.model_.as_estimator().classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("labels", [[[1, 2]], 3, [1 + 2j], [None, "a"]])
def test_other_things_are_no_labels(labels):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=5)
    with pytest.raises((TypeError, ValueError), match=r"class_labels|inhomogeneous"):
        model.class_labels = labels
    assert model.class_labels is None


@pytest.mark.parametrize(
    "forged",
    [
        {"dtype": "complex64", "values": ["1"]},
        {"dtype": "int8", "values": ["300"]},
        {"dtype": "int64", "values": ["one"]},
        {"dtype": "bool", "values": ["yes"]},
        {"dtype": "float64", "values": ["nan?"]},
        {"dtype": "int64", "values": [1]},
        {"dtype": "datetime64[D]", "values": ["tomorrow"]},
        {"dtype": "datetime64[D]", "values": [1]},
        {"dtype": "timedelta64[s]", "values": ["1 s"]},
        {"dtype": "datetime64[25s]", "values": ["2020-01-01"]},
        {"dtype": "int64"},
        ["a"],
    ],
)
def test_forged_labels_are_refused(forged):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=5)
    config, arrays = model.capture()
    with pytest.raises((ValueError, TypeError, KeyError, OverflowError)):
        ffnn.Sequential.restore({**config, "class_labels": forged}, arrays)
