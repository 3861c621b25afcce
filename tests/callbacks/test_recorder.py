"""What a `Recorder` records, against stepping through the batches one by one."""

import tracemalloc

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback, EarlyStopping, Recorder, running_statistics
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Rescaling
from ffnn.optimizers import SGD, Adam
from ffnn.regularizers import L2

RNG = np.random.default_rng(0)
X = RNG.standard_normal((10, 3))
Y = RNG.integers(3, size=10)
MOMENTS = ("mean", "std", "norm", "zero_fraction")


def classifier(layers=None, optimizer=None, dtype="float64"):
    layers = layers or [Dense(4, "relu"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=3, seed=0, dtype=dtype)
    model.compile(optimizer or SGD(0.5), "cce")
    return model


def record(model, recorder=None, x=X, y=Y, batch_size=4, epochs=2, callbacks=(), **options):
    """Train in the rows' order and return the recording."""
    recorder = recorder or Recorder()
    callbacks = [recorder, *callbacks]
    model.fit(x, y, batch_size, epochs, verbose=0, callbacks=callbacks, shuffle=False, **options)
    return recorder.recording


class Step:
    """Gradients, parameters before and after, and rows of one batch."""

    def __init__(self, model, rows):
        model.compute_gradients(X[rows], Y[rows])
        self.rows = rows
        self.gradients = [layer.grads[name].copy() for layer, name in arrays_of(model)]
        self.before = [layer.params[name].copy() for layer, name in arrays_of(model)]
        model.train_on_batch(X[rows], Y[rows])
        self.after = [layer.params[name].copy() for layer, name in arrays_of(model)]


def arrays_of(model):
    return [(layer, name) for layer in model.layers for name in layer.params]


def step_through(model, epochs=2, batch_size=4):
    """Return a list of steps for each epoch."""
    starts = range(0, len(X), batch_size)
    return [
        [Step(model, slice(start, start + batch_size)) for start in starts] for _ in range(epochs)
    ]


def moments(arrays, norm):
    """Return mean, deviation, norm and fraction of zeros of all entries of `arrays` together."""
    values = np.concatenate([array.ravel() for array in arrays])
    return [values.mean(), values.std(), norm, np.mean(values == 0.0)]


def mean_norm(arrays):
    return np.mean([np.linalg.norm(array) for array in arrays])


def recorded(recording, kind, layer, array, statistics=MOMENTS):
    """Return an array of shape (epochs, statistics)."""
    return np.stack([recording.series(kind, layer, array, s) for s in statistics], axis=1)


# -- parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        classifier,
        lambda: classifier(optimizer=Adam(0.1, clipnorm=0.05)),
        lambda: classifier([Dense(4, "tanh", use_bias=False), Dense(3, "softmax")]),
        lambda: classifier([Dense(4), BatchNorm(), Activation("relu"), Dense(3, "softmax")]),
        lambda: classifier([LayerNorm(), Dense(3, "softmax", weight_regularizer=L2(0.1))]),
    ],
    ids=["plain", "clipped adam", "no bias", "batch norm", "penalty"],
)
@pytest.mark.parametrize("every", [1, 2, 5])
def test_parameters_over_all_watched_batches_of_an_epoch(make, every):
    model, twin = make(), make()
    recording = record(model, Recorder(every))

    names = [(layer.name, name) for layer, name in arrays_of(model)]
    assert recording.names("weights") == recording.names("gradients") == names
    for epoch, steps in enumerate(step_through(twin)):
        watched = steps[::every]
        for place, (layer, name) in enumerate(names):
            gradients = [step.gradients[place] for step in watched]
            found = recorded(recording, "gradients", layer, name)[epoch]
            np.testing.assert_allclose(found, moments(gradients, mean_norm(gradients)), atol=1e-15)

            last = steps[-1].after[place]
            found = recorded(recording, "weights", layer, name)[epoch]
            np.testing.assert_allclose(found, moments([last], np.linalg.norm(last)), atol=1e-15)

            before = [np.linalg.norm(step.before[place]) for step in watched]
            norms = [np.linalg.norm(step.after[place] - step.before[place]) for step in watched]
            ratios = [norm / own for norm, own in zip(norms, before, strict=True) if own]
            found = recorded(recording, "updates", layer, name, ("norm", "ratio"))[epoch]
            expected = [np.mean(norms), np.mean(ratios) if ratios else np.nan]
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_one_weight_by_hand():
    # L = (w x - y)², one row a batch: g = 2 (w x - y) x, w ← w - 0.25 g.
    model = ffnn.Sequential(
        [Dense(1, use_bias=False, weight_initializer="ones")], input_dim=1, dtype="float64"
    )
    model.compile(SGD(0.25), "mse")
    recording = record(model, x=[[1.0], [2.0], [0.0]], y=[3.0, 0.0, 5.0], batch_size=1, epochs=1)

    # g = -4, so w = 2 and z = 1; then g = 2 · 4 · 2 = 16, so w = -2 and z = 4; then g = 0, z = 0.
    def one(kind, statistic, array="weight"):
        return recording.series(kind, "dense_1", array, statistic).tolist()

    assert one("gradients", "mean") == [4.0]
    assert one("gradients", "norm") == pytest.approx([20 / 3])
    assert one("gradients", "std") == pytest.approx([np.std([-4, 16, 0])])
    assert one("gradients", "zero_fraction") == pytest.approx([1 / 3])
    assert one("updates", "norm") == pytest.approx([5 / 3])
    assert one("updates", "ratio") == pytest.approx([(1 / 1 + 4 / 2 + 0 / 2) / 3])
    assert [one("weights", s) for s in MOMENTS] == [[-2.0], [0.0], [2.0], [0.0]]
    assert one("activations", "mean", "output") == pytest.approx([(1 + 4 + 0) / 3])
    assert one("activations", "norm", "output") == pytest.approx([np.sqrt((1 + 16 + 0) / 3)])


