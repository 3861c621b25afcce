"""A training step allocates nothing that grows with the batch or with the parameters.

tracemalloc sees NumPy's arrays. Between the ends of two batches of `fit` lies one whole step, the
gathering of the batch included. The most memory held at once within it, beyond what was held
before, is measured twice, the second time with four times the rows or units, and must be the same.

tracemalloc counts what other threads and Python itself allocate meanwhile, which depends on how
busy the machine is. What a step needs it needs in every epoch, so of several epochs the least
counts; garbage that is collected within a step would hide as much, and is left until afterwards.
"""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS, ActivationFunction, Sigmoid
from ffnn.callbacks import Callback
from ffnn.layers import (
    Activation,
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Normalization,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    PReLU,
    Rescaling,
    RMSNorm,
    Scale,
)
from ffnn.layers.base import Layer
from ffnn.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy
from ffnn.metrics import METRICS, ConfusionMatrix, RowsMetric, TopKAccuracy
from ffnn.optimizers import OPTIMIZERS, SGD, Adam
from ffnn.regularizers import L1, L1L2, L2

FEW, MANY = 8_192, 32_768
TOLERANCE = 4 * 1024  # Python's own small objects vary a little; MANY bools are 32 KiB
SMALL = 16 * 1024
NUM_BATCHES, WARM_EPOCHS = 3, 3


@pytest.fixture(autouse=True)
def small_blocks():
    """Let NumPy work through arrays of unlike dtypes in small blocks.

    By default it takes 8,192 numbers at a time. That memory does not grow with the arrays, but it
    would hide what is smaller.
    """
    before = np.setbufsize(64)
    yield
    np.setbufsize(before)


class StepMemory(Callback):
    """Records each batch's peaks after the first epoch, above what was held before the step."""

    def __init__(self):
        self.peaks = {}

    def on_epoch_begin(self, epoch, logs):
        self.warm = epoch > 0

    def on_train_batch_end(self, batch, logs):
        current, peak = tracemalloc.get_traced_memory()
        if self.warm and batch > 0:  # before the first batch the epoch's order is drawn
            self.peaks.setdefault(batch, []).append(peak - self.held)
        self.held = current
        tracemalloc.reset_peak()


def peak_of_a_step(model, x, y, batch_size, **fit_options):
    """Return what the batch that needs most needs in each epoch of a warm training, in bytes."""
    memory = StepMemory()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        epochs = 1 + WARM_EPOCHS
        model.fit(x, y, batch_size, epochs=epochs, verbose=0, callbacks=[memory], **fit_options)
    finally:
        tracemalloc.stop()
        gc.enable()
    assert [len(peaks) for peaks in memory.peaks.values()] == [WARM_EPOCHS] * (NUM_BATCHES - 1)
    return max(map(min, memory.peaks.values()))


def assert_no_growth(measure):
    """Assert that `measure`, which takes a size, gives the same small number for both sizes."""
    peaks = [measure(size) for size in (FEW, MANY)]
    assert abs(peaks[1] - peaks[0]) < TOLERANCE, f"peaks at {FEW} and {MANY}: {peaks} bytes"
    assert max(peaks) < SMALL


# Rows


def targets_of(kind, rows, units, rng):
    labels = rng.integers(units, size=rows)
    return {
        "int": lambda: labels,
        "onehot": lambda: np.eye(units, dtype=np.float32)[labels],
        "soft": lambda: rng.dirichlet(np.ones(units), size=rows),
        "bits": lambda: rng.integers(2, size=(rows, units)),
        "numbers": lambda: rng.normal(size=(rows, units)),
    }[kind]()


