"""Random networks over all kinds of layers, and rows for them."""

import numpy as np

import ffnn
from ffnn import layers
from ffnn.activations import GELU

ACTIVATIONS = [
    *("elu", "gelu", "leaky_relu", "linear", "mish", "relu", "selu", "sigmoid", "softmax"),
    *("softplus", "swish", "tanh", GELU("tanh")),
]
FIRST = [
    *("nothing", "periodic_embedding", "some_periodic", "piecewise_linear", "normalization"),
    *("embedding", "scale"),
]
BETWEEN = [
    layers.BatchNorm,
    layers.LayerNorm,
    layers.RMSNorm,
    layers.Scale,
    lambda: layers.Dropout(0.3),
    lambda: layers.ParametricActivation("selu"),
    layers.PReLU,
    lambda: layers.PReLU(shared=True, initial_slope=-0.5),
    lambda: layers.Rescaling(0.5, 0.1),
    lambda: layers.Clamp(-1.0, 1.5),
    lambda: layers.Activation("tanh"),
]


def random_network(seed, dtype="float32", without=()):
    """Return a built network and some rows; `without` are names of kinds of layers."""
    rng = np.random.default_rng(seed)
    columns = int(rng.integers(2, 9))
    x = 3.0 * rng.normal(size=(7, columns))
    chain, x = _first(str(rng.choice([f for f in FIRST if f not in without])), columns, x, rng)
    for _ in range(rng.integers(1, 4)):
        chain.append(
            layers.Dense(
                int(rng.integers(2, 20)),
                ACTIVATIONS[rng.integers(len(ACTIVATIONS))],
                use_bias=bool(rng.random() < 0.8),
                parametrization=str(rng.choice(["standard", "ntk"])),
            )
        )
        chain.append(BETWEEN[rng.integers(len(BETWEEN))]())
    if rng.random() < 0.2:
        chain.append(layers.Average([_member(rng), _member(rng)]))
    model = ffnn.Sequential(chain, columns, dtype, seed=seed)
    model.parameters[...] += 0.1 * rng.normal(size=model.parameters.size)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNorm):
            layer.moving_mean[...] = rng.normal(size=layer.input_dim)
            layer.moving_variance[...] = rng.uniform(0.5, 2.0, layer.input_dim)
    return model, x.astype(dtype)


def _member(rng):
    units, activation = int(rng.integers(2, 9)), ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    return [layers.Dense(units, activation), layers.LayerNorm(), layers.Dense(3, "softmax")]


def _first(kind, columns, x, rng):
    if kind == "periodic_embedding":
        return [layers.PeriodicEmbedding(4, 3)], x
    if kind == "some_periodic":
        return [layers.PeriodicEmbedding(columns=[1, 0][: columns - 1])], x
    if kind == "piecewise_linear":
        return [layers.PiecewiseLinear(3, columns=[1]).adapt(rng.normal(size=(50, columns)))], x
    if kind == "normalization":
        seen = 5.0 * rng.normal(size=(50, columns)) + 100.0
        return [layers.Normalization().adapt(seen)], x + 100.0
    if kind == "embedding":
        x[:, 1] = rng.integers(0, 3, len(x))
        x[:, 0] = rng.integers(0, 5, len(x))
        return [layers.Embedding([3, 5], 4, columns=[1, 0])], x
    return ([layers.Scale()] if kind == "scale" else []), x


def distance(found, expected):
    """Return how far numbers are from those expected, relative to sizes above 1."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max())
