"""compile, evaluate, train_on_batch, compute_gradients."""

import numpy as np
import pytest
from small_models import LABELS, ONE_HOT, X, classifier, line

import ffnn
from ffnn.layers import Activation, BatchNorm, Dense, Dropout
from ffnn.losses import SigmoidCrossentropy, SoftmaxCrossentropy
from ffnn.optimizers import SGD
from ffnn.regularizers import L1, L2

# -- one step by hand ---------------------------------------------------------------------------


def test_one_step_of_gradient_descent_by_hand():
    model = line()
    x, y = [[1.0], [3.0]], [2.0, 9.0]

    # outputs 3 and 7, residuals 1 and -2: L = (1 + 4) / 2, dL/dw = 1·1 - 2·3 = -5, dL/db = -1
    history = model.fit(x, y, batch_size=2, verbose=0)

    assert history.history == {"loss": [2.5]}
    np.testing.assert_allclose(model.parameters, [2.0 + 0.5, 1.0 + 0.1], rtol=1e-15)
    np.testing.assert_allclose(model.gradients, [-5.0, -1.0], rtol=1e-15)


def test_train_on_batch_is_one_step_and_returns_the_loss_before_it():
    model = line()

    assert model.train_on_batch([[1.0], [3.0]], [2.0, 9.0]) == 2.5
    np.testing.assert_allclose(model.parameters, [2.5, 1.1], rtol=1e-15)


def test_compute_gradients_updates_nothing():
    layers = [Dense(6), BatchNorm(), Dropout(0.5), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=0)
    model.compile("adam", "cce")
    weights = [array.copy() for array in model.get_weights()]

    first = model.compute_gradients(X, LABELS)
    gradients = model.gradients.copy()
    second = model.compute_gradients(X, LABELS)

    assert first == second
    np.testing.assert_array_equal(model.gradients, gradients)
    assert gradients.any()
    assert model.optimizer.iterations == 0
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


def test_sample_weights_multiply_and_the_sum_is_divided_by_the_rows():
    model = line()

    loss = model.compute_gradients([[1.0], [3.0]], [2.0, 9.0], sample_weight=[0.5, 3.0])

    # (0.5 · 1 + 3 · 4) / 2;  dL/dw = 0.5 · 1 · 1 + 3 · (-2) · 3,  dL/db = 0.5 - 6
    assert loss == 6.25
    np.testing.assert_allclose(model.gradients, [-17.5, -5.5], rtol=1e-15)


def test_penalties_are_in_the_loss_and_in_the_gradient():
    model = line(weight_regularizer=L2(0.5), bias_regularizer=L1(0.25))

    loss = model.compute_gradients([[1.0], [3.0]], [2.0, 9.0])

    assert loss == 2.5 + 0.5 * 4.0 + 0.25
    np.testing.assert_allclose(model.gradients, [-5.0 + 2 * 0.5 * 2.0, -1.0 + 0.25], rtol=1e-15)


# -- evaluation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_evaluate_is_the_same_for_every_batch_size(batch_size):
    model = classifier(metrics=["accuracy"])

    loss, accuracy = model.evaluate(X, LABELS, batch_size=batch_size)

    p = model.predict(X)
    assert loss == pytest.approx(-np.log(p[np.arange(50), LABELS]).mean(), rel=1e-12)
    assert accuracy == (p.argmax(axis=1) == LABELS).mean()


def test_evaluate_returns_a_number_a_list_or_a_dict():
    assert isinstance(classifier().evaluate(X, LABELS), float)
    assert len(classifier(metrics=["accuracy", "f1"]).evaluate(X, LABELS)) == 3
    named = classifier(metrics=["accuracy"]).evaluate(X, LABELS, return_dict=True)
    assert list(named) == ["loss", "accuracy"]


# -- pairing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["dense", "activation layer", "object"])
def test_softmax_and_crossentropy_are_fused_however_the_softmax_is_given(form):
    tail = {
        "dense": [Dense(2, "softmax", weight_initializer="zeros")],
        "activation layer": [Dense(2, weight_initializer="zeros"), Activation("softmax")],
        "object": [Dense(2, weight_initializer="zeros"), ffnn.activations.Softmax()],
    }[form]
    model = ffnn.Sequential(tail, input_dim=1)
    model.compile(loss="cce")
    model.layers[0].params["bias"][...] = [-10_000.0, 10_000.0]

    loss = model.compute_gradients([[1.0]], [0])

    assert loss == 20_000.0
    np.testing.assert_array_equal(model.layers[0].grads["bias"], [-1.0, 1.0])


