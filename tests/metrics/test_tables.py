"""A metric whose value is a table: the confusion matrix, which `evaluate` alone returns."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint
from ffnn.layers import Dense
from ffnn.metrics import ConfusionMatrix, Metric

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 4))
Y = np.arange(60) % 3


def classifier(metrics=("accuracy", "confusion_matrix"), **options):
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=4, seed=0)
    model.compile("adam", "cce", list(metrics), **options)
    return model


def test_the_table_by_hand_batch_by_batch():
    metric = ConfusionMatrix()
    metric.reset()
    metric.update(np.array([0, 1]), np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1]]))
    metric.update(np.array([1, 2]), np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1]]))
    np.testing.assert_array_equal(metric.result(), [[1, 0, 0], [1, 1, 0], [0, 1, 0]])
    assert metric.result().dtype.kind == "i"
    metric.reset()
    metric.update(np.array([[1.0], [0.0]]), np.array([[0.5], [0.6]]))
    np.testing.assert_array_equal(metric.result(), [[0, 1], [1, 0]])


def test_what_is_returned_is_the_callers():
    metric = ConfusionMatrix()
    metric.reset()
    metric.update(np.array([0, 1]), np.eye(2))
    metric.result().fill(7)
    np.testing.assert_array_equal(metric.result(), np.eye(2))


def test_evaluate_returns_the_table_as_other_values():
    model = classifier()
    loss, accuracy, table = model.evaluate(X, Y, batch_size=7)
    named = model.evaluate(X, Y, return_dict=True)
    assert list(named) == ["loss", "accuracy", "confusion_matrix"]
    assert named["accuracy"] == accuracy
    assert named["loss"] == pytest.approx(loss)
    for found in (table, named["confusion_matrix"]):
        expected = np.zeros((3, 3), int)
        for true, predicted in zip(Y, model.predict(X).argmax(axis=1), strict=True):
            expected[true, predicted] += 1
        np.testing.assert_array_equal(found, expected)
        assert found.dtype.kind == "i"
    assert accuracy == np.trace(table) / 60
    assert len(classifier(["confusion_matrix"]).evaluate(X, Y)) == 2


def test_a_weighted_table_holds_sums_of_weights():
    model = classifier(["confusion_matrix"], weighted_metrics=["confusion_matrix"])
    weight = np.full(60, 0.5)
    values = model.evaluate(X, Y, sample_weight=weight, return_dict=True)
    plain, weighted = values["confusion_matrix"], values["weighted_confusion_matrix"]
    np.testing.assert_array_equal(weighted, plain * 0.5)
    assert weighted.dtype == np.float64
    assert plain.dtype.kind == "i"


def test_training_reports_numbers_alone(tmp_path, capsys):
    model = classifier(weighted_metrics=["f1", ConfusionMatrix()])
    callbacks = [CSVLogger(tmp_path / "log.csv")]
    options = {"epochs": 2, "validation_split": 0.2, "verbose": 2, "callbacks": callbacks}
    history = model.fit(X, Y, **options)
    names = ["loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1"]
    assert list(history.history) == names
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert header == ",".join(["epoch", *names])
    assert "matrix" not in capsys.readouterr().out
    assert history.plot().axes
    model.train_on_batch(X, Y)


@pytest.mark.parametrize("name", ["confusion_matrix", "val_confusion_matrix"])
@pytest.mark.parametrize(
    "watcher",
    [
        lambda name, path: EarlyStopping(name, mode="max"),
        lambda name, path: ModelCheckpoint(path, name, save_best_only=True),
    ],
)
def test_a_table_cannot_be_watched(tmp_path, name, watcher):
    model = classifier()
    message = f"there is no '{name}'.*'confusion_matrix' is a table, which only evaluate returns"
    with pytest.raises(ValueError, match=message):
        model.fit(
            X,
            Y,
            validation_split=0.2,
            verbose=0,
            callbacks=[watcher(name, tmp_path / "m.h5")],
        )
    assert model.history is None


def test_a_model_with_one_is_saved_and_resumed(tmp_path):
    model, path = classifier(), tmp_path / "model.h5"
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(path)
    loaded = ffnn.load_model(path)
    np.testing.assert_array_equal(loaded.evaluate(X, Y)[2], model.evaluate(X, Y)[2])
    resumed = classifier()
    resumed.fit(X, Y, epochs=3, verbose=0, resume_from=path)
    model.fit(X, Y, epochs=3, initial_epoch=1, verbose=0)
    np.testing.assert_array_equal(resumed.parameters, model.parameters)


def test_a_table_that_would_fill_the_memory_is_refused_before_work():
    model = ffnn.Sequential([Dense(10_001, "softmax")], seed=0)
    model.compile("sgd", "cce", ["confusion_matrix"])
    with pytest.raises(ffnn.DataError, match="'confusion_matrix': expected at most 10,000 class"):
        model.fit(np.ones((3, 1)), [0, 1, 2])
    assert not model.is_built


class Extremes(Metric):
    """The smallest and the largest output."""

    name = "extremes"
    is_table = True

    def reset(self):
        self._found = []

    def update(self, target, output):
        self._found += [output.min(), output.max()]

    def result(self):
        return [min(self._found), max(self._found)]


def test_a_table_of_ones_own():
    model = classifier([Extremes()])
    p = model.predict(X)
    found = model.evaluate(X, Y, batch_size=7)[1]
    np.testing.assert_array_equal(found, np.array([p.min(), p.max()], np.float32))
    assert list(model.fit(X, Y, verbose=0).history) == ["loss"]