def growth_with_rows(
    hidden=(),
    ending="softmax",
    loss="cce",
    targets="int",
    *,
    units=3,
    first=(),
    metrics=(),
    x_dtype="float32",
    dtype="float32",
    weighted=False,
    **fit_options,
):
    """Measure a network with layers `first`, Dense, `hidden`, Dense on batches of many rows."""

    def measure(rows):
        rng = np.random.default_rng(0)
        # The last batch is short by one row: leading slices of the buffers must do.
        total = NUM_BATCHES * rows - 1
        x = rng.integers(256, size=(total, 4)).astype(x_dtype)
        if np.dtype(x_dtype).kind == "f":
            x /= 256
        layers = [*(make() for make in first), Dense(3), *(make() for make in hidden)]
        layers.append(Dense(units, ending() if isinstance(ending, type) else ending))
        for layer in layers:
            if isinstance(layer, Normalization | PiecewiseLinear):
                layer.adapt(x[:100, : 4 if layer is layers[0] else 3])
        model = ffnn.Sequential(layers, input_dim=4, dtype=dtype, seed=0)
        model.compile(SGD(1e-3), loss, *([], metrics) if weighted else (metrics,))
        options = dict(fit_options)
        if weighted:
            options["sample_weight"] = rng.uniform(size=total)
        return peak_of_a_step(model, x, targets_of(targets, total, units, rng), rows, **options)

    assert_no_growth(measure)


class Unfused(CategoricalCrossentropy):
    """It takes the probabilities of a softmax, whose own Jacobian is then used."""

    def fuse(self, activation):
        return None


class UnfusedSparse(SparseCategoricalCrossentropy):
    """The same for class numbers."""

    def fuse(self, activation):
        return None


class UnfusedSigmoid(ActivationFunction):
    """A sigmoid of the user's, which no loss recognises."""

    output_range = (0.0, 1.0)

    def forward(self, x, training=False):
        return Sigmoid.forward(self, x)

    def backward(self, grad):
        return Sigmoid.backward(self, grad)


ENDINGS = [
    ("softmax", "cce", "int"),
    ("softmax", "cce", "onehot"),
    ("softmax", "cce", "soft"),
    ("softmax", "sparse_categorical_crossentropy", "int"),
    ("softmax", Unfused(), "int"),
    ("softmax", Unfused(), "onehot"),
    ("softmax", UnfusedSparse(), "int"),
    ("sigmoid", "bce", "bits"),
    (UnfusedSigmoid, "bce", "bits"),
    ("softmax", "bce", "soft"),
    (None, "mse", "numbers"),
    (None, "mae", "numbers"),
    (None, "huber", "numbers"),
]


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("ending", "loss", "targets"), ENDINGS)
def test_losses_allocate_nothing_that_grows_with_the_rows(ending, loss, targets, weighted):
    growth_with_rows((), ending, loss, targets, weighted=weighted)


@pytest.mark.parametrize("name", sorted({cls.__name__ for cls in ACTIVATIONS.classes.values()}))
def test_activations_allocate_nothing_that_grows_with_the_rows(name):
    activation = getattr(ffnn.activations, name)
    growth_with_rows([activation, lambda: Activation(activation())])


