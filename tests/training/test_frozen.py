"""A layer that is frozen stands still in training, and all else goes on as it should."""

import inspect

import numpy as np
import pytest

from ffnn import Sequential, find_learning_rate
from ffnn.callbacks import Callback
from ffnn.initializers import Zeros
from ffnn.layers import Average, BatchNorm, Dense, Dropout, Layer
from ffnn.models.averaging import join, members_of
from ffnn.optimizers import OPTIMIZERS, SGD, Adam, AdamW

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5)).astype(np.float32)
Y = rng.integers(3, size=60)


def make(optimizer="adam", seed=1, dtype="float32"):
    model = Sequential(
        [
            Dense(8, "relu", weight_regularizer="l2", bias_regularizer="l1"),
            BatchNorm(),
            Dense(6, "tanh", weight_regularizer="l2"),
            Dropout(0.2),
            Dense(3, "softmax", weight_regularizer="l2"),
        ],
        input_dim=5,
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def bits(layer):
    return {name: a.tobytes() for name, a in {**layer.params, **layer.state}.items()}


def optimizers():
    """Yield every optimizer with all that could move a parameter: momentum, decay, clipping."""
    for cls in OPTIMIZERS:
        known = inspect.signature(cls).parameters
        wanted = {"learning_rate": 0.05, "clipnorm": 0.5, "weight_decay": 0.1, "momentum": 0.9}
        given = {name: value for name, value in wanted.items() if name in known}
        yield cls, given
        if "nesterov" in known:
            yield cls, given | {"nesterov": True}
        if "clipvalue" in known:
            yield cls, {n: v for n, v in given.items() if n != "clipnorm"} | {"clipvalue": 0.01}


@pytest.mark.parametrize("frozen", [[0], [0, 1], [1], [2], [0, 1, 2], [1, 4], [2, 4], [4]], ids=str)
@pytest.mark.parametrize(("cls", "arguments"), list(optimizers()))
def test_frozen_layers_keep_every_bit_whatever_the_optimizer(cls, arguments, frozen):
    model = make(cls(**arguments))
    model.fit(X, Y, batch_size=20, epochs=2, verbose=0)  # there is momentum and memory by now
    for index in frozen:
        model.layers[index].trainable = False
    before = [bits(layer) for layer in model.layers]
    slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}

    model.fit(X, Y, batch_size=12, epochs=10, verbose=0)  # 50 updates

    vector = model.require_built()
    for index, layer in enumerate(model.layers):
        if layer.params:
            assert (bits(layer) == before[index]) is (index in frozen)
    for name, slot in model.optimizer.slots.items():
        for index, (was, now) in enumerate(
            zip(vector.views(slots[name]), vector.views(slot), strict=True)
        ):
            same = all(np.array_equal(was[key], now[key]) for key in was)
            assert same is (index in frozen or not was)


