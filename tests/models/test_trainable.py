"""fit: epochs, validation, weights, sources of rows, and what is refused before training."""

import weakref

import numpy as np
import pytest
from small_models import LABELS, ONE_HOT, X, classifier, line

import ffnn
from ffnn.callbacks import Callback, EarlyStopping
from ffnn.layers import BatchNorm, Dense, Dropout, Rescaling
from ffnn.optimizers import SGD, Adam
from ffnn.regularizers import L2

# -- epochs -------------------------------------------------------------------------------------


def test_epoch_loss_is_the_mean_over_rows_with_a_short_last_batch():
    model = line(learning_rate=0.0)
    x, y = [[0.0], [0.0], [0.0]], [1.0, 1.0, 4.0]  # residuals 0, 0, -3

    history = model.fit(x, y, batch_size=2, verbose=0, shuffle=False)

    assert history.history["loss"] == [3.0]


def test_a_batch_larger_than_the_data_and_a_single_row_work():
    model = classifier()

    model.fit(X, LABELS, batch_size=1000, verbose=0)
    model.fit(X[:1], LABELS[:1], verbose=0)

    assert model.optimizer.iterations == 2


def test_training_learns_a_nonlinear_task():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (400, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = ffnn.Sequential([Dense(16, "tanh"), Dense(1, "sigmoid")], input_dim=2, seed=0)
    model.compile(Adam(0.02), "binary_crossentropy", ["accuracy"])

    history = model.fit(x, y, epochs=40, verbose=0)

    assert history.history["accuracy"][-1] > 0.95


@pytest.mark.parametrize("targets", [LABELS, ONE_HOT, LABELS.reshape(-1, 1), ONE_HOT.astype(bool)])
def test_class_labels_may_come_in_any_form(targets):
    expected = classifier()
    expected.fit(X, LABELS, verbose=0)
    model = classifier()

    model.fit(X, targets, verbose=0)

    np.testing.assert_allclose(model.parameters, expected.parameters, rtol=1e-12)


def test_two_runs_with_one_seed_are_bit_for_bit_the_same():
    def run():
        layers = [Dense(8, "relu"), Dropout(0.3), Dense(3, "softmax")]
        model = ffnn.Sequential(layers, input_dim=4, seed=5)
        model.compile("adam", "cce")
        return model.fit(X, LABELS, epochs=3, verbose=0).history["loss"], model.parameters

    (losses, parameters), (same_losses, same_parameters) = run(), run()

    assert losses == same_losses
    np.testing.assert_array_equal(parameters, same_parameters)


def test_shuffling_changes_the_order_at_every_epoch_and_keeps_all_rows():
    seen = []

    class Spy(ffnn.layers.Layer):
        def forward(self, x, training=False):
            if training:
                seen.append(x[:, 0].copy())
            return x

    model = ffnn.Sequential([Spy(), Dense(1)], input_dim=1, seed=0)
    model.compile()
    rows = np.arange(20.0).reshape(-1, 1) / 20

    model.fit(rows, rows, batch_size=6, epochs=2, verbose=0)

    first, second = np.concatenate(seen[:4]), np.concatenate(seen[4:])
    assert [len(batch) for batch in seen] == [6, 6, 6, 2] * 2
    assert (first != second).any()
    np.testing.assert_allclose(np.sort(first), rows[:, 0], rtol=1e-6)
    np.testing.assert_allclose(np.sort(second), rows[:, 0], rtol=1e-6)


def test_without_shuffling_rows_come_in_order():
    model = line(learning_rate=0.25)

    model.fit([[0.0], [0.0]], [2.0, 5.0], batch_size=1, verbose=0, shuffle=False)

    # b = 1 → 1 + 0.5 · 1 = 1.5 → 1.5 + 0.5 · 3.5
    assert model.parameters[1] == 3.25


def test_epochs_is_the_final_epochs_index_and_initial_epoch_the_first():
    history = classifier().fit(X, LABELS, epochs=5, initial_epoch=3, verbose=0)

    assert history.epoch == [3, 4]


def test_no_epoch_left_to_train_is_nothing_to_do():
    model = classifier()

    assert model.fit(X, LABELS, epochs=3, initial_epoch=3, verbose=0).epoch == []
    assert model.optimizer.iterations == 0


def test_limited_epochs_without_shuffling_reach_all_rows():
    model = ffnn.Sequential([Dense(1, weight_initializer="zeros")], input_dim=10)
    model.compile()

    model.fit(
        np.eye(10), np.ones(10), batch_size=2, epochs=5, steps_per_epoch=1, shuffle=False, verbose=0
    )

    assert model.layers[0].params["weight"].all()


def test_steps_per_epoch_ends_an_epoch_early():
    model = classifier()

    model.fit(X, LABELS, batch_size=10, epochs=2, steps_per_epoch=3, verbose=0)

    assert model.optimizer.iterations == 6


def test_learning_rate_of_fit_replaces_the_optimizers():
    model = line(learning_rate=0.1)

    model.fit([[1.0], [3.0]], [2.0, 9.0], learning_rate=0.01, verbose=0)

    np.testing.assert_allclose(model.parameters, [2.05, 1.01], rtol=1e-15)
    assert model.optimizer.learning_rate == 0.01


# -- validation ---------------------------------------------------------------------------------


def test_validation_split_takes_the_last_rows_before_shuffling():
    split, explicit = classifier(metrics=["accuracy"]), classifier(metrics=["accuracy"])

    history = split.fit(X, LABELS, epochs=2, validation_split=0.2, verbose=0)
    same = explicit.fit(
        X[:40], LABELS[:40], epochs=2, validation_data=(X[40:], LABELS[40:]), verbose=0
    )

    assert history.history == same.history
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]


