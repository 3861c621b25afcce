"""Learning rates by their formulas, at the steps where they bend."""

from __future__ import annotations

import math

import pytest

from ffnn.schedules import (
    SCHEDULES,
    CosineDecay,
    CosineLog,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    PiecewiseConstantDecay,
)


@pytest.mark.parametrize("step", [0, 1, 5, 10, 25, 1000])
def test_exponential_decay_formula(step):
    schedule = ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)
    assert schedule(step) == pytest.approx(0.5 * 0.25 ** (step / 10), rel=1e-14)


def test_exponential_decay_by_hand():
    schedule = ExponentialDecay(0.8, decay_steps=2, decay_rate=0.25)
    assert [schedule(t) for t in range(5)] == pytest.approx([0.8, 0.4, 0.2, 0.1, 0.05])


def test_exponential_decay_staircase_drops_every_decay_steps():
    schedule = ExponentialDecay(0.8, decay_steps=3, decay_rate=0.5, staircase=True)
    assert [schedule(t) for t in range(7)] == pytest.approx([0.8] * 3 + [0.4] * 3 + [0.2])


@pytest.mark.parametrize("step", [0, 1, 7, 10, 25, 1000])
def test_inverse_time_decay_formula(step):
    schedule = InverseTimeDecay(0.5, decay_steps=10, decay_rate=3.0)
    assert schedule(step) == pytest.approx(0.5 / (1 + 3.0 * step / 10), rel=1e-14)


def test_inverse_time_decay_staircase_drops_every_decay_steps():
    schedule = InverseTimeDecay(0.6, decay_steps=2, decay_rate=1.0, staircase=True)
    assert [schedule(t) for t in range(5)] == pytest.approx([0.6, 0.6, 0.3, 0.3, 0.2])


def test_piecewise_value_holds_up_to_and_including_its_boundary():
    schedule = PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1])
    assert [schedule(t) for t in range(7)] == [1.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1]


def test_piecewise_without_boundaries_is_constant():
    schedule = PiecewiseConstantDecay([], [0.3])
    assert [schedule(t) for t in (0, 100)] == [0.3, 0.3]


@pytest.mark.parametrize("step", [0, 3, 10, 15, 20])
def test_cosine_decay_formula(step):
    schedule = CosineDecay(0.5, decay_steps=20, alpha=0.1)
    expected = 0.5 * (0.1 + 0.9 * (1 + math.cos(math.pi * step / 20)) / 2)
    assert schedule(step) == pytest.approx(expected, rel=1e-14)


def test_cosine_decay_by_hand_and_constant_after_its_steps():
    schedule = CosineDecay(1.0, decay_steps=4, alpha=0.2)
    # cos 0 = 1, cos π/2 = 0, cos π = -1
    assert [schedule(t) for t in (0, 2, 4, 5, 400)] == pytest.approx([1.0, 0.6, 0.2, 0.2, 0.2])


def test_cosine_decay_climbs_evenly_through_the_warmup_and_begins_after_it():
    schedule = CosineDecay(1.0, decay_steps=2, warmup_steps=4)
    expected = [0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.0, 0.0]
    assert [schedule(t) for t in range(8)] == pytest.approx(expected, abs=1e-15)


def test_flat_cosine_by_hand_and_zero_after_its_steps():
    schedule = FlatCosine(0.8, decay_steps=8)
    falling = [0.4 * (1.0 + math.sqrt(0.5)), 0.4, 0.4 * (1.0 - math.sqrt(0.5)), 0.0, 0.0, 0.0]
    assert [schedule(t) for t in range(11)] == pytest.approx([0.8] * 5 + falling, abs=1e-15)


@pytest.mark.parametrize("step", [0, 1, 7, 10, 11, 15, 19, 20])
def test_cosine_log_formula(step):
    expected = 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * step / 20))) / 2
    assert CosineLog(0.5, decay_steps=20)(step) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("cycles", [1, 2, 4])
def test_each_cycle_of_cosine_log_is_twice_as_long_as_the_one_before(cycles):
    schedule = CosineLog(0.3, decay_steps=2**cycles - 1, cycles=cycles)
    for cycle in range(cycles):
        start, peak = 2**cycle - 1, math.sqrt(2.0) * 2**cycle - 1
        assert schedule(start) == pytest.approx(0.0, abs=1e-12)
        assert schedule(peak) == pytest.approx(0.3, rel=1e-12)
    for after in (2**cycles - 1, 2**cycles, 10**6):
        assert schedule(after) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        ExponentialDecay(0.1, 10, 0.5),
        ExponentialDecay(0.1, 10, 1.0),
        InverseTimeDecay(0.1, 10, 0.5),
        PiecewiseConstantDecay([5, 9], [0.1, 0.3, 0.2]),
        CosineDecay(0.1, 10),
        CosineDecay(0.1, 10, warmup_steps=5),
        FlatCosine(0.1, 10),
        CosineLog(0.1, 10, cycles=2),
    ],
    ids=repr,
)
def test_a_schedule_knows_what_it_never_exceeds(schedule):
    rates = [schedule(t / 100) for t in range(5000)]
    assert max(rates) == pytest.approx(schedule.upper_bound, rel=1e-3)
    assert max(rates) <= schedule.upper_bound