def test_a_parameter_of_zeros_has_no_ratio_until_it_moves():
    model = ffnn.Sequential([Dense(1)], input_dim=1, dtype="float64", seed=0)
    model.compile(SGD(0.5), "mse")
    # With x = 0 the bias goes from 0 half of the way to 1, then to 1: updates 1 and 0.
    recording = record(model, x=[[0.0]], y=[1.0], batch_size=1, epochs=2)

    np.testing.assert_array_equal(
        recording.series("updates", "dense_1", "bias", "ratio"), [np.nan, 0.0]
    )
    assert recording.series("updates", "dense_1", "bias", "norm").tolist() == [1.0, 0.0]


# -- activations --------------------------------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("every", [1, 2])
def test_activations_over_all_watched_rows_of_an_epoch(every):
    recording = record(classifier(), Recorder(every))

    for epoch, steps in enumerate(step_through(classifier())):
        hidden, outputs = [], []
        for step in steps[::every]:
            w1, b1, w2, b2 = step.before
            hidden.append(np.maximum(X[step.rows] @ w1.T + b1, 0.0))
            outputs.append(softmax(hidden[-1] @ w2.T + b2))
        for layer, batches in (("dense_1", hidden), ("dense_2", outputs)):
            rows = np.concatenate(batches)
            norm = np.sqrt(np.mean(np.sum(rows**2, axis=1)))
            found = recorded(recording, "activations", layer, "output")[epoch]
            np.testing.assert_allclose(found, moments([rows], norm), rtol=1e-12)


def test_every_layer_has_activations():
    layers = [
        Rescaling(2.0),
        Dense(4),
        BatchNorm(),
        Activation("relu"),
        Dropout(0.5),
        Dense(3),
        Activation("softmax"),
    ]
    recording = record(classifier(layers), epochs=1, batch_size=10)

    def one(layer, statistic):
        return recording.series("activations", layer, "output", statistic)[0]

    names = ["rescaling_1", "dense_1", "batch_norm_1", "activation_1", "dropout_1", "dense_2"]
    assert recording.names("activations") == [(name, "output") for name in [*names, "activation_2"]]
    assert one("rescaling_1", "mean") == pytest.approx(2.0 * X.mean())
    assert one("batch_norm_1", "mean") == pytest.approx(0.0, abs=1e-12)
    assert 0.9 < one("batch_norm_1", "std") < 1.0  # ε takes a little
    assert one("batch_norm_1", "zero_fraction") == 0.0
    assert one("activation_1", "mean") > 0.0
    assert one("dropout_1", "zero_fraction") > one("activation_1", "zero_fraction") > 0.0
    assert one("activation_2", "mean") == pytest.approx(1 / 3)


