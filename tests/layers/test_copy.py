"""`Layer.copy`: a free layer with the same settings, values and state, for another model."""

import copy
import inspect

import numpy as np
import pytest

from ffnn import Sequential
from ffnn.activations import ACTIVATIONS, ReLU
from ffnn.core.registry import family_of
from ffnn.layers import Average, BatchNorm, Dense, Dropout, Normalization, PiecewiseLinear
from ffnn.layers.base import LAYERS
from ffnn.regularizers import L2

rng = np.random.default_rng(0)
X = rng.integers(0, 3, size=(40, 4)).astype(np.float32)  # codes, for an Embedding
Y = rng.normal(size=(40, 2))
ARGUMENTS = {  # of classes that need some, or do nothing without
    "average": lambda: [[[Dense(3, "relu"), BatchNorm(), Dropout(0.5)], [Dense(3), Dropout(0.2)]]],
    "dense": lambda: [3, "relu", True, "he_normal", "ones", L2(0.1)],
    "activation": lambda: ["tanh"],
    "parametric_activation": lambda: ["tanh"],
    "dropout": lambda: [0.5],
    "rescaling": lambda: [0.5, 1.0],
    "clamp": lambda: [-0.5, 0.5],
    "embedding": lambda: [[3, 3], 2, [0, 2]],
}
FAMILIES = {LAYERS.name_of(object.__new__(c)): c for c in LAYERS} | {
    ACTIVATIONS.name_of(object.__new__(c)): c for c in ACTIVATIONS
}


def make(name):
    cls = FAMILIES[name]
    arguments = ARGUMENTS.get(name, list)()
    needed = [
        p
        for p in inspect.signature(cls).parameters.values()
        if p.default is inspect.Parameter.empty
    ]
    assert len(arguments) >= len(needed), f"say in ARGUMENTS how a {name} is made"
    layer = cls(*arguments)
    return layer.adapt(X) if hasattr(layer, "adapt") else layer