def test_a_rate_that_rises_has_no_bound():
    assert ExponentialDecay(0.1, 10, 1.01).upper_bound == math.inf


@pytest.mark.parametrize("name", list(SCHEDULES.classes))
def test_every_schedule_returns_python_floats(name):
    # A float64 scalar of NumPy would pull float32 updates up to float64.
    schedule = {
        "exponential_decay": ExponentialDecay(1, 10, 1),
        "inverse_time_decay": InverseTimeDecay(1, 10, 1),
        "piecewise_constant_decay": PiecewiseConstantDecay([3], [1, 0]),
        "cosine_decay": CosineDecay(1, 10),
        "cosine_log": CosineLog(1, 10),
        "flat_cosine": FlatCosine(1, 10),
    }[name]
    assert {type(schedule(t)) for t in (0, 3, 10, 11)} == {float}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ExponentialDecay(-1, 10, 0.5), "ExponentialDecay: initial_learning_rate .*got -1"),
        (lambda: ExponentialDecay(1, 0, 0.5), "ExponentialDecay: decay_steps .*at least 1, got 0"),
        (lambda: ExponentialDecay(1, 10, 0), r"decay_rate must be .*\(0.0, inf\), got 0"),
        (lambda: InverseTimeDecay(-1, 10, 0.5), "InverseTimeDecay: initial_learning_rate .*got -1"),
        (lambda: InverseTimeDecay(1, 0, 0.5), "InverseTimeDecay: decay_steps .*at least 1, got 0"),
        (lambda: InverseTimeDecay(1, 10, -1), r"decay_rate must be .*\[0.0, inf\), got -1"),
        (lambda: FlatCosine(-1, 10), "FlatCosine: initial_learning_rate .*got -1"),
        (lambda: FlatCosine(1, 0), "FlatCosine: decay_steps .*at least 1, got 0"),
        (lambda: CosineLog(1, 10, cycles=0), "CosineLog: cycles must be at least 1, got 0"),
        (lambda: CosineLog(1, 10, cycles=51), "CosineLog: cycles must be at most 50, got 51"),
        (lambda: CosineDecay(-1, 10), "CosineDecay: initial_learning_rate .*got -1"),
        (lambda: CosineDecay(1, 0), "CosineDecay: decay_steps .*at least 1, got 0"),
        (lambda: CosineDecay(1, 10, alpha=1.5), r"alpha must be .*\[0.0, 1.0\], got 1.5"),
        (lambda: CosineDecay(1, 10, warmup_steps=-1), "warmup_steps must be at least 0, got -1"),
        (
            lambda: PiecewiseConstantDecay([5], [1.0]),
            "one value more than boundaries, got 1 values and 1 boundaries",
        ),
        (
            lambda: PiecewiseConstantDecay([5, 3], [1, 1, 1]),
            r"must be strictly increasing, got \[5, 3\]",
        ),
        (
            lambda: PiecewiseConstantDecay([5, 5], [1, 1, 1]),
            r"must be strictly increasing, got \[5, 5\]",
        ),
        (lambda: PiecewiseConstantDecay([-1], [1, 1]), "boundaries must be at least 0, got -1"),
        (lambda: PiecewiseConstantDecay([5], [1, -1]), "values must be .*got -1"),
    ],
)
def test_wrong_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_steps_that_are_not_integers_are_refused():
    with pytest.raises(TypeError, match=r"decay_steps must be an integer, got 1\.5"):
        ExponentialDecay(1, 1.5, 0.5)


RISING = [
    ExponentialDecay(0.1, 10, 2.0),
    ExponentialDecay(0.0, 10, 2.0),
    ExponentialDecay(0.1, 10, 0.5),
    InverseTimeDecay(0.1, 10, 0.5),
    PiecewiseConstantDecay([3], [0.1, 0.2]),
    CosineDecay(0.1, 10, warmup_steps=3),
    FlatCosine(0.1, 10),
    CosineLog(0.1, 10),
]


@pytest.mark.parametrize("schedule", RISING, ids=repr)
@pytest.mark.parametrize("step", ["a", None, True, [1], 10**400, -1, float("nan"), float("inf")])
def test_a_step_is_a_number_from_zero(schedule, step):
    with pytest.raises((TypeError, ValueError), match=f"{type(schedule).__name__}: step must be "):
        schedule(step)


@pytest.mark.parametrize("schedule", RISING, ids=repr)
def test_a_rate_that_rises_beyond_all_floats_is_infinite(schedule):
    rates = [schedule(step) for step in (0, 10**5, 10**18)]

    assert not any(map(math.isnan, rates))
    assert math.isinf(rates[-1]) == (schedule is RISING[0])