def test_a_dead_layer_shows():
    dead = Dense(4, "relu", bias_initializer=ffnn.initializers.Constant(-100.0))
    recording = record(classifier([dead, Dense(3, "softmax")]))

    def one(kind, statistic, array):
        return recording.series(kind, "dense_1", array, statistic).tolist()

    assert one("activations", "zero_fraction", "output") == [1.0, 1.0]
    assert one("gradients", "zero_fraction", "weight") == [1.0, 1.0]
    assert one("gradients", "norm", "weight") == [0.0, 0.0]
    assert one("updates", "ratio", "weight") == [0.0, 0.0]


def test_float32_agrees_with_float64():
    for kind in ("gradients", "activations", "updates"):
        single, double = (record(classifier(dtype=dtype)) for dtype in ("float32", "float64"))
        for layer, array in double.names(kind):
            statistics = ("norm", "ratio") if kind == "updates" else MOMENTS
            np.testing.assert_allclose(
                recorded(single, kind, layer, array, statistics),
                recorded(double, kind, layer, array, statistics),
                rtol=1e-5,
                atol=1e-7,
            )


class Foreign(ffnn.layers.Layer):
    """Puts out what other layers do not: every second column of float64 memory."""

    def forward(self, x, training=False):
        return np.repeat(x.astype(np.float64), 2, axis=1)[:, ::2]

    def backward(self, grad):
        return grad.astype(np.float32)


def test_a_layer_of_ones_own_is_recorded_like_the_others():
    model = classifier([Dense(4), Foreign(), Dense(3, "softmax")], dtype="float32")
    recording = record(model)

    np.testing.assert_array_equal(
        recorded(recording, "activations", "Foreign_1", "output"),
        recorded(recording, "activations", "dense_1", "output"),
    )


# -- snapshots and histograms -------------------------------------------------------------------


@pytest.mark.parametrize(("snapshots", "taken"), [(1, [0, 1, 2, 3, 4]), (3, [0, 3]), (9, [0])])
@pytest.mark.parametrize("every", [1, 2])
def test_snapshots_hold_the_epochs_last_weights_and_mean_gradient(snapshots, taken, every):
    recording = record(classifier(), Recorder(every, snapshots=snapshots), epochs=5)

    assert [snapshot.epoch for snapshot in recording.snapshots] == taken
    epochs = step_through(classifier(), epochs=5)
    for snapshot in recording.snapshots:
        steps = epochs[snapshot.epoch]
        last = np.concatenate([array.ravel() for array in steps[-1].after])
        np.testing.assert_array_equal(snapshot.weights, last)
        gradients = [np.concatenate([g.ravel() for g in s.gradients]) for s in steps[::every]]
        np.testing.assert_allclose(snapshot.gradients, np.mean(gradients, axis=0), rtol=1e-12)


def test_a_later_training_takes_its_first_snapshot_at_its_first_epoch():
    recording = record(classifier(), Recorder(snapshots=2), initial_epoch=5, epochs=8)

    assert recording.epochs == [5, 6, 7]
    assert [snapshot.epoch for snapshot in recording.snapshots] == [5, 7]


def test_snapshots_are_copies_in_the_models_dtype():
    model = classifier(dtype="float32")
    recording = record(model, Recorder(snapshots=1), epochs=1)
    (snapshot,) = recording.snapshots

    assert snapshot.weights.dtype == snapshot.gradients.dtype == np.float32
    np.testing.assert_array_equal(snapshot.weights, model.parameters)
    model.parameters[:] = 0.0
    assert snapshot.weights.any()


