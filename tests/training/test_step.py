"""The step: what callbacks see inside it."""

import numpy as np
import pytest

import ffnn
from ffnn.activations import ReLU, Softmax
from ffnn.callbacks import Callback
from ffnn.layers import Activation, Dense, Dropout
from ffnn.layers.chain import tap
from ffnn.optimizers import SGD

X = np.random.default_rng(0).standard_normal((40, 3))


def model(learning_rate=0.01, **options):
    built = ffnn.Sequential([Dense(1, **options)], input_dim=3, seed=0)
    built.compile(SGD(learning_rate))
    return built


class Inside(Callback):
    """Copies what the hooks inside a step see."""

    def __init__(self):
        self.calls = []

    def on_train_batch_begin(self, batch, logs):
        self.calls.append(f"begin {batch}")
        self.before = self.model.parameters.copy()

    def on_forward_end(self, outputs):
        self.calls.append("forward")
        self.outputs = {name: output.copy() for name, output in outputs.items()}
        self.at_forward = self.model.parameters.copy()

    def on_backward_end(self):
        self.calls.append("backward")
        self.gradients = self.model.gradients.copy()
        self.at_backward = self.model.parameters.copy()

    def on_train_batch_end(self, batch, logs):
        self.calls.append(f"end {batch}")
        self.after = self.model.parameters.copy()


def classifier(*layers, loss="cce"):
    built = ffnn.Sequential(list(layers), input_dim=3, seed=0, dtype="float64")
    built.compile(SGD(0.1), loss)
    return built


LABELS = np.random.default_rng(1).integers(2, size=40)


def test_hooks_of_a_step_come_between_its_parts():
    inside = Inside()

    model().fit(X, X[:, 0], batch_size=20, callbacks=[inside], verbose=0)

    each = ["begin {}", "forward", "backward", "end {}"]
    assert inside.calls == [name.format(batch) for batch in (0, 1) for name in each]


def test_gradients_are_those_of_the_batch_and_parameters_those_before_the_update():
    inside, penalty = Inside(), ffnn.regularizers.L2(0.1)
    layers = [Dense(4, "tanh", weight_regularizer=penalty), Dense(2, "softmax")]
    trained = classifier(*layers)
    twin = classifier(*(layer.clone() for layer in layers))

    trained.fit(X, LABELS, batch_size=40, callbacks=[inside], verbose=0, shuffle=False)

    twin.compute_gradients(X, LABELS)
    np.testing.assert_array_equal(inside.gradients, twin.gradients)
    for parameters in (inside.before, inside.at_forward, inside.at_backward):
        np.testing.assert_array_equal(parameters, twin.parameters)
    np.testing.assert_array_equal(inside.after, trained.parameters)
    assert (inside.after != inside.before).any()


@pytest.mark.parametrize(
    ("layers", "loss", "names"),
    [
        ([Dense(4, "relu"), Dense(2, "softmax")], "cce", ["dense_1", "dense_2"]),
        ([Dense(4, "relu"), Dense(1, "sigmoid")], "bce", ["dense_1", "dense_2"]),
        ([Dense(4, "relu"), Dense(2, "softmax")], "mse", ["dense_1", "dense_2"]),
        (
            [Dense(4), Activation("relu"), Dense(2), Activation("softmax")],
            "cce",
            ["dense_1", "activation_1", "dense_2", "activation_2"],
        ),
        (
            [Dense(4), ReLU(), Dropout(0.0), Dense(2), Softmax()],
            "cce",
            ["dense_1", "relu_1", "dropout_1", "dense_2", "softmax_1"],
        ),
    ],
)
def test_outputs_are_those_of_each_layer_and_finally_the_predictions(layers, loss, names):
    trained, inside = classifier(*layers, loss=loss), Inside()
    expected = trained.predict(X)
    first = layers[0].params
    hidden = X @ first["weight"].T + first["bias"]
    if len(names) == 2:
        hidden = np.maximum(hidden, 0.0)
    y = LABELS[:, None] if layers[-1].output_dim == 1 else np.eye(2)[LABELS]

    trained.fit(X, y, batch_size=40, callbacks=[inside], verbose=0, shuffle=False)

    assert list(inside.outputs) == names
    np.testing.assert_allclose(inside.outputs[names[-1]], expected, rtol=1e-12)
    np.testing.assert_allclose(inside.outputs["dense_1"], hidden, rtol=1e-12)
    if len(names) > 2:
        np.testing.assert_allclose(inside.outputs[names[1]], np.maximum(hidden, 0.0), rtol=1e-12)
        assert (inside.outputs["dense_2"] < 0.0).any()  # logits


def test_one_hook_alone_is_called():
    calls = []

    class Backward(Callback):
        def on_backward_end(self):
            calls.append("backward")

    class Forward(Callback):
        def on_forward_end(self, outputs):
            calls.append("forward")

    model().fit(X, X[:, 0], batch_size=40, callbacks=[Backward(), Forward()], verbose=0)

    assert calls == ["forward", "backward"]


def test_a_training_that_nobody_watches_inside_is_not_tapped(monkeypatch):
    tapped = []

    def spy(stages, **watchers):
        tapped.append(stages)
        return tap(stages, **watchers)

    monkeypatch.setattr("ffnn.training.step.tap", spy)
    trained = model()

    class Outside(Callback):
        def on_train_batch_end(self, batch, logs):
            pass

    trained.fit(X, X[:, 0], callbacks=[Outside()], verbose=0)
    trained.train_on_batch(X, X[:, 0])
    trained.compute_gradients(X, X[:, 0])
    assert tapped == []
    trained.fit(X, X[:, 0], epochs=2, callbacks=[Inside()], verbose=0)
    assert tapped == [trained.step.stages]  # once for all batches, and only for this training


@pytest.mark.parametrize("hook", ["on_forward_end", "on_backward_end"])
def test_an_error_in_a_hook_comes_through_and_nothing_is_updated(hook):
    def fail(self, *outputs):
        raise ZeroDivisionError("in the hook")

    trained = model()
    before = trained.parameters.copy()

    with pytest.raises(ZeroDivisionError, match="in the hook"):
        trained.fit(X, X[:, 0], callbacks=[type("Fails", (Callback,), {hook: fail})()], verbose=0)

    np.testing.assert_array_equal(trained.parameters, before)
    assert trained.optimizer.iterations == 0


class Failing(ffnn.layers.Layer):
    def forward(self, x, training=False):
        if training:
            raise ValueError("no such batch")
        return x


def test_an_error_in_a_watched_layer_names_it():
    trained = classifier(Dense(4), Failing(), Dense(2, "softmax"))

    with pytest.raises(
        ffnn.LayerError, match=r"Failing 'Failing_1' failed in forward: no such batch"
    ):
        trained.fit(X, LABELS, callbacks=[Inside()], verbose=0)


def test_no_hook_of_a_step_is_called_for_a_loss_that_is_not_finite():
    inside, trained = Inside(), model(learning_rate=1e6)

    with pytest.raises(ffnn.TrainingDivergedError, match="the loss became"):
        trained.fit(X, X[:, 0], epochs=50, callbacks=[inside], verbose=0)

    assert inside.calls[-1].startswith("begin")
