"""A network with frozen layers as an estimator's template."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from ffnn import Sequential
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import Average, BatchNorm, Dense

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
Y = rng.integers(3, size=60)


def values(layer):
    return {name: a.copy() for name, a in {**layer.params, **layer.state}.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert np.array_equal(array, other[name])


@pytest.fixture
def network():
    model = Sequential([Dense(6, "relu"), BatchNorm(), Dense(3, "softmax")], input_dim=5, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=3, verbose=0)
    for layer in model.layers[:2]:
        layer.trainable = False
    return model


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_frozen_layers_of_a_template_keep_their_values(network, solver):
    estimator = FFNNClassifier(network=network, solver=solver, max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(X, Y)

    for index in (0, 1):
        assert_same(values(estimator.model_.layers[index]), values(network.layers[index]))
        assert estimator.model_.layers[index].trainable is False
    new = estimator.model_.layers[2].params["weight"]
    assert not np.array_equal(new, network.layers[2].params["weight"])
    assert not np.may_share_memory(estimator.model_.parameters, network.parameters)


def test_lbfgs_of_the_last_layer_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    network = Sequential([Dense(4, "tanh"), Dense(3, "softmax")], 5, "float64", seed=0)
    network.layers[0].trainable = False
    estimator = FFNNClassifier(
        network=network,
        solver="lbfgs",
        random_state=0,
        alpha=0.0,
        max_iter=5000,
        tol=1e-9,
        max_fun=100_000,
    ).fit(X, Y)

    hidden = np.tanh(X @ network.layers[0].params["weight"].T + network.layers[0].params["bias"])
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(hidden, Y)
    np.testing.assert_allclose(estimator.predict_proba(X), peer.predict_proba(hidden), atol=1e-4)


def test_values_for_other_columns_are_refused(network):
    with pytest.raises(ValueError, match="dense_1' is frozen with values for 5 inputs, but gets 4"):
        FFNNClassifier(network=network).fit(X[:, :4], Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_template_that_is_wholly_frozen_is_refused(network, solver):
    network.layers[2].trainable = False
    with pytest.raises(ValueError, match="nothing to train: all layers with parameters are frozen"):
        FFNNClassifier(network=network, solver=solver).fit(X, Y)


def test_members_of_an_average_are_frozen_one_by_one():
    network = Sequential([Average([[Dense(4, "tanh"), Dense(1)], [Dense(1)]])], 5, seed=0)
    first = network.layers[0].members[0][0]
    first.trainable = False
    with pytest.warns(ConvergenceWarning):
        estimator = FFNNRegressor(network=network, max_iter=3).fit(X, X[:, 0])
    layers = dict(estimator.model_.layers[0].named_layers())
    assert_same(values(layers["member_1.dense_1"]), values(first))
    assert [layer.trainable for layer in layers.values()] == [False, True, True]


def test_partial_fit_and_a_clone_go_by_the_template(network):
    from sklearn.base import clone

    estimator = clone(FFNNClassifier(network=network, random_state=0))
    estimator.partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y)
    assert_same(values(estimator.model_.layers[0]), values(network.layers[0]))


def test_an_estimator_of_a_network_goes_on_with_its_frozen_layers(network):
    before = values(network.layers[0])
    estimator = network.as_estimator()
    estimator.partial_fit(X, Y)
    assert_same(values(estimator.model_.layers[0]), before)