def test_validation_is_by_the_weights_at_the_end_of_the_epoch_with_penalties():
    model = classifier(weight_regularizer=L2(0.1))

    history = model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0)

    p = model.predict(X)
    penalty = 0.1 * (model.layers[0].params["weight"] ** 2).sum()
    expected = -np.log(p[np.arange(50), LABELS]).mean() + penalty
    assert history.history["val_loss"][0] == pytest.approx(expected, rel=1e-12)


def test_validation_data_may_be_weighted():
    model = classifier()
    weights = np.arange(50.0)

    history = model.fit(X, LABELS, validation_data=(X, LABELS, weights), verbose=0)

    p = model.predict(X)
    expected = -(weights * np.log(p[np.arange(50), LABELS])).mean()
    assert history.history["val_loss"][0] == pytest.approx(expected, rel=1e-12)


def test_validation_does_not_change_the_training():
    with_validation, without = classifier(), classifier()

    with_validation.fit(X, LABELS, epochs=2, validation_data=(X, LABELS), verbose=0)
    without.fit(X, LABELS, epochs=2, verbose=0)

    np.testing.assert_array_equal(with_validation.parameters, without.parameters)


# -- weights ------------------------------------------------------------------------------------


def test_class_weights_equal_the_sample_weights_of_the_classes():
    by_class, by_row = classifier(), classifier()

    by_class.fit(X, LABELS, class_weight={0: 2.0, 2: 0.5}, verbose=0)
    by_row.fit(X, LABELS, sample_weight=np.array([2.0, 1.0, 0.5])[LABELS], verbose=0)

    np.testing.assert_array_equal(by_class.parameters, by_row.parameters)


def test_class_weights_do_not_weigh_the_validation_rows():
    model = classifier(optimizer=SGD(0.0))

    history = model.fit(
        X, LABELS, validation_split=0.2, class_weight={0: 10.0, 1: 10.0, 2: 10.0}, verbose=0
    )

    assert history.history["val_loss"] == [pytest.approx(model.evaluate(X[40:], LABELS[40:]))]
    assert history.history["loss"] == [pytest.approx(10 * model.evaluate(X[:40], LABELS[:40]))]


def test_class_and_sample_weights_multiply():
    both, product = classifier(), classifier()
    rows = np.linspace(0.1, 2.0, 50)

    both.fit(X, ONE_HOT, class_weight={1: 3.0}, sample_weight=rows, verbose=0)
    product.fit(X, ONE_HOT, sample_weight=rows * np.where(LABELS == 1, 3.0, 1.0), verbose=0)

    np.testing.assert_array_equal(both.parameters, product.parameters)