@pytest.mark.parametrize(
    "layer",
    [
        RMSNorm,
        LayerNorm,
        BatchNorm,
        Normalization,
        lambda: Dropout(0.3),
        lambda: Dropout(ffnn.schedules.FlatCosine(0.3, 50)),
        lambda: Rescaling(0.5, offset=1.0),
        Scale,
        lambda: Clamp(-0.5, 0.5),
        lambda: ParametricActivation("mish"),
        *(PReLU, lambda: PReLU(shared=True)),
        lambda: PeriodicEmbedding(5, 3),
        lambda: PeriodicEmbedding(5, 3, columns=[1]),
        lambda: PiecewiseLinear(5),
    ],
    ids=lambda make: repr(make()),
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_allocate_nothing_that_grows_with_the_rows(layer, dtype):
    growth_with_rows([layer], dtype=dtype)


@pytest.mark.parametrize("x_dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(
    "first",
    [[], [lambda: Rescaling(1 / 255)], [Normalization]],
    ids=["plain", "Rescaling", "Normalization"],
)
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
def test_gathering_and_casting_allocate_nothing_that_grows_with_the_rows(first, x_dtype, shuffle):
    growth_with_rows(first=first, x_dtype=x_dtype, shuffle=shuffle)


def test_embeddings_allocate_nothing_that_grows_with_the_rows():
    growth_with_rows(first=[lambda: Embedding([256] * 4, 2)], x_dtype="uint8")


def test_class_weights_allocate_nothing_that_grows_with_the_rows():
    growth_with_rows(class_weight={0: 2.0, 2: 0.5}, weighted=True)


@pytest.mark.parametrize("targets", ["int", "onehot"])
def test_accuracy_allocates_nothing_that_grows_with_the_rows(targets):
    growth_with_rows(targets=targets, metrics=["accuracy"])


ADDED_UP = {cls.name for cls in METRICS if not issubclass(cls, RowsMetric)}  # batch by batch
OF_CLASSES = {"confusion_matrix", "top_k_accuracy"}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("name", sorted(ADDED_UP - OF_CLASSES))
def test_metrics_allocate_nothing_that_grows_with_the_rows(name, units, weighted):
    growth_with_rows((), "sigmoid", "bce", "bits", units=units, metrics=[name], weighted=weighted)


class Counted(ConfusionMatrix):
    """A table that a training has to fill too."""

    is_table = False

    def result(self):
        return super().result()[0, 0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", ["int", "onehot"])
@pytest.mark.parametrize("name", ["accuracy", "f1", "top_k_accuracy", "confusion_matrix"])
def test_metrics_of_classes_allocate_nothing_that_grows_with_the_rows(name, targets, weighted):
    metric = {"confusion_matrix": Counted(), "top_k_accuracy": TopKAccuracy(2)}.get(name, name)
    growth_with_rows(targets=targets, metrics=[metric], weighted=weighted)


# Parameters


def growth_with_parameters(layers, optimizer=None):
    """Measure a network of `layers`, functions of the number of units, on batches of two rows."""

    def measure(units):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(2 * NUM_BATCHES, 2)).astype(np.float32)
        model = ffnn.Sequential([*(make(units) for make in layers), Dense(2, "softmax")], 2, seed=0)
        model.compile(optimizer() if optimizer else "sgd", "cce", ["accuracy"])
        return peak_of_a_step(model, x, rng.integers(2, size=len(x)), batch_size=2)

    assert_no_growth(measure)


@pytest.mark.parametrize(
    "optimizer",
    [
        *sorted(set(OPTIMIZERS.classes.values()), key=lambda cls: cls.__name__),
        lambda: SGD(momentum=0.9),
        lambda: SGD(momentum=0.9, nesterov=True),
        lambda: SGD(clipnorm=1e-3),
        lambda: SGD(learning_rate_factors={"bias": 0.1}),
        lambda: ffnn.optimizers.AdamW(learning_rate_factors={"bias": 2}, decay_exclude=["bias"]),
        lambda: Adam(clipnorm=1e-3),
        lambda: Adam(clipvalue=1e-5),
        lambda: ffnn.optimizers.AdamW(weight_decay=ffnn.schedules.FlatCosine(0.1, 50)),
        lambda: SGD(ffnn.schedules.ExponentialDecay(0.1, 10, 0.9)),
    ],
)
def test_optimizers_allocate_nothing_that_grows_with_the_parameters(optimizer):
    growth_with_parameters([Dense], optimizer)


@pytest.mark.parametrize("regularizer", [L1(0.01), L2(0.01), L1L2(0.01, 0.01)], ids=repr)
def test_regularizers_allocate_nothing_that_grows_with_the_parameters(regularizer):
    options = {"weight_regularizer": regularizer, "bias_regularizer": regularizer}
    growth_with_parameters([lambda units: Dense(units, "relu", **options)])


@pytest.mark.parametrize(
    "layer",
    [
        *(RMSNorm, LayerNorm, BatchNorm, Scale, lambda: Dropout(0.3), lambda: Rescaling(0.5)),
        *(PReLU, lambda: PReLU(shared=True)),
        lambda: ParametricActivation("mish"),
    ],
    ids=lambda make: repr(make()),
)
def test_layers_allocate_nothing_that_grows_with_the_units(layer):
    growth_with_parameters([Dense, lambda units: layer()])


def test_a_normalization_of_many_columns_allocates_nothing_that_grows_with_them():
    def measure(columns):
        x = np.random.default_rng(0).normal(size=(2 * NUM_BATCHES, columns)).astype(np.float32)
        model = ffnn.Sequential([Normalization().adapt(x), Dense(2, "softmax")], seed=0)
        model.compile("sgd", "cce")
        return peak_of_a_step(model, x, np.arange(len(x)) % 2, batch_size=2)

    assert_no_growth(measure)


# The measurement itself


class Wasteful(Layer):
    """Makes an array that grows, though but one bool for each row, and only on the way back."""

    def forward(self, x, training=False):
        self._x = x
        return x

    def backward(self, grad):
        np.greater(self._x[:, 0], 0.0)
        return grad


class Disturbed(Layer):
    """Makes an array that grows in one step alone, as another thread or Python itself may."""

    calls = 0

    def forward(self, x, training=False):
        self.calls += 1
        if self.calls == NUM_BATCHES + 2:  # the second batch of the second epoch
            np.greater(x, 0.0)
        return x

    def backward(self, grad):
        return grad


class WastefulSGD(SGD):
    """Makes an array of the size of the parameters in each update."""

    def update(self, rate, w, g, scratch):
        self.waste = w - rate * g


def test_the_measurement_sees_one_bool_for_each_row():
    with pytest.raises(AssertionError, match="peaks"):
        growth_with_rows([Wasteful])


def test_the_measurement_does_not_see_what_happens_once():
    growth_with_rows([Disturbed])


def test_the_measurement_sees_an_array_of_the_size_of_the_parameters():
    with pytest.raises(AssertionError, match="peaks"):
        growth_with_parameters([Dense], WastefulSGD)


# The first layer


class Spy(Layer):
    """Hands everything through and counts the calls of `backward`."""

    def __init__(self):
        self.calls = 0

    def forward(self, x, training=False):
        return x

    def backward(self, grad):
        self.calls += 1
        return grad


def test_nothing_before_the_first_parameters_runs_backward():
    before, after = Spy(), Spy()
    model = ffnn.Sequential([before, Rescaling(2.0), Dense(3, "relu"), after, Dense(2)], 4)
    model.compile("sgd", "mse")
    model.compute_gradients(np.ones((5, 4)), np.ones((5, 2)))
    assert (before.calls, after.calls) == (0, 1)
    model.fit(np.ones((6, 4)), np.ones((6, 2)), batch_size=2, verbose=0)
    assert (before.calls, after.calls) == (0, 4)


@pytest.mark.parametrize("leading", [[], [Dropout], [Rescaling]], ids=["", "Dropout", "Rescaling"])
def test_the_first_layer_with_parameters_computes_no_input_gradient(leading, monkeypatch):
    returned = {}
    original = Dense.linear_backward

    def linear_backward(self, dz):
        returned[self.name] = original(self, dz)
        return returned[self.name]

    monkeypatch.setattr(Dense, "linear_backward", linear_backward)
    layers = [*(make(0.5) for make in leading), Dense(3, "tanh"), Dense(2)]
    model = ffnn.Sequential(layers, input_dim=4, seed=0)
    model.compile("sgd", "mse")
    model.compute_gradients(np.ones((5, 4)), np.ones((5, 2)))
    assert [layer.needs_input_grad for layer in layers[len(leading) :]] == [False, True]
    assert returned["dense_1"] is None
    assert returned["dense_2"].shape == (5, 3)


@pytest.mark.parametrize("wanted", [False, True])
def test_the_first_layer_makes_an_array_for_an_input_gradient_only_if_asked(wanted):
    # Of 500 rows with 1,000 columns the gradient is 2 MB; that of the hidden layer is 16 kB.
    x, y = np.ones((500, 1_000), dtype=np.float32), np.ones((500, 1))
    model = ffnn.Sequential([Dense(8, "relu"), Dense(1)], input_dim=1_000, seed=0)
    model.compile("sgd", "mse")
    if wanted:
        model.layers[0].needs_input_grad = True
    tracemalloc.start()
    try:
        model.compute_gradients(x, y)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (held >= 2_000_000) if wanted else (held < 200_000)


def test_a_layer_that_is_asked_gives_the_gradient_by_the_data():
    model = ffnn.Sequential([Dense(1)], input_dim=3, dtype="float64", seed=0)
    model.compile("sgd", "mse")
    layer = model.layers[0]
    layer.needs_input_grad = True
    layer.forward(np.ones((2, 3)))
    dx = layer.backward(np.array([[1.0], [-2.0]]))
    weight = layer.params["weight"][0]
    np.testing.assert_array_equal(dx, [weight, -2.0 * weight])
