"""Layers on batches of very many rows, and on numbers near the end of their dtype."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense, Embedding, LayerNorm, PeriodicEmbedding, RMSNorm
from ffnn.losses import LOSSES

NORMS = [BatchNorm, LayerNorm, RMSNorm]


@pytest.mark.parametrize("order", ["C", "F"])
def test_batch_norm_of_a_million_rows_around_1000(order):
    x = 1000.0 + np.random.default_rng(0).standard_normal((1_000_000, 2))
    x = np.asarray(x, np.float32, order=order)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + 1e-3)
    layer = BatchNorm(momentum=0.0).build(2)

    y = layer.forward(x, training=True)
    np.testing.assert_allclose(y, expected, atol=2e-4)
    layer.backward(np.ones_like(x))
    layer.update_state()
    np.testing.assert_allclose(layer.moving_variance, wide.var(axis=0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, wide.mean(axis=0), rtol=2e-7)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("cls", [*NORMS, lambda: Dense(2)])
def test_gradients_over_many_rows_are_those_of_float64(cls, order):
    rng = np.random.default_rng(0)
    x = np.asarray(3.0 + rng.standard_normal((500_000, 2)), np.float32, order=order)
    grad = np.asarray(1.0 + rng.standard_normal((500_000, 2)), np.float32, order=order)
    narrow, wide = cls().build(2, seed=0), cls().build(2, dtype="float64", seed=0)
    for layer in (narrow, wide):
        layer.forward(x.astype(layer.dtype), training=True)
        layer.backward(np.array(grad, layer.dtype, order="K"))
    for name, value in narrow.grads.items():
        np.testing.assert_allclose(value / len(x), wide.grads[name] / len(x), rtol=1e-5, atol=4e-6)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("make", "noise", "rtol"),
    # Sums of many 0.1 are rounded in one direction.
    [(lambda: PeriodicEmbedding(3, 3), 1.0, 1e-5), (lambda: Embedding([4, 4], 3), 0.0, 1e-4)],
    ids=["periodic", "categories"],
)
def test_gradients_of_embeddings_over_many_rows_are_those_of_float64(make, noise, rtol, order):
    rng, rows = np.random.default_rng(0), 200_000
    x = np.asarray(rng.integers(0, 4, (rows, 2)), np.float32, order=order)
    narrow, wide = make().build(2, seed=0), make().build(2, dtype="float64", seed=0)
    for name, values in wide.params.items():
        values[...] = narrow.params[name]
    grad = 0.1 + noise * (0.9 + rng.standard_normal((rows, narrow.output_dim)))
    for layer in (narrow, wide):
        layer.forward(x.astype(layer.dtype), training=True)
        layer.backward(np.array(grad.astype(np.float32), layer.dtype, order=order))
    for name, value in narrow.grads.items():
        np.testing.assert_allclose(value / rows, wide.grads[name] / rows, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("units", [2, 3, 10])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["softmax", "cce"])
def test_cross_entropy_of_two_million_rows_is_that_of_one(name, units, weighted):
    loss = LOSSES.get("cce")
    output = np.zeros((2_000_000, units), np.float32, order="F")
    if name == "softmax":
        loss = loss.fuse(ffnn.activations.Softmax())
    else:
        output += 1.0 / units
    y = np.zeros(len(output), np.intp)
    weight = np.ones(len(output), np.float32) if weighted else None
    assert loss.forward(output, y, weight) == pytest.approx(np.log(units), abs=4e-6)


# Numbers whose squares overflow


def like(scale, dtype):
    return (np.random.default_rng(0).standard_normal((64, 5)) * scale).astype(dtype)


@pytest.mark.parametrize("cls", NORMS)
@pytest.mark.parametrize(
    ("dtype", "scale"), [("float32", 2.0**k) for k in (60, 63, 67, 125)] + [("float64", 2.0**1020)]
)
def test_norms_do_not_depend_on_the_size_of_their_inputs(cls, dtype, scale):
    large, small = (cls(epsilon=1e-30).build(5, dtype=dtype) for _ in range(2))
    x = like(1.0, dtype)
    y = large.forward(x * np.dtype(dtype).type(scale), training=True)
    np.testing.assert_allclose(y, small.forward(x, training=True), rtol=2e-6)

    grads = [layer.backward(like(1.0, dtype)) for layer in (large, small)]
    assert np.isfinite(grads[0]).all()
    for name, grad in large.grads.items():
        np.testing.assert_allclose(grad, small.grads[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cls", [LayerNorm, RMSNorm])
def test_ordinary_rows_beside_huge_ones_keep_their_bits(cls):
    x = like(1.0, "float32")
    alone = cls().build(5).forward(x).copy()
    x[::2] *= np.float32(1e25)
    np.testing.assert_array_equal(cls().build(5).forward(x)[1::2], alone[1::2])


@pytest.mark.parametrize("cls", NORMS)
def test_constant_huge_inputs_stay_finite(cls):
    layer = cls().build(4)
    y = layer.forward(np.full((8, 4), 3e38, np.float32), training=True)
    np.testing.assert_allclose(y, y[0, 0])
    assert abs(y[0, 0]) <= 1.0 + 1e-6
    assert np.isfinite(layer.backward(np.ones((8, 4), np.float32))).all()


SIZES = [(BatchNorm, 1e17), (BatchNorm, 1e18)]
SIZES += [(cls, size) for cls in (LayerNorm, RMSNorm) for size in (1e18, 1e20, 1e25, 1e37)]


@pytest.mark.parametrize(("cls", "size"), SIZES)
def test_a_model_trained_on_huge_inputs_learns_and_can_be_saved(cls, size, tmp_path):
    x = like(1.0, "float64")
    model = ffnn.Sequential([cls(), Dense(8, "relu"), Dense(1, "sigmoid")], input_dim=5, seed=0)
    model.compile("adam", "binary_crossentropy")
    history = model.fit(x * size, (x[:, 0] > 0.0).astype(float), epochs=60, verbose=0)

    losses = history.history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(x * size), model.predict(x * size))
    assert np.isfinite(model.predict(x * size)).all()


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float32", s) for s in (1e17, 1e18, 1e19)] + [("float64", s) for s in (1e100, 1e153)],
)
def test_batch_norm_on_large_inputs_predicts_as_it_was_trained(dtype, scale):
    x = like(1.0, "float64")
    y = x @ np.arange(5.0)
    model = ffnn.Sequential([BatchNorm(momentum=0.5), Dense(1)], input_dim=5, seed=0, dtype=dtype)
    model.compile("adam", "mse")
    model.fit(x * scale, y, epochs=30, batch_size=64, verbose=0)
    trained, *_ = model.fit(x * scale, y, batch_size=64, verbose=0).history["loss"]
    assert model.evaluate(x * scale, y) == pytest.approx(trained, rel=0.05)


@pytest.mark.parametrize("train", ["fit", "train_on_batch"])
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float32", 2e19), ("float32", 1e20), ("float32", 1e30), ("float64", 1e155)],
)
def test_batch_norm_refuses_a_variance_beyond_its_dtype_before_the_update(
    dtype, scale, train, tmp_path
):
    x = like(1.0, "float64")
    layers = [BatchNorm(), Dense(4, "tanh"), BatchNorm(), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=5, seed=0, dtype=dtype)
    model.compile("adam", "mse")
    model.train_on_batch(x, x[:, 0])
    before = model.get_weights()
    with pytest.raises(
        ffnn.TrainingDivergedError,
        match=f"variance of the inputs of BatchNorm 'batch_norm_1' .* {dtype} .* scaled inputs",
    ):
        getattr(model, train)(x * scale, x[:, 0])
    assert model.optimizer.iterations == 1
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    model.save(tmp_path / "model.h5")
    np.testing.assert_array_equal(
        ffnn.load_model(tmp_path / "model.h5").predict(x), model.predict(x)
    )
    model.train_on_batch(x, x[:, 0])  # it continues with inputs of a usual size
    assert model.optimizer.iterations == 2