def test_class_weights_of_targets_that_are_not_classes_are_refused():
    with pytest.raises(ValueError, match="not class labels"):
        line().fit([[1.0], [3.0]], [2.0, 9.0], class_weight={0: 2.0}, verbose=0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"sample_weight": np.ones(49)}, "one weight for each of 50 rows"),
        ({"sample_weight": np.full(50, np.nan)}, "row 0"),
        ({"sample_weight": np.r_[np.ones(49), -1.0]}, "at least 0, got -1.0 in row 49"),
        ({"class_weight": {3: 1.0}}, "class numbers from 0 to 2, got 3"),
        ({"class_weight": {0: -1.0}}, "class_weight"),
        ({"class_weight": "balanced"}, "expected a mapping"),
        ({"class_weight": [1.0, 2.0, 3.0]}, "expected a mapping"),
    ],
)
def test_wrong_weights_are_refused(weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        classifier().fit(X, LABELS, verbose=0, **weights)


# -- what is refused before training ------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, LABELS[:49], "one target for each of 50 rows, got 49"),
        (X, LABELS + 1, r"from 0 to 2, since the network has 3 outputs, got 3 in row"),
        (X, LABELS - 1, "got -1 in row"),
        (X, ONE_HOT[:, :2], r"shape \(rows, 3\)"),
        (X, ONE_HOT * 2, "sum to 1"),
        (X, LABELS + 0.5, "integers as class labels"),
        (X, np.array(["a"] * 50), "'a' in row 0; number classes from 0"),
        (X, np.array(3), "one target for each of 50 rows"),
        (np.ma.masked_greater(X, 1.0), LABELS, "masked"),
        (X[:, :3], LABELS, "expected input with 4 features"),
        (np.c_[X, LABELS], LABELS, "label column"),
        (X[:0], LABELS[:0], "at least one row"),
        (np.where(X[7, 2] == X, np.nan, X), LABELS, "nan in row 7, column 2"),
    ],
)
def test_data_that_does_not_fit_is_refused_and_nothing_is_trained(x, y, message):
    model = classifier()
    before = model.parameters.copy()

    with pytest.raises(ffnn.DataError, match=message):
        model.fit(x, y, verbose=0)

    np.testing.assert_array_equal(model.parameters, before)
    assert model.optimizer.iterations == 0


def test_numbers_too_large_for_float32_are_refused_before_training():
    model = ffnn.Sequential([Rescaling(1.0), Dense(1)], input_dim=4)
    model.compile()
    huge = np.where(X[7, 2] == X, 1e300, X)

    with pytest.raises(ffnn.DataError, match=r"row 7, column 2.*too large for float32"):
        model.fit(huge, X[:, 0], verbose=0)
    with pytest.raises(ffnn.DataError, match=r"^y: .*too large for float32"):
        model.fit(X, huge[:, 2], verbose=0)
    with pytest.raises(ffnn.DataError, match=r"sample_weight: .*too large for float32"):
        model.fit(X, X[:, 0], sample_weight=np.abs(huge[:, 2]), verbose=0)


def test_sparse_targets_are_refused():
    sparse = pytest.importorskip("scipy.sparse")

    with pytest.raises(ffnn.DataError, match="toarray"):
        classifier().fit(X, sparse.csr_array(ONE_HOT), verbose=0)


def test_binary_targets_outside_zero_and_one_are_refused():
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=4)
    model.compile(loss="bce")

    with pytest.raises(ffnn.DataError, match=r"between 0 and 1, got 2 in row"):
        model.fit(X, LABELS, verbose=0)


def test_labels_for_a_squared_error_point_to_crossentropy():
    model = ffnn.Sequential([Dense(3)], input_dim=4)
    model.compile()

    with pytest.raises(ffnn.DataError, match="categorical_crossentropy"):
        model.fit(X, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0"),
        ({"epochs": 2, "initial_epoch": 3}, ValueError, "epochs must be at least 3"),
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch"),
        ({"verbose": 3}, ValueError, "'auto', 0, 1 or 2"),
        ({"verbose": "loud"}, ValueError, "'auto', 0, 1 or 2"),
        ({"validation_split": 1.0}, ValueError, r"validation_split must be .*\[0.0, 1.0\), got 1"),
        ({"validation_split": 0.999}, ValueError, "leaves none"),
        ({"validation_split": 0.5, "validation_data": (X, LABELS)}, ValueError, "not both"),
        ({"validation_data": X}, ValueError, r"\(x, y\)"),
        ({"validation_data": (X, LABELS + 9)}, ValueError, "from 0 to 2"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate"),
        ({"callbacks": ["stop"]}, TypeError, "Callback"),
        ({"callbacks": Callback()}, TypeError, "callbacks must be a list"),
    ],
)
def test_wrong_arguments_of_fit_are_refused_before_training(options, error, message):
    model = classifier()

    with pytest.raises(error, match=message):
        model.fit(X, LABELS, **{"verbose": 0, **options})

    assert model.optimizer.iterations == 0