def test_it_takes_effect_at_the_next_step_and_until_it_is_taken_back():
    model = make(SGD(0.1, momentum=0.9))
    first = model.layers[0]
    model.train_on_batch(X, Y)
    velocity = model.optimizer.slots["velocity"][: first.params["weight"].size]
    remembered, weight = velocity.copy(), first.params["weight"].copy()

    first.trainable = False
    model.train_on_batch(X, Y)
    assert np.array_equal(first.params["weight"], weight)
    assert np.array_equal(velocity, remembered)

    first.trainable = True
    model.train_on_batch(X, Y)
    # v ← μ v - η g goes on from what was remembered.
    expected = 0.9 * remembered - 0.1 * first.grads["weight"].ravel()
    np.testing.assert_allclose(velocity, expected, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(first.params["weight"].ravel(), weight.ravel() + velocity, rtol=1e-5)


def test_it_may_be_set_before_compile_and_by_a_callback_within_a_training():
    model = Sequential([Dense(4, "relu"), Dense(3, "softmax")], input_dim=5, seed=0)
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    seen = []

    class Thaw(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(bits(model.layers[0]))
            model.layers[0].trainable = epoch >= 1

    start = bits(model.layers[0])
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[Thaw()])
    assert seen[0] == seen[1] == start != seen[2]


def test_the_other_layers_are_trained_as_by_gradients_that_pass_through():
    """By hand: w ← w - η ∂L/∂w for the trained, with the gradients of an untouched twin."""
    model, twin = make(SGD(0.1), dtype="float64"), make(SGD(0.1), dtype="float64")
    for each in (model, twin):
        each.layers[2].trainable = False
    loss = twin.compute_gradients(X, Y)
    expected = [
        {name: array - 0.1 * layer.grads[name] for name, array in layer.params.items()}
        for layer in twin.layers
    ]

    assert model.train_on_batch(X, Y) == loss
    for index in (0, 1, 4):
        for name, array in model.layers[index].params.items():
            np.testing.assert_allclose(array, expected[index][name], rtol=1e-13)


def test_the_clipped_norm_is_that_of_trained_parameters_alone():
    model = make(SGD(1.0, clipnorm=0.01), dtype="float64")
    model.layers[0].trainable = model.layers[1].trainable = False
    before = model.parameters.copy()

    model.train_on_batch(X, Y)

    # The gradient is longer than 0.01, so the step of the trained parameters is exactly as long.
    assert np.linalg.norm(model.gradients) > 0.1
    assert np.linalg.norm(model.parameters - before) == pytest.approx(0.01, rel=1e-12)


def test_a_gradient_of_frozen_parameters_that_is_not_finite_does_no_harm():
    model = Sequential([Dense(4, use_bias=False), Dense(1)], input_dim=2, seed=0)
    model.compile(SGD(0.1), "mse")
    model.layers[1].trainable = False
    model.layers[1].params["weight"][...] = 1e-30
    x = np.full((4, 2), 1e19, np.float32)
    model.layers[0].params["weight"][...] = 1e19
    model.train_on_batch(x, np.ones(4))  # h = 2e38: ∂L/∂W₂ = δ h is infinite, ∂L/∂W₁ is not


@pytest.mark.parametrize(("frozen", "passed"), [([], 3), ([0], 2), ([0, 1], 1), ([1], 3), ([2], 3)])
def test_a_step_goes_back_as_far_as_a_layer_is_trained(frozen, passed, monkeypatch):
    layers = [Dense(4, "relu"), Dense(4, "relu"), Dense(3, "softmax")]
    model = Sequential(layers, input_dim=5, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    for index in frozen:
        layers[index].trainable = False
    calls = []
    original = Dense.linear_backward

    def counted(layer, dz):
        dx = original(layer, dz)
        calls.append((layer, dx is not None))
        return dx

    monkeypatch.setattr(Dense, "linear_backward", counted)
    model._make_step(model.require_built())  # whose stages hold the method
    model.train_on_batch(X, Y)

    assert [layer for layer, _ in calls] == layers[::-1][:passed]
    assert [has_dx for _, has_dx in calls] == [True] * (passed - 1) + [False]

    del calls[:]
    model.compute_gradients(X, Y)
    assert [layer for layer, _ in calls] == layers[::-1]
    assert [has_dx for _, has_dx in calls] == [True, True, False]


def test_gradients_of_all_layers_are_there_when_asked_for():
    model, free = make(dtype="float64"), make(dtype="float64")
    for each in (model, free):
        each.layers[1].trainable = False  # in both, as it computes differently then
    model.layers[0].trainable = model.layers[2].trainable = False

    for _ in range(2):
        assert model.compute_gradients(X, Y) == free.compute_gradients(X, Y)
        assert np.array_equal(model.gradients, free.gradients)
        assert model.layers[0].grads["weight"].any()
        copied = model.twin()
        copied.train_on_batch(X, Y)
        assert not copied.layers[0].grads["weight"].any()  # not passed
        model.step.aim(for_update=True)  # as a training in between does


def test_a_frozen_batch_norm_uses_its_averages():
    model = Sequential([BatchNorm(), Dense(3, "softmax")], input_dim=5, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    norm = model.layers[0]
    norm.load_state({"moving_mean": np.full(5, 2.0), "moving_variance": np.full(5, 9.0)})
    of_batch = model.forward(X, training=True)
    norm.trainable = False

    assert np.array_equal(model.forward(X, training=True), model.predict(X))
    assert not np.array_equal(of_batch, model.predict(X))
    norm.trainable = True  # by another thread, within a step
    norm.update_state()
    assert (norm.state["moving_mean"] == 2.0).all()
    norm.trainable = False
    assert norm.min_batch_rows == 1
    assert not norm.depends_on_batch
    model.fit(X[:1], Y[:1], verbose=0)  # without a warning of batches of one row


def test_a_frozen_dropout_goes_on_dropping():
    model = make()
    model.layers[3].trainable = False
    assert not np.array_equal(model.forward(X, training=True), model.predict(X))


def test_members_of_an_average_are_frozen_together_or_one_by_one():
    member = [Dense(4, "relu"), BatchNorm(), Dense(3, "softmax")]
    average = Average([member, member])
    model = Sequential([average], input_dim=5, seed=0)
    model.compile(Adam(0.1), "sparse_categorical_crossentropy")
    average.members[0][0].trainable = average.members[1][1].trainable = False
    frozen = {
        *("member_1.dense_1.weight", "member_1.dense_1.bias"),
        *("member_2.batch_norm_1.gamma", "member_2.batch_norm_1.beta"),
        *("member_2.batch_norm_1.moving_mean", "member_2.batch_norm_1.moving_variance"),
    }
    before = bits(average)
    model.fit(X, Y, epochs=3, verbose=0)
    assert {name for name, array in bits(average).items() if array == before[name]} == frozen
    assert average.trainable

    average.trainable = False
    assert not any(layer.trainable for _, layer in average.named_layers())
    with pytest.raises(ValueError, match="nothing to train: all layers"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
def test_with_all_frozen_there_is_nothing_to_train(call):
    model = make()
    for layer in model.layers:
        layer.trainable = False
    before, history = model.parameters.copy(), model.history
    with pytest.raises(ValueError, match="nothing to train: all layers with parameters are frozen"):
        getattr(model, call)(X, Y)
    assert np.array_equal(model.parameters, before)
    assert model.history is history
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("value", ["False", 0, None, 1.0, np.array([True, False])], ids=repr)
def test_anything_but_a_bool_is_refused(value):
    model = make()
    with pytest.raises((TypeError, ValueError), match="Dense 'dense_1': trainable must be True or"):
        model.layers[0].trainable = value
    assert model.layers[0].trainable is True


def test_loss_and_penalties_are_those_of_the_whole_network():
    model = make(dtype="float64")
    model.layers[3].rate = 0.0
    loss = model.compute_gradients(X, Y)
    model.layers[0].trainable = False
    assert model.compute_gradients(X, Y) == loss
    assert model.train_on_batch(X, Y) == loss


def test_classes_of_the_users_own_are_frozen_alike():
    class Shift(Layer):
        def parameter_shapes(self, input_dim):
            return {"shift": (input_dim,)}

        def initializers(self):
            return {"shift": Zeros()}

        def forward(self, x, training=False):
            return x + self.params["shift"]

        def backward(self, grad):
            self.grads["shift"][...] = grad.sum(axis=0)
            return grad

    model = Sequential([Shift(), Dense(3, "softmax")], input_dim=5, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.layers[0].trainable = False
    model.fit(X, Y, verbose=0)
    assert not model.layers[0].params["shift"].any()
    model.layers[0].trainable = True
    model.fit(X, Y, verbose=0)
    assert model.layers[0].params["shift"].all()


def test_before_the_layers_are_built_nothing_is_changed_either():
    model = Sequential([Dense(4, "relu"), Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    for layer in model.layers:
        layer.trainable = False
    with pytest.raises(ValueError, match="nothing to train"):
        model.fit(X, Y)
    assert not model.is_built
    model.layers[1].trainable = True
    model.fit(X, Y, verbose=0)


def test_joined_networks_and_their_members_keep_what_is_frozen():
    models = [make(seed=seed) for seed in range(2)]
    models[0].layers[0].trainable = False
    whole = join(models)
    assert list(whole.layers[0].frozen) == ["member_1.dense_1.weight", "member_1.dense_1.bias"]
    again = [[layer.trainable for layer in each.layers] for each in members_of(whole)]
    assert again == [[False, True, True, True, True], [True] * 5]


def test_a_network_of_the_tables_recipe_may_have_frozen_layers():
    model = make(AdamW(0.01, 0.1, learning_rate_factors={"bias": 0.1}, decay_exclude=["bias"]))
    model.layers[0].trainable = False
    before = bits(model.layers[0])
    model.fit(X, Y, epochs=5, verbose=0)
    assert bits(model.layers[0]) == before


def test_the_rate_finder_refuses_and_leaves_alone_what_is_frozen():
    model = make()
    model.layers[0].trainable = False
    before = model.parameters.copy()
    find_learning_rate(model, X, Y, steps=20, verbose=0)
    assert np.array_equal(model.parameters, before)
    for layer in model.layers:
        layer.trainable = False
    with pytest.raises(ValueError, match="nothing to train"):
        find_learning_rate(model, X, Y, verbose=0)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_compiled_loops_do_the_same(optimizer):
    pytest.importorskip("numba", reason="numba is not installed")
    models = [make(optimizer), make(optimizer)]
    for model, jit_compile in zip(models, (False, True), strict=True):
        model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit_compile)
        model.layers[0].trainable = model.layers[2].trainable = False
    before = bits(models[0].layers[0])
    for model in models:
        model.fit(X, Y, epochs=3, verbose=0)
        model.layers[2].trainable = True
        model.fit(X, Y, epochs=3, verbose=0)
    assert models[1].compiled_parts
    assert np.array_equal(models[0].parameters, models[1].parameters)
    assert bits(models[1].layers[0]) == before


def test_accumulated_batches_leave_frozen_layers_alone_too():
    model, whole = make(SGD(0.1, momentum=0.9)), make(SGD(0.1, momentum=0.9))
    for each in (model, whole):
        for index in (0, 1):
            each.layers[index].trainable = False
        each.layers[3].rate = 0.0
    before = bits(model.layers[0])
    model.fit(X, Y, batch_size=15, epochs=5, verbose=0, accumulate=2, shuffle=False)
    whole.fit(X, Y, batch_size=30, epochs=5, verbose=0, shuffle=False)
    assert bits(model.layers[0]) == before
    np.testing.assert_allclose(model.parameters, whole.parameters, atol=1e-6)
