"""What layers say about themselves is what they do."""

import numpy as np
import pytest

from ffnn.activations import ACTIVATIONS
from ffnn.layers import (
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
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

rng = np.random.default_rng(0)
A, B = 10.0 * rng.normal(size=(2, 6, 4))
LAYERS = {
    "dense": lambda: Dense(3),
    "rescaling": lambda: Rescaling(0.5, 1.0),
    "normalization": lambda: Normalization().adapt(A),
    "dropout": lambda: Dropout(0.0),  # with any mask the same holds
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "rms_norm": RMSNorm,
    "scale": Scale,
    "periodic_embedding": PeriodicEmbedding,
    "piecewise_linear": lambda: PiecewiseLinear(3).adapt(A),
    "clamp": lambda: Clamp(-0.5, 0.5),
    "prelu": PReLU,
    "parametric_activation": lambda: ParametricActivation("selu"),
    **ACTIVATIONS.classes,
}


@pytest.fixture(params=sorted(LAYERS))
def layer(request):
    return LAYERS[request.param]().build(4, dtype="float64")


def outputs(layer, *batches):
    return [layer.forward(x, training=True).copy() for x in batches]


def test_affine_layers_are_affine(layer):
    of_sum, of_zero, of_a, of_b = outputs(layer, A + B, 0 * A, A, B)
    is_affine = np.allclose(of_sum + of_zero, of_a + of_b)

    # A Dense is affine as long as it has no activation.
    assert is_affine is (layer.is_affine or layer.is_dense)


def test_scale_invariant_layers_ignore_the_scale(layer):
    of_a, of_more = outputs(layer, A, 5.0 * A)

    assert np.allclose(of_a, of_more, rtol=1e-3) is layer.is_scale_invariant


def test_fewer_rows_than_a_layer_needs_say_nothing_of_their_inputs(layer):
    needed = layer.min_batch_rows

    of_a, of_b = outputs(layer, A[:needed], B[:needed])
    assert not np.allclose(of_a, of_b)
    for fewer in range(1, needed):
        of_a, of_b = outputs(layer, A[:fewer], B[:fewer])
        assert np.allclose(of_a, of_b)


def test_dense_layers_have_a_weight_matrix(layer):
    assert layer.is_dense is isinstance(layer, Dense)
    assert not Dense(3).is_dense  # as long as it is not built
