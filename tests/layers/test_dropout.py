"""Dropout: its mask, its expectation, and where the random numbers come from."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense, Dropout
from ffnn.optimizers import AdamW
from ffnn.schedules import CosineLog, FlatCosine, PiecewiseConstantDecay, Schedule


def built(rate, seed=0, dtype="float64"):
    return Dropout(rate).build(4, dtype=dtype, seed=seed)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_entries_are_zero_or_scaled_up(rate):
    x = np.random.default_rng(0).uniform(1, 2, (50, 40))
    y = built(rate).forward(x, training=True)
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - rate), rtol=1e-14)
    assert kept.any()
    assert not kept.all()


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_share_of_zeros_is_the_rate_and_the_expectation_is_kept(rate, dtype):
    n = 100_000
    y = built(rate, dtype=dtype).forward(np.ones((n // 4, 4), dtype), training=True)
    # The number of zeros is binomial; five standard deviations are exceeded in < 1e-6 of seeds.
    deviation = math.sqrt(rate * (1 - rate) / n)
    assert abs(np.mean(y == 0) - rate) < 5 * deviation
    assert abs(y.mean(dtype="f8") - 1.0) < 5 * deviation / (1 - rate)


def test_backward_uses_the_mask_of_the_last_forward():
    layer = built(0.5)
    layer.forward(np.ones((6, 4)), training=True)
    mask = layer.forward(np.ones((6, 4)), training=True).copy()
    grad = np.random.default_rng(1).normal(size=(6, 4))
    np.testing.assert_array_equal(layer.backward(grad.copy()), grad * mask)


def test_mask_is_drawn_anew_for_every_batch_and_entry():
    layer = built(0.5)
    masks = [layer.forward(np.ones((20, 4)), training=True).copy() for _ in range(3)]
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[1], masks[2])
    assert len(np.unique(masks[0], axis=0)) > 1
    assert len(np.unique(masks[0], axis=1).T) > 1


def test_outside_training_nothing_is_done():
    layer, x = built(0.5), np.ones((6, 4))
    layer.forward(x, training=True)
    assert layer.forward(x) is x
    grad = np.ones((6, 4))
    np.testing.assert_array_equal(layer.backward(grad), np.ones((6, 4)))


def test_rate_zero_does_nothing_in_training():
    layer, x = built(0.0), np.ones((6, 4))
    np.testing.assert_array_equal(layer.forward(x, training=True), x)
    np.testing.assert_array_equal(layer.backward(np.ones((6, 4))), x)


def test_forward_never_writes_its_input_and_uses_its_buffer_again():
    layer, x = built(0.5), np.ones((6, 4))
    x.flags.writeable = False
    y = layer.forward(x, training=True)
    assert np.shares_memory(layer.forward(x[:2], training=True), y)
    assert y.dtype == np.float64
    y32 = built(0.5, dtype="float32").forward(np.ones((6, 4), np.float32), training=True)
    assert y32.dtype == np.float32


def test_one_seed_repeats_and_another_does_not():
    x = np.ones((20, 4))
    one, same, other = (built(0.5, seed).forward(x, training=True) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_layers_own_seed_goes_before_the_models():
    x = np.ones((20, 4))
    masks = [
        Dropout(0.5, seed=9).build(4, dtype="float64", seed=s).forward(x, True) for s in (1, 2)
    ]
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("seed", [None, 5])
def test_two_layers_of_a_model_draw_different_masks(seed):
    model = ffnn.Sequential(
        [Dropout(0.5, seed=seed), Dropout(0.5, seed=seed)], input_dim=4, seed=0, dtype="float64"
    )
    x = np.ones((20, 4))
    one, other = (layer.forward(x, training=True) for layer in model.layers)
    assert not np.array_equal(one, other)


def test_masks_are_not_the_numbers_of_a_weight():
    # Both are drawn from the model's seed and the layer's place.
    model = ffnn.Sequential([Dense(4), Dropout(0.5)], input_dim=4, seed=0)
    draws = model.layers[1].random_generators()[0].random(16)
    scaled = (draws * 2 - 1) * math.sqrt(6 / 8)
    assert not np.isclose(scaled, model.layers[0].params["weight"].ravel()).any()


def test_numpys_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    built(0.5).forward(np.ones((6, 4)), training=True)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_predictions_do_not_move_the_generator():
    model = ffnn.Sequential([Dense(4), Dropout(0.5)], input_dim=4, seed=0)
    (rng,) = model.layers[1].random_generators()
    before = rng.bit_generator.state
    model.predict(np.ones((6, 4)))
    model.forward(np.ones((6, 4)))
    assert rng.bit_generator.state == before


def test_replica_shares_no_mask():
    layer = built(0.5)
    mask = layer.forward(np.ones((6, 4)), training=True).copy()
    twin = layer.replica()
    twin.forward(np.zeros((6, 4)), training=False)
    np.testing.assert_array_equal(layer.backward(np.ones((6, 4))), mask)


def test_it_has_no_parameters_and_keeps_the_number_of_units():
    layer = built(0.5)
    assert dict(layer.params) == dict(layer.grads) == dict(layer.state) == {}
    assert layer.output_dim == 4


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Dropout(1.0), ValueError, r"Dropout: rate must be .*\[0.0, 1.0\), got 1.0"),
        (lambda: Dropout(-0.1), ValueError, r"Dropout: rate must be .*\[0.0, 1.0\), got -0.1"),
        (lambda: Dropout("half"), TypeError, "Dropout: rate must be a number, got 'half'"),
        (lambda: Dropout(0.5, seed=-1), ValueError, "Dropout: seed must be at least 0, got -1"),
        (lambda: Dropout(0.5, seed=0.5), TypeError, "Dropout: seed must be an integer"),
    ],
)
def test_wrong_arguments_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


# A rate that follows a schedule


def noisy(rate, optimizer="sgd"):
    layers = [Dense(6, "tanh"), Dropout(rate), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, seed=0)
    model.compile(optimizer)
    return model


ROWS = np.random.default_rng(0).standard_normal((12, 3))


def test_a_schedule_gives_the_rate_of_each_update():
    model = noisy(PiecewiseConstantDecay([1, 3], [0.5, 0.25, 0.0]))
    by_hand = noisy(0.5)
    for rate in (0.5, 0.5, 0.25, 0.25, 0.0):
        by_hand.layers[1].rate = rate
        by_hand.train_on_batch(ROWS, ROWS[:, 0])
    for _ in range(5):
        model.train_on_batch(ROWS, ROWS[:, 0])

    np.testing.assert_array_equal(model.parameters, by_hand.parameters)


def test_a_training_with_schedules_is_resumed_bit_for_bit(tmp_path):
    def make():
        rule = AdamW(CosineLog(0.1, 16), weight_decay=FlatCosine(0.1, 16))
        return noisy(FlatCosine(0.5, 16), rule)

    straight, first, second = make(), make(), make()
    options = {"batch_size": 3, "verbose": 0}
    straight.fit(ROWS, ROWS[:, 0], epochs=4, **options)
    first.fit(ROWS, ROWS[:, 0], epochs=3, **options)
    first.save(tmp_path / "model.h5")
    second.fit(ROWS, ROWS[:, 0], epochs=4, resume_from=tmp_path / "model.h5", **options)
    loaded = ffnn.load_model(tmp_path / "model.h5")
    loaded.fit(ROWS, ROWS[:, 0], epochs=4, initial_epoch=3, **options)

    np.testing.assert_array_equal(second.parameters, straight.parameters)
    np.testing.assert_array_equal(loaded.parameters, straight.parameters)
    other = noisy(FlatCosine(0.5, 17), AdamW(CosineLog(0.1, 16), weight_decay=FlatCosine(0.1, 16)))
    with pytest.raises(ValueError, match=r"layer 1 there Dropout\(FlatCosine\(0\.5, 16\)\), here"):
        other.fit(ROWS, ROWS[:, 0], epochs=4, resume_from=tmp_path / "model.h5", **options)


@pytest.mark.parametrize("updates", [0, 4, 8])
def test_a_pass_as_in_training_takes_the_rate_of_the_next_update(updates, tmp_path):
    model = noisy(PiecewiseConstantDecay([3, 6], [0.5, 0.25, 0.0]))
    for _ in range(updates):
        model.train_on_batch(ROWS, ROWS[:, 0])
    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")

    y = model.forward(ROWS, training=True)

    np.testing.assert_array_equal(loaded.forward(ROWS, training=True), y)
    rate = {0: 0.5, 4: 0.25, 8: 0.0}[updates]
    assert model.layers[1].current_rate == loaded.layers[1].current_rate == rate


class Rising(Schedule):
    """One of a user's own, which does not say how far it rises."""

    def __call__(self, step):
        return 0.3 * step


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (FlatCosine(1.0, 5), r"Dropout: rate=FlatCosine\(1\.0, 5\) must be .*, got 1\.0"),
        (CosineLog(1.5, 5), r"rate=CosineLog\(1\.5, 5\) must be .*\[0\.0, 1\.0\), got 1\.5"),
        ("flat", "Dropout: rate must be a number, got 'flat'"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(rate, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Dropout(rate)


def test_a_schedule_of_the_users_own_is_refused_where_it_leaves_the_range():
    model = noisy(Rising())
    with pytest.raises(ffnn.errors.LayerError, match=r"after 4 updates must be .* got 1\.2"):
        model.fit(ROWS, ROWS[:, 0], batch_size=2, verbose=0)
    assert model.optimizer.iterations == 4


def test_the_largest_rate_must_leave_units_in_the_dtype():
    with pytest.raises(ValueError, match="becomes 1 in float32"):
        ffnn.Sequential([Dropout(FlatCosine(1.0 - 1e-12, 5))], input_dim=3)