@pytest.mark.parametrize("every", [1, 2])
def test_histograms_count_all_entries_of_the_epoch(every):
    recording = record(classifier(), Recorder(every, histograms=16))

    for epoch, steps in enumerate(step_through(classifier())):
        watched = steps[::every]
        hidden = [np.maximum(X[s.rows] @ s.before[0].T + s.before[1], 0.0) for s in watched]
        expected = {
            ("weights", "dense_1", "weight"): [steps[-1].after[0]],
            ("gradients", "dense_1", "weight"): [step.gradients[0] for step in watched],
            ("gradients", "dense_2", "bias"): [step.gradients[3] for step in watched],
            ("activations", "dense_1", "output"): hidden,
        }
        for names, arrays in expected.items():
            histogram = recording.histogram(*names)
            values = np.concatenate([array.ravel() for array in arrays])
            counts, _ = np.histogram(values, histogram.edges[epoch])
            assert histogram.counts[epoch].tolist() == counts.tolist(), names
            assert counts.sum() == values.size


# -- the training -------------------------------------------------------------------------------


def wild(dtype):
    layers = [
        Dense(8, "relu"),
        BatchNorm(),
        Dropout(0.3),
        Dense(8, "sigmoid", bias_regularizer="l2"),
        Dropout(0.0),
        Dense(3, "softmax"),
    ]
    return classifier(layers, Adam(0.01), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "recorder",
    [
        Recorder(),
        Recorder(every=2),
        Recorder(snapshots=1, histograms=8),
    ],
    ids=["plain", "every", "all"],
)
def test_training_is_the_same_bit_by_bit(dtype, recorder):
    plain, watched = wild(dtype), wild(dtype)
    options = {"epochs": 4, "batch_size": 3, "verbose": 0, "validation_split": 0.2}

    without = plain.fit(X, Y, **options)
    with_one = watched.fit(X, Y, callbacks=[recorder], **options)

    assert with_one.history == without.history
    for mine, other in zip(watched.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(watched.gradients, plain.gradients)
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))


def test_early_stopping_goes_back_and_the_recording_keeps_all_epochs():
    class Script(Callback):
        def on_epoch_end(self, epoch, logs):
            logs["loss"] = [3.0, 1.0, 2.0, 2.0][epoch]

    model = classifier()
    recording = record(
        model,
        Recorder(snapshots=1),
        epochs=9,
        callbacks=[Script(), EarlyStopping("loss", patience=2)],
    )

    assert recording.epochs == [0, 1, 2, 3]
    np.testing.assert_array_equal(model.parameters, recording.snapshots[1].weights)
    assert (model.parameters != recording.snapshots[3].weights).any()


def test_the_model_has_the_last_recording():
    model, recorder = classifier(), Recorder()
    assert model.recording is None
    model.fit(X, Y, verbose=0)
    assert model.recording is None

    first = record(model, recorder)
    assert model.recording is first
    second = record(model, recorder, initial_epoch=2, epochs=3)

    assert model.recording is recorder.recording is second
    assert (first.epochs, second.epochs) == ([0, 1], [2])
    model.fit(X, Y, verbose=0)
    assert model.recording is second


def test_an_epoch_that_is_cut_short_is_left_out():
    class Fails(Callback):
        def on_epoch_begin(self, epoch, logs):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs):
            if self.epoch == 1:
                raise ZeroDivisionError

    model = classifier()
    with pytest.raises(ZeroDivisionError):
        record(model, callbacks=[Fails()])

    assert model.recording.epochs == [0]


@pytest.mark.parametrize("histograms", [None, 8])
def test_a_training_that_diverges_says_so(histograms):
    model = ffnn.Sequential([Dense(4, "relu"), Dense(1)], input_dim=3, seed=0)
    model.compile(SGD(1e6))

    with pytest.raises(ffnn.TrainingDivergedError):
        record(model, Recorder(histograms=histograms), y=X[:, 0], epochs=50)