def test_sigmoid_and_binary_crossentropy_are_fused():
    model = ffnn.Sequential([Dense(1, "sigmoid", weight_initializer="zeros")], input_dim=1)
    model.compile(loss="bce")
    model.layers[0].params["bias"][...] = 10_000.0

    assert model.compute_gradients([[1.0]], [0]) == 10_000.0
    assert model.layers[0].grads["bias"] == [1.0]


@pytest.mark.parametrize(
    ("activation", "loss", "message"),
    [
        (
            "sigmoid",
            "cce",
            "needs a softmax at the end, but the network ends in activation Sigmoid",
        ),
        (None, "sparse_categorical_crossentropy", "a layer without activation"),
        ("relu", "bce", "between 0 and 1, but the network ends in activation ReLU"),
        (None, "bce", "activation='sigmoid'"),
    ],
)
def test_losses_that_cannot_follow_the_network_are_refused_at_compile(activation, loss, message):
    model = ffnn.Sequential([Dense(3, activation)], input_dim=2)

    with pytest.raises(ValueError, match=message):
        model.compile(loss=loss)


def test_softmax_of_one_unit_is_refused():
    with pytest.raises(ValueError, match="activation='sigmoid'"):
        Dense(1, "softmax")
    with pytest.raises(ValueError, match="always 1"):
        ffnn.Sequential([Dense(1), Activation("softmax")], input_dim=2)


# -- what compile refuses -----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "compute_gradients"])
def test_an_uncompiled_model_says_so(call):
    model = ffnn.Sequential([Dense(3)], input_dim=4)

    with pytest.raises(RuntimeError, match="call compile"):
        getattr(model, call)(X, X[:, :3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adamm"}, r"did you mean 'adam'.*known: .*adam, adamw"),
        ({"loss": "mes"}, r"did you mean 'mse'.*mean_squared_error"),
        ({"metrics": ["acuracy"]}, r"did you mean 'accuracy'"),
        ({"loss": SoftmaxCrossentropy()}, "loss='categorical_crossentropy'"),
        ({"loss": SigmoidCrossentropy()}, "loss='binary_crossentropy'"),
    ],
)
def test_unknown_names_list_the_valid_ones_and_the_nearest(arguments, message):
    with pytest.raises(ValueError, match=message):
        ffnn.Sequential([Dense(1)], input_dim=2).compile(**arguments)


def test_a_failed_compile_leaves_the_model_as_it_was():
    model, other = classifier(), classifier()
    optimizer, loss = model.optimizer, model.loss

    with pytest.raises(ValueError, match=r"between 0 and 1"):
        ffnn.Sequential([Dense(3)], input_dim=2).compile(optimizer="adam", loss="bce")
    with pytest.raises(ValueError, match="another model"):
        model.compile(optimizer=other.optimizer)

    assert model.optimizer is optimizer
    assert model.loss is loss
    model.fit(X, LABELS, verbose=0)


def test_metrics_that_cannot_read_class_numbers_are_refused():
    with pytest.raises(ValueError, match="one-hot"):
        classifier(metrics=["mse"]).fit(X, LABELS, verbose=0)
    classifier(metrics=["mse"]).fit(X, ONE_HOT, verbose=0)


def test_one_optimizer_cannot_be_compiled_into_two_models_even_unbuilt():
    optimizer = SGD()
    first, second = ffnn.Sequential([Dense(1)]), ffnn.Sequential([Dense(1)])
    first.compile(optimizer)

    with pytest.raises(ValueError, match="another model"):
        second.compile(optimizer)


# -- parts of one's own -------------------------------------------------------------------------


class ForgetfulLoss(ffnn.losses.MeanSquaredError):
    def __init__(self, scale=1.0):
        pass


class ForgetfulMetric(ffnn.metrics.Accuracy):
    def __init__(self, scale=1.0):
        super().__init__()


class ForgetfulRule(SGD):
    def __init__(self, scale=1.0):
        super().__init__()


class Failing(ForgetfulLoss):
    @property
    def scale(self):
        raise ZeroDivisionError("of its own")


FORGETFUL = {
    "loss": ForgetfulLoss,
    "metrics": lambda: [ForgetfulMetric()],
    "optimizer": ForgetfulRule,
    "failing": Failing,
}


