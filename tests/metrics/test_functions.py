"""Plain functions as metrics: `f(y_true, y_pred)` of all rows of an epoch."""

from __future__ import annotations

import copy
import functools
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import EarlyStopping
from ffnn.layers import Dense
from ffnn.metrics import FunctionMetric

RNG = np.random.default_rng(6)
X = RNG.normal(size=(50, 3))
Y = np.arange(50) % 3
NUMBERS = X @ np.array([1.0, -2.0, 0.5])


def worst(y_true, y_pred):
    """Return the largest error, which no mean over batches is."""
    return np.abs(y_true - y_pred).max()


def hit_rate(y_true, y_pred):
    return (y_pred.argmax(axis=1) == y_true).mean()


def accuracy(y_true, y_pred):
    return 0.25


def classifier(*metrics):
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=3, seed=0)
    model.compile("adam", "cce", list(metrics))
    return model


def regressor(*metrics, units=1):
    model = ffnn.Sequential([Dense(units)], input_dim=3, seed=0)
    model.compile("adam", "mse", list(metrics))
    return model


# -- what it measures ------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_it_is_the_functions_value_of_all_rows_whatever_the_batch_size(batch_size):
    model = regressor(worst)
    expected = np.abs(NUMBERS[:, None] - model.predict(X)).max()
    value = model.evaluate(X, NUMBERS, batch_size, return_dict=True)["worst"]
    assert value == pytest.approx(expected, rel=1e-6)
    assert type(value) is float


def test_it_is_called_once_an_epoch():
    calls = []

    def rows(y_true, y_pred):
        calls.append((y_true.shape, y_pred.shape))
        return len(y_true)

    model = classifier(rows)
    logs = model.fit(X, Y, epochs=2, validation_split=0.2, batch_size=8, verbose=0).history
    assert logs["rows"] == [40.0, 40.0]
    assert logs["val_rows"] == [10.0, 10.0]
    first = ((8,), (8, 3))  # to see that it returns a number
    assert calls == [first, *[((40,), (40, 3)), ((10,), (10, 3))] * 2]


@pytest.mark.parametrize(
    ("make", "y", "shape", "kind"),
    [
        (classifier, Y, (50,), "i"),
        (classifier, Y[:, None], (50,), "i"),
        (classifier, np.eye(3)[Y], (50, 3), "f"),
        (regressor, NUMBERS, (50, 1), "f"),
        (regressor, NUMBERS[:, None], (50, 1), "f"),
        (functools.partial(regressor, units=3), X, (50, 3), "f"),
    ],
)
def test_what_it_is_called_with(make, y, shape, kind):
    seen = []

    def look(y_true, y_pred):
        seen.extend([y_true, y_pred])
        return 0

    model = make(look)
    model.evaluate(X, y, batch_size=8)
    tried, seen = seen[:2], seen[2:]
    np.testing.assert_allclose(seen[0], np.reshape(y, shape), rtol=1e-6)
    assert tried[0].dtype.kind == seen[0].dtype.kind == kind
    np.testing.assert_allclose(seen[1], model.predict(X), rtol=1e-6)
    np.testing.assert_array_equal(tried[0], seen[0][:8])


def test_a_function_of_scikit_learn_serves():
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    model = regressor(m.median_absolute_error, "mae")
    values = model.evaluate(X, NUMBERS, return_dict=True)
    expected = np.median(np.abs(NUMBERS - model.predict(X)[:, 0]))
    assert values["median_absolute_error"] == pytest.approx(expected, rel=1e-6)


def test_it_may_overwrite_what_it_is_called_with():
    def spoil(y_true, y_pred):
        y_true[...] = 0
        y_pred[...] = 0
        return 1

    model, other = classifier(spoil, hit_rate), classifier(hit_rate)
    expected = other.evaluate(X, Y)
    np.testing.assert_allclose(np.delete(model.evaluate(X, Y), 1), expected)
    np.testing.assert_array_equal(Y, np.arange(50) % 3)


@pytest.mark.parametrize("value", [None, "high", np.zeros(3), [1.0, 2.0]])
@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_what_is_no_number_is_noticed_at_the_first_batch(value, call):
    calls = []

    def odd(y_true, y_pred):
        calls.append(len(y_true))
        return value

    model = classifier(odd)
    with pytest.raises(TypeError, match="metric 'odd': expected a number as its value, got"):
        getattr(model, call)(X, Y, batch_size=10)
    assert calls == [8]


def test_one_that_needs_all_rows_serves():
    def spread(y_true, y_pred):
        if len(y_true) < 50:
            raise ValueError("too few rows")
        return float(np.ptp(y_true))

    assert classifier(spread).evaluate(X, Y, return_dict=True)["spread"] == 2.0


# -- names -----------------------------------------------------------------------------------------


class Nameless:
    def __call__(self, y_true, y_pred):
        return 0.0


@pytest.mark.parametrize("function", [lambda y, p: 0.0, functools.partial(worst), Nameless()])
def test_without_a_name_it_is_refused(function):
    with pytest.raises(
        TypeError,
        match=r"compile: metrics: .* has no name to report.*def my_metric\(y_true, y_pred\)",
    ):
        classifier(function)


