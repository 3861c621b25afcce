"""Networks as modules of PyTorch, models of Keras and estimators of scikit-learn, and back."""

import os
import warnings

import numpy as np
import pytest
from random_networks import distance, random_network

import ffnn
from ffnn import exchange, layers
from ffnn.activations import ACTIVATIONS, GELU

# -- PyTorch -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def by_torch(torch, module, x):
    with torch.no_grad():
        return module(torch.tensor(x)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(25))
def test_a_module_computes_the_same_and_comes_back(torch, seed, dtype):
    model, x = random_network(seed, dtype)
    module = exchange.to_torch(model)
    assert not module.training
    assert distance(by_torch(torch, module, x), model.predict(x)) < 2e-6
    assert [tuple(p.shape) for p in module.parameters()] == [
        array.shape for layer in model.layers for array in layer.params.values()
    ]
    back = exchange.from_torch(module)
    np.testing.assert_array_equal(back.predict(x), model.predict(x))


@pytest.mark.parametrize("seed", range(25))
def test_a_step_of_sgd_is_ours(torch, seed):
    model, x = random_network(seed, "float64")
    if any(isinstance(layer, layers.Dropout) for layer in model.layers):
        pytest.skip("its masks are drawn otherwise")
    y = np.random.default_rng(seed).normal(size=(len(x), model.output_dim))
    module = exchange.to_torch(model).train()
    optimizer = torch.optim.SGD(module.parameters(), 0.01)
    ((module(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
    optimizer.step()
    model.compile(ffnn.optimizers.SGD(0.01), "mean_squared_error")
    model.train_on_batch(x, y)
    found = np.concatenate([p.detach().numpy().ravel() for p in module.parameters()])
    assert distance(found, model.parameters) < 1e-9


def test_names_in_a_state_dict(torch):
    model = ffnn.Sequential([layers.Dense(3, "relu"), layers.BatchNorm(0.9), layers.Dense(1)], 2)
    module = exchange.to_torch(model)
    assert [*module.state_dict()] == [
        *("0.weight", "0.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var"),
        *("2.num_batches_tracked", "3.weight", "3.bias"),
    ]
    assert module[2].momentum == pytest.approx(0.1)


def test_softplus_of_large_numbers(torch):
    x = np.array([[-90.0, 19.0, 21.0, 39.0, 41.0, 100.0]], np.float32)
    model = ffnn.Sequential([layers.Activation("softplus")], 6)
    np.testing.assert_allclose(
        by_torch(torch, exchange.to_torch(model), x), model.predict(x), rtol=1e-6
    )


def test_modules_of_others(torch):
    nn = torch.nn
    torch.manual_seed(0)
    chain = [
        *(nn.Flatten(), nn.Linear(4, 5), nn.Identity(), nn.ELU(0.5), nn.Dropout(0.25)),
        nn.Sequential(nn.Linear(5, 6, bias=False), nn.LayerNorm(6), nn.Mish(), nn.RMSNorm(6)),
        *(nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 6), nn.GELU(approximate="tanh")),
        *(nn.Linear(6, 5), nn.PReLU(5), nn.PReLU(init=-0.5), nn.Linear(5, 6)),
        *(nn.Linear(6, 3), nn.Hardtanh(-0.5, 0.5), nn.Softmax(dim=-1)),
    ]
    module = nn.Sequential(*chain).eval()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    model = exchange.from_torch(module)
    assert distance(model.predict(x), by_torch(torch, module, x)) < 1e-6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda nn: nn.Conv1d(1, 1, 1), r"module at the top \(Conv1d\) is none"),
        (
            lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Bilinear(2, 2, 2))),
            r"module 1\.0 \(Bilinear\)",
        ),
        (lambda nn: nn.Sequential(nn.ReLU()), "how many inputs"),
        (lambda nn: nn.Sequential(), "no layers"),
        (lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), r"module 1 \(Softmax\)"),
        (lambda nn: nn.BatchNorm1d(3, affine=False), "affine=True"),
    ],
)
def test_modules_that_are_no_chain_are_refused(torch, make, message):
    with pytest.raises(ValueError, match=message):
        exchange.from_torch(make(torch.nn))


# -- Keras -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="torch is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras", reason="Keras is not installed")


of_keras = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with new NumPy


@of_keras
@pytest.mark.parametrize("seed", range(8))
def test_a_keras_model_computes_the_same_and_comes_back(keras, seed):
    model, x = random_network(seed)
    made = exchange.to_keras(model)
    found = made.predict(x, verbose=0)
    assert distance(found, model.predict(x)) < 2e-6
    assert distance(exchange.from_keras(made).predict(x), model.predict(x)) < 2e-6


@of_keras
@pytest.mark.parametrize("activation", [*(each() for each in ACTIVATIONS), GELU("tanh")], ids=repr)
def test_each_activation_inside_a_layer_goes_to_keras(keras, activation):
    model = ffnn.Sequential([layers.Dense(3, activation)], 4, seed=0)
    x = np.random.default_rng(0).normal(size=(5, 4))
    found = exchange.to_keras(model).predict(x, verbose=0)
    assert distance(found, model.predict(x)) < 2e-6


@of_keras
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mean", [0.0, 100.1, 1e5, -1e6])
def test_columns_far_from_zero_are_normalized_in_keras_as_here(keras, mean, dtype):
    x = np.random.default_rng(0).normal(size=(50, 3)) + mean
    x = x.astype(np.float32).astype(dtype)  # as Keras takes it
    model = ffnn.Sequential([layers.Normalization().adapt(x), layers.Dense(2)], 3, dtype, seed=0)
    made = exchange.to_keras(model)
    assert distance(made.predict(x, verbose=0), model.predict(x)) < 1e-6
    back = exchange.from_keras(made)
    assert [type(layer) for layer in back.layers] == [layers.Normalization, layers.Dense]
    assert distance(back.predict(x), model.predict(x)) < 1e-6