@pytest.mark.parametrize("kind", FORGETFUL)
def test_compile_refuses_a_part_that_cannot_be_copied_and_changes_nothing(kind):
    model = line()
    before = model.optimizer, model.loss, model.metrics
    part = {kind if kind != "failing" else "loss": FORGETFUL[kind]()}
    with pytest.raises(
        TypeError, match=r"^compile: F.* cannot be copied: .* attribute of the same"
    ):
        model.compile(**part)
    assert (model.optimizer, model.loss, model.metrics) == before


def test_a_failed_update_leaves_the_generators_where_they_were():
    layers = [Dropout(0.5), Dense(6), Dropout(0.5, seed=3), Dense(1)]
    failing, plain = (ffnn.Sequential([layer.clone() for layer in layers], 4, seed=0) for _ in "ab")
    for model in (failing, plain):
        model.compile(SGD(0.01), "mse")
    before = failing.generator_states
    with pytest.raises(ffnn.TrainingDivergedError):
        failing.train_on_batch(X * np.float32(1e25), LABELS)
    assert failing.generator_states == before
    assert failing.train_on_batch(X, LABELS) == plain.train_on_batch(X, LABELS)
    np.testing.assert_array_equal(failing.parameters, plain.parameters)


# -- arguments that are set later ---------------------------------------------------------------


WRONG = {
    "Dropout.rate": (Dropout(0.1), "rate", 2.0),
    "BatchNorm.momentum": (BatchNorm(), "momentum", 2),
    "LayerNorm.epsilon": (ffnn.layers.LayerNorm(), "epsilon", 0),
    "RMSNorm.epsilon": (ffnn.layers.RMSNorm(), "epsilon", -1),
    "Dense.use_bias": (Dense(4), "use_bias", "no"),
    "Dense.units": (Dense(4), "units", 0),
    "Rescaling.scale": (ffnn.layers.Rescaling(2.0), "scale", np.nan),
    "LeakyReLU.negative_slope": (ffnn.activations.LeakyReLU(), "negative_slope", 5),
    "ELU.alpha": (ffnn.activations.ELU(), "alpha", "1"),
    "in Dense": (Dense(4, ffnn.activations.LeakyReLU()), "negative_slope", 5),
    "in Activation": (Activation(ffnn.activations.LeakyReLU()), "negative_slope", np.nan),
}


@pytest.mark.parametrize("trained", ["built", "trained", "not built"])
@pytest.mark.parametrize("train", ["fit", "train_on_batch"])
@pytest.mark.parametrize("case", WRONG)
def test_an_argument_that_is_set_later_is_checked_before_training(case, train, trained):
    layer, name, value = WRONG[case]
    layer = layer.clone()
    model = ffnn.Sequential([layer, Dense(3, "softmax")], seed=0)
    model.compile("sgd", "cce")
    if trained != "not built":
        model.build(4)
    if trained == "trained":
        model.fit(X, LABELS, verbose=0)
        model.train_on_batch(X, LABELS)
    before = model.get_weights() if model.is_built else None
    setattr(layer.activation if case.startswith("in ") else layer, name, value)
    with pytest.raises((TypeError, ValueError), match=name):
        getattr(model, train)(X, LABELS, **({"verbose": 0} if train == "fit" else {}))
    assert model.is_built == (before is not None)
    if before is not None:
        np.testing.assert_equal(model.get_weights(), before)


def test_a_right_argument_may_be_set_later():
    model = ffnn.Sequential([Dropout(0.1), Dense(3, "softmax")], input_dim=4, seed=0)
    model.compile("sgd", "cce")
    model.fit(X, LABELS, verbose=0)
    model.layers[0].rate = 0.5
    model.fit(X, LABELS, verbose=0)
    model.train_on_batch(X, LABELS)
    assert model.twin().layers[0].rate == 0.5


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("name", ["mine", "dense_1", ""])
def test_the_name_of_a_layer_is_the_models_and_cannot_be_set(place, name):
    model = ffnn.Sequential([Dense(4), Dropout(0.1), Dense(3, "softmax")], input_dim=4)
    layer, before = model.layers[place], model.layers[place].name
    with pytest.raises(AttributeError, match=f"{before}': name cannot be set"):
        layer.name = name
    assert layer.name == before
    assert model.twin().layers[place].name == before
    with pytest.raises(AttributeError, match="Dense: name cannot be set"):
        Dense(3).name = "mine"
