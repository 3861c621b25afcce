"""Frozen layers on their way to PyTorch and Keras and back."""

import os
import warnings

import numpy as np
import pytest

from ffnn import Sequential, exchange
from ffnn.layers import Average, BatchNorm, Dense, ParametricActivation, Scale
from ffnn.optimizers import SGD

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4)).astype(np.float32)
Y = rng.normal(size=(20, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="torch is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras", reason="Keras is not installed")


of_keras = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with new NumPy


def make(frozen):
    model = Sequential(
        [Dense(6, "tanh"), Scale(), BatchNorm(), ParametricActivation("selu"), Dense(2)],
        input_dim=4,
        seed=0,
    )
    for index in frozen:
        model.layers[index].trainable = False
    model.compile(SGD(0.1), "mse")
    return model


def flags(model):
    return [layer.trainable for layer in model.layers]


CHOICES = [[], [0], [0, 1, 2], [3], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("frozen", CHOICES, ids=str)
def test_they_are_frozen_in_pytorch_and_come_back(torch, frozen):
    model = make(frozen)
    module = exchange.to_torch(model)
    needed = [parameter.requires_grad for parameter in module.parameters()]
    expected = [layer.trainable for layer in model.layers for _ in layer.params]
    assert needed == expected
    back = exchange.from_torch(module)
    assert flags(back) == flags(model)
    assert np.array_equal(back.parameters, model.parameters)


def test_a_step_in_pytorch_is_ours(torch):
    model = Sequential([Dense(6, "tanh"), Scale(), Dense(5, "relu"), Dense(2)], 4, seed=0)
    model.layers[0].trainable = model.layers[2].trainable = False
    model.compile(SGD(0.1), "mse")
    module = exchange.to_torch(model).train()
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.1)
    for _ in range(3):
        model.train_on_batch(X, Y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(X)), torch.tensor(Y)).backward()
        optimizer.step()
    theirs = exchange.from_torch(module)
    np.testing.assert_allclose(theirs.parameters, model.parameters, atol=1e-6)
    for index in (0, 2):
        for name, array in model.layers[index].params.items():
            assert np.array_equal(theirs.layers[index].params[name], array)


def test_members_of_an_average_in_pytorch(torch):
    model = Sequential([Average([[Dense(3), Dense(2)], [Dense(2)]])], input_dim=4, seed=0)
    dict(model.layers[0].named_layers())["member_1.dense_1"].trainable = False
    module = exchange.to_torch(model)
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    assert frozen == ["0.member_1_dense_1_weight", "0.member_1_dense_1_bias"]
    back = exchange.from_torch(module).layers[0]
    assert list(back.frozen) == list(model.layers[0].frozen)


def test_modules_of_others_that_require_no_gradient(torch):
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    module[0].requires_grad_(False)
    model = exchange.from_torch(module)
    assert flags(model) == [False, True]

    module[2].bias.requires_grad = False
    with pytest.raises(ValueError, match=r"module 2 \(Linear\): bias requires no gradient"):
        exchange.from_torch(module)


@of_keras
@pytest.mark.parametrize("frozen", CHOICES, ids=str)
def test_they_are_frozen_in_keras_and_come_back(keras, frozen, tmp_path):
    model = make(frozen)
    made = exchange.to_keras(model)
    arrays = [a for layer in model.layers if layer.trainable for a in layer.params.values()]
    sizes = [int(np.prod(weight.shape)) for weight in made.trainable_weights]
    assert sum(sizes) == sum(array.size for array in arrays)
    assert flags(exchange.from_keras(made)) == flags(model)
    made.save(tmp_path / "m.keras")
    kept = keras.models.load_model(tmp_path / "m.keras")
    assert flags(exchange.from_keras(kept)) == flags(model)


@of_keras
def test_layers_that_are_thawed_in_keras_come_back_so(keras):
    made = exchange.to_keras(make([0, 1, 2, 3]))
    for layer in made.layers:
        layer.trainable = True
    assert flags(exchange.from_keras(made)) == [True] * 5


@of_keras
def test_a_frozen_batch_norm_in_keras_goes_by_its_averages(keras):
    model = Sequential([BatchNorm(), Dense(2)], input_dim=4, seed=0)
    model.layers[0].load_state({"moving_mean": np.full(4, 2.0), "moving_variance": np.full(4, 3.0)})
    model.layers[0].trainable = False
    made = exchange.to_keras(model)
    theirs = made(X, training=True).detach().cpu().numpy()
    np.testing.assert_allclose(theirs, model.forward(X, training=True), atol=1e-6)