@pytest.mark.parametrize("function", [lambda: 0.0, lambda y: y, lambda y, p, w: 0.0])
def test_it_takes_two_arguments(function):
    function.__name__ = "few"
    with pytest.raises(
        TypeError, match="compile: metrics: metric 'few' must be a function of y_true"
    ):
        classifier(function)


def test_a_function_without_a_signature_serves():
    model = regressor(max)  # of Python, which says nothing of its arguments
    assert model.metrics[0].name == "max"


def test_two_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two numbers would be called 'worst'"):
        regressor(worst, worst)
    with pytest.raises(ValueError, match="two numbers would be called 'accuracy'"):
        classifier("accuracy", accuracy)


def test_a_class_instead_of_an_object_is_still_explained():
    with pytest.raises(TypeError, match="write it with parentheses"):
        classifier(FunctionMetric)


# -- what it returns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, "0.5", 1j, [1.0], np.ones(3), np.ones((1, 1)), {}], ids=repr
)
def test_what_is_not_a_number_is_refused_by_the_metrics_name(value):
    def odd(y_true, y_pred):
        return value

    for run in (classifier(odd).evaluate, classifier(odd).fit):
        with pytest.raises(TypeError, match="metric 'odd': expected a number as its value, got "):
            run(X, Y)


@pytest.mark.parametrize(
    "value", [2, True, np.float32(2), np.int64(2), np.array(2.0), float("nan")], ids=repr
)
def test_any_number_becomes_a_float(value):
    def fine(y_true, y_pred):
        return value

    found = classifier(fine).evaluate(X, Y)[1]
    assert type(found) is float
    np.testing.assert_equal(found, float(value))


def test_an_array_is_told_by_its_shape():
    def errors(y_true, y_pred):
        return y_true - y_pred

    with pytest.raises(TypeError, match=r"got an array of shape \(8, 1\); return one number"):
        regressor(errors).evaluate(X, NUMBERS)


def test_whether_higher_is_better_is_not_known():
    model = regressor(worst)
    with pytest.raises(ValueError, match=r"whether a lower or a higher 'worst'.*mode='min' or"):
        model.fit(X, NUMBERS, verbose=0, callbacks=[EarlyStopping("worst")])
    stopping = EarlyStopping("worst", mode="min")
    history = model.fit(X, NUMBERS, epochs=2, verbose=0, callbacks=[stopping])
    assert history.higher_is_better == []


# -- kept ------------------------------------------------------------------------------------------


def test_a_model_is_loaded_with_the_function(tmp_path):
    model, path = classifier(hit_rate, accuracy), tmp_path / "model.h5"
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(path)
    own = {"hit_rate": hit_rate, "accuracy": accuracy}
    loaded = ffnn.load_model(path, own)
    assert repr(loaded.metrics) == "[hit_rate, accuracy]"
    assert loaded.evaluate(X, Y) == model.evaluate(X, Y)
    resumed = classifier(hit_rate, accuracy)
    resumed.fit(X, Y, epochs=3, verbose=0, resume_from=path)
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0)
    assert resumed.history.history["hit_rate"] == [
        *loaded.history.history["hit_rate"],
        model.history.history["hit_rate"][-1],
    ]


def test_without_the_function_a_file_asks_for_it(tmp_path):
    path = tmp_path / "model.h5"
    classifier(hit_rate).save(path)
    message = (
        r"unknown metric 'hit_rate': .*a function of yours.*custom_objects={'hit_rate': \.\.\.}"
    )
    with pytest.raises(ffnn.ModelFileError, match=message):
        ffnn.load_model(path)
    with pytest.raises(TypeError, match="name to class or function, got 'hit_rate'"):
        ffnn.load_model(path, {"hit_rate": "hit_rate"})
    with pytest.raises(ffnn.ModelFileError, match="'hit_rate' must be a subclass of Metric"):
        ffnn.load_model(path, {"hit_rate": Dense})


def test_a_function_is_no_other_part(tmp_path):
    with pytest.raises(TypeError, match="expected activation: a name or an object"):
        Dense(3, activation=worst)


def test_copies_measure_by_the_same_function():
    model = classifier(hit_rate)
    model.fit(X, Y, verbose=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.evaluate(X, Y) == model.evaluate(X, Y)
        assert twin.metrics[0].function is hit_rate


def test_a_copy_of_the_metric_knows_what_it_measures():
    model = classifier(hit_rate)
    model.evaluate(X, Y)
    twin = model.metrics[0].clone()
    assert (twin.loss_task, twin.units) == ("classes", 3)


def test_two_functions_of_one_name_are_told_apart_by_no_file(tmp_path):
    def other():
        def hit_rate(y_true, y_pred):
            return 0.0

        return hit_rate

    with pytest.raises(ValueError, match="two numbers would be called 'hit_rate'"):
        classifier(hit_rate, other())


def test_an_estimator_measures_by_it():
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    model = regressor(worst)
    expected = np.abs(NUMBERS[:, None] - model.predict(X)).max()
    estimator = model.as_estimator(shuffle=False, batch_size=50).partial_fit(X, NUMBERS)
    assert estimator.model_.history.history["worst"][0] == pytest.approx(expected, rel=1e-6)