@pytest.fixture(params=sorted(FAMILIES))
def trained(request):
    """A network with the layer, after some updates: values and state are no initial ones."""
    layers = [make(request.param), Dense(2)]
    model = Sequential(layers, input_dim=4, seed=1)
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def everything(layer):
    return {name: a.copy() for name, a in {**layer.params, **layer.state}.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        assert np.array_equal(array, other[name]), name


def test_a_copy_stands_alone_and_computes_the_same(trained):
    layer = trained.layers[0]
    twin = layer.copy()

    assert type(twin) is type(layer)
    assert (twin.name, repr(twin)) == ("", repr(layer))
    assert_same(everything(twin), everything(layer))
    assert np.array_equal(twin.forward(X), layer.forward(X))
    # Masks continue from where they were, in both alike.
    assert np.array_equal(twin.forward(X, training=True), layer.forward(X, training=True))
    shared = [
        name
        for name, array in {**twin.params, **twin.state, **twin.grads}.items()
        for other in (*layer.params.values(), *layer.state.values(), *layer.grads.values())
        if np.may_share_memory(array, other)
    ]
    assert not shared


def test_a_new_model_takes_it_with_its_values(trained):
    layer = trained.layers[0]
    known, states = everything(layer), [r.bit_generator.state for r in layer.random_generators()]
    new = Sequential([layer.copy(), Dense(5)], seed=7)

    assert new.is_built
    assert new.input_dim == 4
    assert new.layers[0].name == layer.name
    assert_same(everything(new.layers[0]), known)
    assert [r.bit_generator.state for r in new.layers[0].random_generators()] == states
    assert all(np.may_share_memory(a, new.parameters) for a in new.layers[0].params.values())

    new.compile("adam", "mse")
    new.fit(X, np.zeros((40, 5)), epochs=1, verbose=0)
    assert_same(everything(layer), known)  # nothing leads back


def test_it_is_frozen_if_the_layer_is(trained):
    layer = trained.layers[0]
    layer.trainable = False
    assert layer.copy().trainable is False
    layer.trainable = True
    assert layer.copy().trainable is True


def test_an_unbuilt_layer_is_copied_with_its_settings(trained):
    layer = make(family_of(trained.layers[0]).name_of(trained.layers[0]))
    twin = layer.copy()
    assert not twin.is_built
    assert repr(twin) == repr(layer)
    one, other = (Sequential([each, Dense(2)], input_dim=4, seed=3) for each in (layer, twin))
    assert np.array_equal(one.predict(X), other.predict(X))
    assert np.array_equal(one.forward(X, training=True), other.forward(X, training=True))


def test_the_head_of_a_network_is_replaced():
    old = Sequential([Dense(8, "relu"), BatchNorm(), Dense(5, "softmax")], input_dim=4, seed=0)
    new = Sequential([*(layer.copy() for layer in old.layers[:-1]), Dense(3, "softmax")], seed=0)
    assert np.array_equal(new.layers[1].forward(new.layers[0].forward(X)), _inner(old, X))
    assert new.predict(X).shape == (40, 3)
    assert [layer.name for layer in new.layers] == ["dense_1", "batch_norm_1", "dense_2"]
    assert new.layers[0].activation is not old.layers[0].activation


def _inner(model, x):
    for layer in model.layers[:-1]:
        x = layer.forward(x)
    return x


def test_initial_values_of_the_others_are_what_they_would_be_without_copies():
    plain = Sequential([Dense(8), Dense(3)], input_dim=4, seed=5)
    mixed = Sequential([Dense(8).build(4, seed=9), Dense(3)], seed=5)
    assert np.array_equal(mixed.layers[1].params["weight"], plain.layers[1].params["weight"])


def test_values_are_cast_to_the_models_dtype():
    layer = Dense(3).build(4, dtype="float64", seed=0)
    norm = BatchNorm().build(3, dtype="float64")
    norm.load_state({"moving_mean": np.full(3, 0.1), "moving_variance": np.full(3, 0.2)})
    model = Sequential([layer.copy(), norm.copy()], dtype="float32")
    assert np.array_equal(model.layers[0].params["weight"], layer.params["weight"].astype("f4"))
    assert np.array_equal(model.layers[1].state["moving_mean"], np.full(3, 0.1, np.float32))


def test_what_has_no_values_fits_other_widths():
    old = Sequential([ReLU(), Dropout(0.5), Dense(3)], input_dim=4, seed=0)
    new = Sequential([*(layer.copy() for layer in old.layers[:2]), Dense(2)], input_dim=6)
    assert new.predict(np.ones((3, 6))).shape == (3, 2)


@pytest.mark.parametrize(
    "make_layer",
    [
        lambda: Dense(3).build(4),
        lambda: BatchNorm().build(4),
        lambda: Normalization().adapt(X).build(4),
        lambda: PiecewiseLinear(2).adapt(X).build(4),
    ],
)
def test_values_for_another_number_of_inputs_are_refused(make_layer):
    layer = make_layer()
    with pytest.raises(ValueError, match=r"4 (inputs|columns),? but"):
        Sequential([Dense(7), layer.copy()], input_dim=4)
    with pytest.raises(ValueError, match="4"):
        Sequential([layer.copy()], input_dim=5)


def test_values_that_the_dtype_has_not_are_refused():
    layer = Dense(1).build(2, dtype="float64")
    layer.params["weight"][...] = 1e300
    with pytest.raises(ValueError, match="weight has numbers that are not finite in float32"):
        Sequential([layer.copy()])


def test_a_setting_that_was_changed_is_refused():
    layer = Dense(3).build(4).copy()
    layer.units = 5
    with pytest.raises(ValueError, match="units was changed"):
        Sequential([layer])


def test_a_layer_of_another_model_is_refused_with_what_to_do():
    old = Sequential([Dense(3)], input_dim=4)
    with pytest.raises(ValueError, match=r"belongs to another model; .* copy\(\)"):
        Sequential([old.layers[0]])
    layer = Dense(4)
    with pytest.raises(ValueError, match=r"twice; make two, or take a copy\(\)"):
        Sequential([layer, layer])
    assert Sequential([layer, layer.copy()], input_dim=4).is_built


def test_a_layer_that_was_refused_is_free_and_as_it_was():
    layer = Dense(3).build(4, seed=0)
    weight = layer.params["weight"].copy()
    with pytest.raises(ValueError, match="for 4 inputs, but gets 9"):
        Sequential([Dense(9), layer], input_dim=4)
    assert layer.name == ""
    assert np.array_equal(Sequential([layer]).layers[0].params["weight"], weight)


def test_members_of_an_average_are_copied_with_values_and_flags():
    average = Average([[Dense(3)], [Dense(3)]])
    old = Sequential([average], input_dim=4, seed=0)
    average.members[0][0].trainable = False
    new = Sequential([average.copy(), Dense(2)])
    assert [layer.trainable for _, layer in new.layers[0].named_layers()] == [False, True]
    assert np.array_equal(new.layers[0].forward(X), old.predict(X))
    rebuilt = average.clone()  # as an Average of an Average has it
    assert [layer.trainable for _, layer in rebuilt.named_layers()] == [False, True]


def test_a_copied_model_trains_on_as_the_first():
    """All layers copied, the loss and the optimizer new: the same as with the layers themselves."""
    old = Sequential([Dense(6, "relu"), BatchNorm(), Dense(2)], input_dim=4, seed=0)
    new = Sequential([layer.copy() for layer in old.layers], seed=0)
    for model in (old, new):
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=3, verbose=0)
    assert np.array_equal(old.parameters, new.parameters)
    assert copy.deepcopy(new).layers[0].name == "dense_1"