@of_keras
@pytest.mark.parametrize("seed", range(2))
def test_a_keras_model_is_saved_and_loaded(keras, seed, tmp_path):
    model, x = random_network(seed)
    made = exchange.to_keras(model)
    made.save(tmp_path / "m.keras")
    found = keras.models.load_model(tmp_path / "m.keras").predict(x, verbose=0)
    assert distance(found, model.predict(x)) < 2e-6


class Tripling(layers.Layer):
    """A layer of a user, which says what it computes."""

    def forward(self, x, training=False):
        return 3.0 * x

    def express(self, x):
        return x * 3.0


@of_keras
def test_a_layer_of_the_users_goes_to_keras_and_into_its_files(keras, tmp_path):
    model = ffnn.Sequential([layers.Dense(3), Tripling(), layers.Dense(1)], 4, seed=0)
    made, x = exchange.to_keras(model), np.random.default_rng(0).normal(size=(5, 4))
    made.save(tmp_path / "m.keras")
    for each in (made, keras.models.load_model(tmp_path / "m.keras")):
        assert distance(each.predict(x, verbose=0), model.predict(x)) < 2e-6


@of_keras
def test_keras_models_of_others(keras):
    kinds, x = keras.layers, np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    start = keras.Input((4,))
    value = kinds.Dense(5, "leaky_relu")(start)
    for layer in (
        kinds.ReLU(),
        kinds.Rescaling(0.5),
        kinds.Dense(5, "gelu"),
        kinds.PReLU("normal"),
        kinds.PReLU("ones", shared_axes=[1]),
        kinds.Dense(3, "softmax"),
    ):
        value = layer(value)
    made = keras.Model(start, value)
    found = made.predict(x, verbose=0)
    assert distance(exchange.from_keras(made).predict(x), found) < 1e-6


@of_keras
def test_keras_models_that_are_no_chain_are_refused(keras):
    kinds, start = keras.layers, keras.Input((4,))
    first = kinds.Dense(4, name="first")(start)
    branched = keras.Model(start, kinds.Add(name="sum")([first, start]))
    with pytest.raises(ValueError, match="'sum' follows first, "):
        exchange.from_keras(branched)
    odd = keras.Sequential([keras.Input((4,)), kinds.Dense(2, "hard_tanh", name="odd")])
    with pytest.raises(ValueError, match=r"'odd' .*hard_tanh"):
        exchange.from_keras(odd)
    with pytest.raises(ValueError, match=r"expected a keras\.Model"):
        exchange.from_keras(3)


# -- scikit-learn ------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(120, 4))


@pytest.fixture(scope="module", params=["two", "three", "numbers", "two numbers"])
def estimator(request):
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    kind, y = {
        "two": (neural.MLPClassifier, np.where(X[:, 0] > 0.0, "b", "a")),
        "three": (neural.MLPClassifier, 3 * np.digitize(X[:, 0], [-0.5, 0.5])),
        "numbers": (neural.MLPRegressor, X[:, 0]),
        "two numbers": (neural.MLPRegressor, X[:, :2]),
    }[request.param]
    made = kind(hidden_layer_sizes=(8, 5), activation="tanh", random_state=0, max_iter=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.fit(X, y)


def test_an_estimator_comes_in_and_goes_out(estimator):
    model = exchange.from_sklearn(estimator)
    if hasattr(estimator, "classes_"):
        shares = estimator.predict_proba(X)
        np.testing.assert_allclose(model.predict(X), shares[:, -model.output_dim :], rtol=1e-12)
        assert model.class_names == [*map(str, estimator.classes_)]
    else:
        np.testing.assert_allclose(
            model.predict(X), estimator.predict(X).reshape(len(X), -1), rtol=1e-12
        )
    back = exchange.to_sklearn(model)
    np.testing.assert_array_equal(back.predict(X), estimator.predict(X))


def test_two_outputs_of_a_softmax_are_one_there():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    model = ffnn.Sequential([layers.Dense(3, "relu"), layers.Dense(2, "softmax")], 4, "float64")
    model.class_names = ["no", "yes"]
    made = exchange.to_sklearn(model)
    np.testing.assert_allclose(made.predict_proba(X), model.predict(X), rtol=1e-12)
    assert made.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([layers.Dense(3, "gelu"), layers.Dense(1)], "GELU"),
        ([layers.Dense(3, "relu"), layers.Dense(3, "tanh"), layers.Dense(1)], "relu and tanh"),
        ([layers.Dense(3, use_bias=False), layers.Dense(1)], "'dense_1'.*bias"),
        ([layers.BatchNorm(), layers.Dense(1)], "'batch_norm_1'"),
        ([layers.Dense(2, "sigmoid")], "ends in"),
    ],
)
def test_what_scikit_learn_has_not_is_refused(chain, message):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    model = ffnn.Sequential([layer.clone() for layer in chain], 2)
    with pytest.raises(ValueError, match=message):
        exchange.to_sklearn(model)


def test_an_estimator_that_is_none_is_refused():
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    with pytest.raises(ValueError, match="not fitted"):
        exchange.from_sklearn(neural.MLPRegressor())
    with pytest.raises(TypeError, match="expected an MLPClassifier"):
        exchange.from_sklearn(neural.BernoulliRBM())
