"""Learning rates that are too high or too low are found, and no others."""

import math

import numpy as np
import pytest
from diagnosis import DIGITS, LABELS, X, Y, classifier, compiled, kinds, regressor

from ffnn.diagnostics import diagnose, sample
from ffnn.diagnostics.probe import chance_loss
from ffnn.layers import Dense, Dropout, Rescaling
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import CosineDecay, ExponentialDecay

rng = np.random.default_rng(1)


# The learning rate. With x = ±1 and y = x, one weight w and no bias, the loss of any batch is
# (w - 1)², and a step of gradient descent multiplies w - 1 by 1 - 2η.

SIGNS = np.where(np.arange(64) % 2, 1.0, -1.0)[:, None]


def parabola(optimizer, w=3.0):
    model = compiled(Dense(1, use_bias=False), optimizer=optimizer, dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = w
    return model


def judged(model, x=SIGNS, y=SIGNS):
    return [f for f in diagnose(model, x, y) if f.kind.startswith("learning-rate")]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.9])
def test_learning_rates_that_lower_the_loss_are_left_alone(rate):
    assert judged(parabola(SGD(rate), w=-3.0)) == []


def test_a_learning_rate_that_raises_the_loss_is_found_with_one_that_lowers_it():
    (found,) = judged(parabola(SGD(1.5)))

    assert (found.kind, found.severity) == ("learning-rate-too-high", "problem")
    assert found.evidence["loss_before"] == pytest.approx(4.0)
    assert found.evidence["loss_after"] == pytest.approx(4.0 * 4.0**16)  # (1 - 2η)² = 4
    assert found.evidence["better_learning_rate"] == pytest.approx(0.15)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.7**32)
    assert "compile with SGD(learning_rate=0.15) instead of 1.5" in found.remedy
    assert "on batches of 32 rows, the loss began at 4 and went up to" in found.message
    (found,) = judged(parabola(SGD(1.5)), SIGNS[:6], SIGNS[:6])
    assert "on batches of 6 rows" in found.message


def test_a_loss_that_becomes_infinite_is_a_learning_rate_too_high():
    (found,) = judged(parabola(SGD(1e30)))

    assert found.severity == "problem"
    assert "became infinite or NaN" in found.message
    assert found.evidence["loss_worst"] == math.inf
    assert "nan of their size" not in found.message


def test_large_updates_that_a_lower_rate_beats_are_found():
    # 1 - 2η = -0.98: the loss hardly falls. A tenth of the rate: 1 - 2η = 0.802.
    (found,) = judged(parabola(SGD(0.99), w=3.0))

    assert (found.kind, found.severity) == ("learning-rate-too-high", "warning")
    assert found.evidence["update_ratio"] > 0.05
    assert found.evidence["loss_after"] == pytest.approx(4.0 * 0.98**32)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.802**32)


@pytest.mark.parametrize("rate", [1e-6, 1e-9, 1e-18])
def test_a_learning_rate_that_changes_nothing_is_found(rate):
    (found,) = judged(parabola(SGD(rate)))

    assert (found.kind, found.severity) == ("learning-rate-too-low", "warning")
    # Of the powers of ten, 0.1 is the best: (1 - 2η)² = 0.64.
    assert found.evidence["better_learning_rate"] == pytest.approx(0.1)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.8**32)
    # ‖Δw‖ / ‖w‖ = η · 2 (w - 1) / w
    assert found.evidence["update_ratio"] == pytest.approx(rate * 4 / 3, rel=1e-3, abs=1e-16)


def test_small_updates_of_a_model_that_has_learned_are_left_alone():
    assert judged(parabola(SGD(1e-7), w=1.1)) == []  # loss 0.01; answering 0 has 1
    assert judged(parabola(SGD(1e-7), w=1.5)) != []