def test_data_that_was_refused_leaves_an_unbuilt_model_unbuilt():
    model = ffnn.Sequential([Dense(3, "softmax")])
    model.compile(loss="cce")
    with pytest.raises(ffnn.DataError):
        model.fit(np.c_[X, LABELS], LABELS[:10], verbose=0)
    with pytest.raises(ffnn.DataError):
        model.predict(np.full((2, 5), np.nan))

    model.fit(X, LABELS, verbose=0)

    assert model.input_dim == 4


# -- sources ------------------------------------------------------------------------------------


def test_the_callers_rows_are_let_go_of():
    model = classifier()
    x = X.copy()
    kept = weakref.ref(x)
    model.fit(x, LABELS, shuffle=False, verbose=0)
    model.predict(x)
    model.evaluate(x, LABELS)

    del x

    assert kept() is None


def test_the_callers_targets_are_let_go_of():
    model = ffnn.Sequential([Dense(1)], input_dim=4)
    model.compile("sgd", "mse")
    y = np.ones((len(X), 1), np.float32)
    kept = weakref.ref(y)
    model.fit(X, y, shuffle=False, verbose=0)
    model.evaluate(X, y)

    del y

    assert kept() is None


def test_data_on_disk_and_sparse_data_train_like_arrays(tmp_path):
    h5py = pytest.importorskip("h5py")
    sparse = pytest.importorskip("scipy.sparse")
    x = X.astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    memmap = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected = classifier()
    expected.fit(x, LABELS, epochs=2, validation_split=0.2, verbose=0)

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"], file["y"] = x, LABELS
        for source, target in [
            (memmap, LABELS),
            (file["x"], file["y"]),
            (sparse.csr_array(x), LABELS),
            (sparse.coo_matrix(x), LABELS),
            (x.tolist(), LABELS.tolist()),
            (np.asfortranarray(x), LABELS),
        ]:
            model = classifier()
            model.fit(source, target, epochs=2, validation_split=0.2, verbose=0)
            np.testing.assert_array_equal(model.parameters, expected.parameters)


def test_uint8_pixels_stay_uint8_and_are_scaled_a_batch_at_a_time():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 4), dtype=np.uint8)
    seen = []

    class Spy(Rescaling):
        def forward(self, x, training=False):
            seen.append(x.dtype)
            return super().forward(x, training)

    raw = ffnn.Sequential([Spy(1 / 255), Dense(1)], input_dim=4, seed=0, dtype="float64")
    raw.compile()
    raw.fit(pixels, np.ones(40), verbose=0)
    floats = ffnn.Sequential([Rescaling(1), Dense(1)], input_dim=4, seed=0, dtype="float64")
    floats.compile()
    floats.fit(pixels / 255, np.ones(40), verbose=0)

    assert set(seen) == {np.dtype(np.uint8)}
    np.testing.assert_allclose(raw.parameters, floats.parameters, rtol=1e-12)


def test_callers_arrays_are_never_written():
    x, y, weights = X.copy(), ONE_HOT.copy(), np.ones(50)
    for array in (x, y, weights):
        array.flags.writeable = False

    model = classifier(metrics=["accuracy"])
    model.fit(x, y, sample_weight=weights, validation_split=0.1, verbose=0)
    model.fit(x, y, shuffle=False, verbose=0)
    model.evaluate(x, y)
    model.compute_gradients(x, y, weights)


# -- the model as callbacks see it --------------------------------------------------------------