class Endless(ffnn.layers.Layer):
    """Has infinite activations, which the next layer makes finite again."""

    def forward(self, x, training=False):
        return np.where(x > 0, np.inf, x)

    def backward(self, grad):
        return np.zeros_like(grad)


def test_infinite_activations_are_recorded_as_they_are():
    layers = [Dense(4), Endless(), Activation("tanh"), Dense(3, "softmax")]
    model = classifier(layers, SGD(0.0))
    recording = record(model, Recorder(histograms=4))

    assert not np.isfinite(recorded(recording, "activations", "Endless_1", "output")[:, :3]).any()
    assert np.isfinite(recorded(recording, "activations", "activation_1", "output")).all()
    finite = np.sum(X @ model.layers[0].params["weight"].T <= 0.0)
    assert recording.histogram("activations", "Endless_1", "output").counts.sum(1).tolist() == [
        finite,
        finite,
    ]


# -- memory -------------------------------------------------------------------------------------


class StepMemory(Callback):
    """Records the peak of each step beyond what was held before it, after the first epoch."""

    def __init__(self):
        self.peaks, self.held = [], None

    def on_epoch_begin(self, epoch, logs):
        self.held = None
        self.warm = epoch > 0

    def on_train_batch_end(self, batch, logs):
        current, peak = tracemalloc.get_traced_memory()
        if self.warm and self.held is not None:
            self.peaks.append((peak - self.held, current - self.held))
        self.held = current
        tracemalloc.reset_peak()


def step_memory(rows, units):
    """Return the greatest peak of a step in bytes, and the most that one left behind."""
    x = np.random.default_rng(0).standard_normal((6 * rows, 4), dtype=np.float32)
    model = ffnn.Sequential([Dense(units, "relu"), Dense(2, "sigmoid")], input_dim=4, seed=0)
    model.compile(SGD(1e-3), "mse")
    memory = StepMemory()
    callbacks = [Recorder(snapshots=1), memory]
    tracemalloc.start()
    try:
        model.fit(x, x[:, :2], rows, epochs=2, verbose=0, callbacks=callbacks, shuffle=False)
    finally:
        tracemalloc.stop()
    return np.max(memory.peaks, axis=0)


@pytest.mark.parametrize(("rows", "units"), [([8192, 32768], [4, 4]), ([4, 4], [8192, 32768])])
def test_a_step_allocates_nothing_that_grows(rows, units):
    before = np.setbufsize(64)  # what NumPy converts at a time, which would hide smaller arrays
    try:
        small, large = map(step_memory, rows, units)
    finally:
        np.setbufsize(before)

    assert abs(large - small).max() < 4096, (small, large)
    assert large[0] < 16 * 1024


def test_working_memory_is_let_go_of():
    recorder = Recorder(snapshots=1)
    record(classifier(), recorder)

    held = [value for name, value in vars(recorder).items() if name not in ("model", "params")]
    assert not any(isinstance(value, np.ndarray) for value in held)
    assert {type(value).__module__ for value in held} <= {"builtins", "ffnn.callbacks.recording"}


# -- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"every": 0}, ValueError, "every"),
        ({"every": 1.5}, TypeError, "every"),
        ({"snapshots": 0}, ValueError, "snapshots"),
        ({"histograms": 1}, ValueError, "histograms"),
        ({"histograms": True}, TypeError, "histograms"),
    ],
)
def test_wrong_arguments_are_refused(options, error, name):
    with pytest.raises(error, match=f"Recorder: {name}"):
        Recorder(**options)


def test_blocks_make_no_difference(monkeypatch):
    whole = record(classifier(), Recorder(histograms=8))
    monkeypatch.setattr(running_statistics, "_BLOCK_SIZE", 5)

    cut = record(classifier(), Recorder(histograms=8))

    for kind in ("weights", "gradients", "activations"):
        for layer, array in whole.names(kind):
            np.testing.assert_allclose(
                recorded(cut, kind, layer, array), recorded(whole, kind, layer, array), atol=1e-15
            )
            counts = [each.histogram(kind, layer, array).counts for each in (cut, whole)]
            np.testing.assert_array_equal(*counts)
