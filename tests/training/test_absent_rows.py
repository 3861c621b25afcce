"""Rows of weight 0 are as if they were not there, whatever overflows on their way.

The same batch without these rows says what must come out: of n rows k are left, and a loss that is
divided by n is k/n times one that is divided by k.
"""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS
from ffnn.callbacks import Recorder
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.losses import LOSSES
from ffnn.metrics import METRICS
from ffnn.optimizers import SGD

HUGE = {"float32": 3e38, "float64": 1e308}
rng = np.random.default_rng(12)
ROWS, COLUMNS = 12, 4
X = rng.normal(size=(ROWS, COLUMNS))
LABELS = np.arange(ROWS) % 2
WEIGHT = rng.uniform(0.5, 2.0, ROWS)
WEIGHT[[1, 4, 5, 11]] = 0.0
KEPT = WEIGHT > 0
SHARE = KEPT.sum() / ROWS
ENDS = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
    "poisson": "exponential",
    "binary_focal_crossentropy": "sigmoid",
    "categorical_focal_crossentropy": "softmax",
}
HIDDEN = {cls.__name__: cls for cls in ACTIVATIONS.classes.values()}
HIDDEN |= {cls.__name__: cls for cls in (BatchNorm, LayerNorm, RMSNorm)}
HIDDEN["Dropout"] = lambda: Dropout(0.3)


def network(hidden=(), loss="mse", dtype="float32", metrics=(), seed=3):
    units = 2 if "categorical" in loss else 1
    layers = [Dense(5, "relu"), *hidden, Dense(units, ENDS.get(loss, "linear"))]
    model = ffnn.Sequential(layers, input_dim=COLUMNS, dtype=dtype, seed=seed)
    model.compile(SGD(0.01, momentum=0.5), loss, list(metrics))
    return model


def spoilt(dtype="float32"):
    """Return the rows with numbers that are finite, but no longer after a first product."""
    x = X.copy()
    x[~KEPT] = HUGE[dtype] * np.array([1, -1, 1, 1])
    return x


def assert_same(one, other, rtol=2e-5):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize("dtype", list(HUGE))
@pytest.mark.parametrize("loss", [names[0] for names in LOSSES.names()])
def test_no_loss_sees_them(loss, dtype):
    with_rows, without = network(loss=loss, dtype=dtype), network(loss=loss, dtype=dtype)
    value = with_rows.compute_gradients(spoilt(dtype), LABELS, WEIGHT)
    expected = without.compute_gradients(X[KEPT], LABELS[KEPT], WEIGHT[KEPT])
    assert value == pytest.approx(expected * SHARE, rel=1e-5)
    np.testing.assert_allclose(with_rows.gradients, without.gradients * SHARE, rtol=1e-4, atol=1e-6)
    assert np.isfinite(with_rows.gradients).all()
    assert with_rows.evaluate(spoilt(dtype), LABELS, sample_weight=WEIGHT) == pytest.approx(
        without.evaluate(X[KEPT], LABELS[KEPT], sample_weight=WEIGHT[KEPT]) * SHARE, rel=1e-5
    )


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("way", ["fit", "train_on_batch"])
def test_no_layer_sees_them(name, way):
    models = [network([HIDDEN[name]()]) for _ in range(2)]
    weight = (WEIGHT, WEIGHT[KEPT] * SHARE)
    for model, x, y, w in zip(
        models, (spoilt(), X[KEPT]), (LABELS, LABELS[KEPT]), weight, strict=True
    ):
        for _ in range(3):
            if way == "fit":
                model.fit(x, y, batch_size=ROWS, shuffle=False, sample_weight=w, verbose=0)
            else:
                model.train_on_batch(x, y, w)
    assert_same(*models)