def test_evaluating_in_a_callback_leaves_the_epochs_metrics_alone():
    class Evaluates(Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.evaluate(X[:4], LABELS[:4])

    plain = classifier(metrics=["accuracy"])
    watched = classifier(metrics=["accuracy"])

    expected = plain.fit(X, LABELS, batch_size=10, verbose=0)
    history = watched.fit(X, LABELS, batch_size=10, callbacks=[Evaluates()], verbose=0)

    assert history.history == expected.history


def test_a_callback_can_stop_training():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_training = epoch == 1

    history = classifier().fit(X, LABELS, epochs=10, callbacks=[Stop()], verbose=0)

    assert history.epoch == [0, 1]


def test_history_is_returned_and_kept_by_the_model():
    model = classifier()

    history = model.fit(X, LABELS, epochs=2, verbose=0)

    assert model.history is history
    assert repr(history).startswith("<History of 2 epochs: loss=")


def test_batch_norm_state_follows_training_only():
    model = ffnn.Sequential([BatchNorm(momentum=0.5), Dense(1)], input_dim=4, dtype="float64")
    model.compile(SGD(0.0))

    model.fit(X, X[:, 0], batch_size=50, verbose=0)
    after = model.layers[0].state["moving_mean"].copy()
    model.evaluate(X, X[:, 0])
    model.predict(X)

    np.testing.assert_allclose(after, 0.5 * X.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(model.layers[0].state["moving_mean"], after)


# -- what is refused leaves an unbuilt model unbuilt --------------------------------------------


class Refuses(Callback):
    """Uses the model, which is built by then, and then refuses the training."""

    def on_train_begin(self, logs):
        self.model.forward(X[:3], training=True)
        self.model.evaluate(X[:3], LABELS[:3])
        raise ValueError("refused")


REFUSED = {
    "monitor": lambda: {"callbacks": [EarlyStopping("nope")]},
    "a callback": lambda: {"callbacks": [Refuses()]},
    "learning rate": lambda: {"learning_rate": -1.0},
    "validation data": lambda: {"validation_data": (X[:, :3], LABELS)},
    "class weight": lambda: {"class_weight": {7: 1.0}},
    "sample weight": lambda: {"sample_weight": np.full(50, np.nan)},
    "targets": lambda: {"y": LABELS + 1},
    "steps": lambda: {"steps_per_epoch": 0},
    "something else": lambda: {"callbacks": ["nope"]},
}


def unbuilt(optimizer="adam", **options):
    layers = [BatchNorm(), Dense(6, "tanh"), Dropout(0.4, **options), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, seed=3)
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    return model


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_training_leaves_an_unbuilt_model_unbuilt(reason):
    model, fresh = unbuilt(), unbuilt()
    before = model.capture()

    for _ in range(2):
        with pytest.raises((ValueError, TypeError)):
            model.fit(**{"x": X, "y": LABELS, "verbose": 0} | REFUSED[reason]())

    assert not model.is_built
    assert model.input_dim is None
    assert not any(layer.is_built or layer.params for layer in model.layers)
    assert model.capture() == before
    for each in (model, fresh):  # which other data may train
        each.fit(X[:, :3], LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.parameters, fresh.parameters)
    assert model.history.history == fresh.history.history


def test_a_refused_resumption_leaves_an_unbuilt_model_unbuilt(tmp_path):
    first = unbuilt()
    first.fit(X, LABELS, callbacks=[Refuses.__base__()], verbose=0)
    first.save(tmp_path / "m.h5")
    model, fresh, straight = unbuilt(), unbuilt(), unbuilt()

    class Callback(Refuses):
        """Has the name of the one in the file."""

    with pytest.raises(ValueError, match="refused"):
        model.fit(X, LABELS, 32, 2, callbacks=[Callback()], resume_from=tmp_path / "m.h5")

    assert not model.is_built
    for each in (model, fresh):
        each.fit(X[:, :3], LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.parameters, fresh.parameters)
    straight.fit(X, LABELS, 32, 2, verbose=0, callbacks=[Refuses.__base__()])
    again = unbuilt()
    options = {"callbacks": [Refuses.__base__()], "resume_from": tmp_path / "m.h5"}
    again.fit(X, LABELS, 32, 2, verbose=0, **options)
    np.testing.assert_array_equal(again.parameters, straight.parameters)