def test_small_updates_that_no_rate_improves_are_left_alone():
    y = rng.permutation(np.repeat([-1.0, 1.0], 32))[:, None]  # nothing to do with x
    model = compiled(Dense(1, use_bias=False), optimizer=SGD(1e-8), dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = (
        float((SIGNS * y).mean()) + 0.1
    )  # 1 % above the least loss

    assert judged(model, SIGNS, y) == []


def test_a_learning_rate_of_zero_is_found():
    (found,) = judged(parabola(SGD(0.0)))

    assert (found.kind, found.severity) == ("learning-rate-too-low", "warning")


def test_real_networks_at_too_high_and_too_low_rates():
    def kinds_at(optimizer):
        model = classifier(Rescaling(1 / 16), Dense(64, "relu"), optimizer=optimizer)
        return {k for k in kinds(diagnose(model, DIGITS, LABELS)) if k.startswith("learning")}

    assert kinds_at(SGD(30.0)) == kinds_at(Adam(1.0)) == {"learning-rate-too-high"}
    assert kinds_at(SGD(1e-7)) == kinds_at(Adam(1e-9)) == {"learning-rate-too-low"}


def test_schedules_are_judged_by_the_steps_to_come():
    (high,) = judged(parabola(SGD(ExponentialDecay(1.5, 1000, 0.9))))
    assert high.kind == "learning-rate-too-high"
    assert "ExponentialDecay" in high.remedy

    (low,) = judged(parabola(SGD(ExponentialDecay(1e-7, 1000, 0.9))))
    assert (low.kind, low.severity) == ("learning-rate-too-low", "warning")


def test_a_warm_up_from_zero_is_left_alone():
    assert judged(parabola(SGD(CosineDecay(0.1, 10**7, warmup_steps=10**6)))) == []


def test_a_schedule_that_has_come_to_its_end_is_noted():
    for alpha in (0.0, 1e-7):
        model = parabola(SGD(CosineDecay(0.1, 100, alpha=alpha)))
        model.optimizer.iterations = 5_000
        (found,) = judged(model)

        assert (found.kind, found.severity) == ("learning-rate-too-low", "note")


def test_trials_begin_with_the_optimizers_memory():
    model = parabola(SGD(1e-3, momentum=0.999), w=1.5)
    assert judged(model) == []

    model.optimizer.slots["velocity"][...] = 2.0  # 16 steps of it lead far from 1
    (found,) = judged(model)
    assert found.kind == "learning-rate-too-high"
    assert model.optimizer.slots["velocity"][0] == 2.0


def test_each_trial_begins_with_the_optimizers_memory_anew():
    def loss_after(rate, momentum=0.9):
        distance, velocity = 2.0, 0.0
        for _ in range(16):
            velocity = momentum * velocity - rate * 2.0 * distance
            distance += velocity
        return distance**2

    (found,) = judged(parabola(SGD(5.0, momentum=0.9)))

    assert found.evidence["loss_after"] == pytest.approx(loss_after(5.0))
    best = min((loss_after(5.0 / 10.0**k), 5.0 / 10.0**k) for k in range(1, 6))
    assert found.evidence["better_loss_after"] == pytest.approx(best[0])
    assert found.evidence["better_learning_rate"] == pytest.approx(best[1])


def test_a_rise_on_the_way_to_much_less_is_left_alone():
    model = parabola(SGD(0.1, momentum=0.5), w=2.0)
    model.optimizer.slots["velocity"][...] = 3.0  # w - 1 goes from 1 to 2.3, then to nearly 0

    assert judged(model) == []


def test_dropout_is_switched_off_in_trials():
    model = compiled(Dropout(0.5), Dense(1, use_bias=False), optimizer=SGD(1.5), dtype="float64")
    model.build(1)
    model.layers[1].params["weight"][...] = 3.0
    (found,) = judged(model)

    assert found.evidence["loss_after"] == pytest.approx(4.0 * 4.0**16)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["labels", "onehot", "binary", "numbers"])
def test_the_loss_of_guessing_is_that_of_the_best_constant_answer(form, weighted):
    classes = np.repeat([0, 1, 1, 1], 100)
    w = np.where(np.arange(400) % 4, 1.0, 0.5) if weighted else np.ones(400)
    w[:50] = 2.0 if weighted else 1.0
    model, y = regressor(units=2, ending="softmax", loss="cce"), classes
    p = np.average(classes, weights=w)
    expected = -np.mean(w * np.where(classes, math.log(p), math.log(1 - p)))
    if form == "onehot":
        y = np.eye(2)[classes]
    if form == "binary":
        model = regressor(ending="sigmoid", loss="bce")
    if form == "numbers":
        model, y = regressor(), Y
        expected = np.mean(w * (Y - np.average(Y, weights=w)) ** 2)
    opened, _, _ = sample.open_sample(model, X, y, w if weighted else None)

    assert chance_loss(opened) == pytest.approx(expected, rel=1e-5)


def test_weights_enter_the_loss_and_the_trials():
    # Half of the rows would have w = -3, but do not count.
    y = SIGNS * np.where(np.arange(64) < 32, -3.0, 1.0)[:, None]
    weight = np.where(np.arange(64) < 32, 0.0, 1.0)
    model = parabola(SGD(5.0))
    (found,) = (f for f in diagnose(model, SIGNS, y, weight) if f.kind == "learning-rate-too-high")

    assert found.evidence["loss_before"] == pytest.approx(2.0)  # (3 - 1)² on half of the rows