def test_batch_statistics_are_those_of_the_other_rows():
    model = ffnn.Sequential([BatchNorm(momentum=0.5), Dense(1)], COLUMNS, "float64", seed=0)
    model.compile("sgd", "mse")
    x = spoilt()
    model.train_on_batch(x, LABELS, WEIGHT)
    layer = model.layers[0]
    np.testing.assert_allclose(layer.moving_mean, 0.5 * x[KEPT].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, 0.5 + 0.5 * x[KEPT].var(axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", sorted({n[0] for n in METRICS.names()} - {"top_k_accuracy"}))
def test_no_metric_sees_them(name):
    y = LABELS.astype(float)
    model = network(loss="binary_crossentropy", metrics=[name])
    other = network(loss="binary_crossentropy", metrics=[name])
    came = model.evaluate(spoilt(), y, batch_size=5, sample_weight=WEIGHT, return_dict=True)
    expected = other.evaluate(X[KEPT], y[KEPT], sample_weight=WEIGHT[KEPT], return_dict=True)
    np.testing.assert_allclose(came[name], expected[name], rtol=1e-6)
    if METRICS.get(name).is_table:  # which histories do not hold
        return
    for each, x, target, weight in (
        (model, spoilt(), y, WEIGHT),
        (other, X[KEPT], y[KEPT], WEIGHT[KEPT]),
    ):
        each.fit(x, target, batch_size=ROWS, sample_weight=weight, verbose=0)
    came, expected = (each.history.history[name] for each in (model, other))
    assert came == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_with_rows_of_weight_zero_of_a_class(shuffle):
    x = X.copy()
    x[LABELS == 0] = 3e38
    model = network([BatchNorm(), Dropout(0.2)], "binary_crossentropy", metrics=["accuracy"])
    options = {"class_weight": {0: 0.0}, "epochs": 4, "batch_size": 2, "verbose": 0}
    history = model.fit(x, LABELS, shuffle=shuffle, **options).history
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(history["accuracy"]).all()
    assert np.isfinite(model.parameters).all()
    assert np.isfinite(model.layers[1].moving_mean).all()


def test_a_batch_of_such_rows_alone_is_no_update():
    model = network([BatchNorm()], metrics=["mae"])
    model.train_on_batch(X, LABELS)
    before, updates = model.get_weights(), model.optimizer.iterations
    assert model.train_on_batch(spoilt(), LABELS, np.zeros(ROWS)) == 0.0
    for kept, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)
    assert model.optimizer.iterations == updates
    assert model.compute_gradients(spoilt(), LABELS, np.zeros(ROWS)) == 0.0
    np.testing.assert_array_equal(model.gradients, 0.0)
    values = model.evaluate(spoilt(), LABELS, sample_weight=np.zeros(ROWS))
    assert values[0] == 0.0
    assert np.isnan(values[1])  # of no row


def test_penalties_still_count():
    layers = [Dense(1, weight_regularizer=ffnn.regularizers.L2(0.5), weight_initializer="ones")]
    model = ffnn.Sequential(layers, input_dim=COLUMNS, seed=0)
    model.compile("sgd", "mse")
    assert model.compute_gradients(spoilt(), LABELS, np.zeros(ROWS)) == 0.5 * COLUMNS
    np.testing.assert_array_equal(model.layers[0].grads["weight"], 1.0)
    np.testing.assert_array_equal(model.layers[0].grads["bias"], 0.0)


def test_a_training_is_watched_and_resumed_all_the_same(tmp_path):
    def trained(epochs, resume=None):
        model = network([BatchNorm()], metrics=["mae"])
        options = {"sample_weight": WEIGHT, "batch_size": 2, "verbose": 0, "resume_from": resume}
        model.fit(spoilt(), LABELS, epochs=epochs, callbacks=[Recorder()], **options)
        return model

    trained(2).save(tmp_path / "m.h5")
    resumed, whole = trained(4, tmp_path / "m.h5"), trained(4)
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert resumed.history.history == whole.history.history


def test_an_explained_step_is_that_of_the_training():
    model = network([BatchNorm()])
    explained = model.explain_step(spoilt()[:6], LABELS[:6], WEIGHT[:6])
    assert explained.loss == model.train_on_batch(spoilt()[:6], LABELS[:6], WEIGHT[:6])


def test_a_diagnosis_does_not_see_them():
    x, y, weight = (np.concatenate([part] * 20) for part in (spoilt(), LABELS, WEIGHT))
    kept = weight > 0
    model = network()
    kinds = {found.kind for found in model.diagnose(x, y, weight)}
    assert kinds == {found.kind for found in model.diagnose(x[kept], y[kept], weight[kept])}
