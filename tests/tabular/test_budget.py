"""A budget of time: what is planned by it, and that it is kept, on a clock of the test's own."""

from dataclasses import replace

import numpy as np
import pytest
from slow_machine import SlowMachine
from table_problem import problem

from ffnn.core import clock
from ffnn.tabular.budget import Budget, Deadline
from ffnn.tabular.pace import Pace, measure
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import train


def test_the_clock_only_grows():
    first = clock.now()
    assert clock.now() >= first


# -- what is planned -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "seconds", "epochs", "batches", "planned"),
    [
        # Batches of 256 rows; an update takes 0.1 s, a validation 0.05 s.
        (1024, 20.0, 40, 4, 18.0),  # 40 epochs of 0.45 s: all of them
        (1024, 9.1, 20, 4, 9.0),  # of 21 epochs each would have 3 updates only
        (2560, 2.6, 3, 8, 2.55),  # 2 whole epochs would have 20 updates, these have 24
        (2560, 0.5, 1, 4, 0.45),  # less than a whole epoch
        (2560, 0.01, 1, 1, 0.15),  # at least an update
    ],
)
def test_as_many_updates_are_planned_as_there_is_time_for(rows, seconds, epochs, batches, planned):
    recipe = Recipe.of("regression", rows, 3, 1).lasting(40)
    found = Pace(update=0.1, validation=0.05, a_row=0.0).fill(recipe, seconds)
    assert (found.epochs, found.batches) == (epochs, batches)
    assert found.updates == epochs * batches
    assert found.seconds == pytest.approx(planned)
    assert f"{found.updates} update" in str(found)


def test_the_pace_is_measured_without_the_first_epoch(monkeypatch):
    SlowMachine(monkeypatch, update=0.1, validation=0.06, warming=1.0)
    recipe, make, rows, held_out = problem()
    pace = measure(recipe, make(), rows, held_out, seconds=0.5)
    assert pace.update == pytest.approx(0.1)
    assert pace.validation == pytest.approx(0.06)
    assert pace.a_row == pytest.approx(0.06 / 120)


def test_measuring_takes_about_as_long_as_it_may_or_two_epochs(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.06)
    recipe, make, rows, held_out = problem()
    measure(recipe, make(), rows, held_out, seconds=1.0)
    assert 1.0 < machine.seconds < 1.17  # epochs of an update and a validation
    machine.seconds = 0.0
    measure(recipe, make(), rows, held_out, seconds=0.0)
    assert machine.seconds == pytest.approx(2 * 0.16)


@pytest.mark.parametrize(("seconds", "networks", "compiles"), [(29, 1, 0), (30, 1, 1), (100, 4, 0)])
def test_loops_are_compiled_where_there_is_time(seconds, networks, compiles, monkeypatch):
    SlowMachine(monkeypatch, update=0.1, validation=0.06)
    recipe, make, rows, held_out = problem()
    trial = make()
    monkeypatch.setattr("ffnn.kernels.compiler.find_problem", str)
    monkeypatch.setattr("ffnn.models.batchwise.compile_step", lambda step, *_: step)
    planned = Budget(seconds, networks).plan(recipe, trial, rows, held_out)
    assert planned.jit_compile is trial.jit_compile is bool(compiles)
    monkeypatch.setattr("ffnn.kernels.compiler.find_problem", lambda: "numba is not installed")
    assert Budget(seconds, networks).plan(recipe, make(), rows, held_out).jit_compile is False


# -- what is kept --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def all_epochs(monkeypatch):
    """Let no training end before its last epoch because it has nothing more to gain."""
    monkeypatch.setattr(Recipe, "waves", [])


def run(machine, seconds, networks=1, at_update=lambda: None, **reserved):
    """Train networks by a budget; return when they were ready, and how many epochs they had."""
    recipe, make, rows, held_out = problem()
    recipe = recipe.lasting(100_000)
    budget, epochs, ends = Budget(seconds, networks, **reserved), [], []
    for _ in range(networks):
        model, plan = make(), budget.plan(recipe, make(), rows, held_out)
        at_update()
        train(model, plan, rows, held_out, np.random.default_rng(0), [Deadline(budget)])
        assert model.optimizer.learning_rate.decay_steps == plan.updates
        epochs.append(len(model.history.epoch))
        ends.append(machine.seconds)
    return ends, epochs


@pytest.mark.parametrize("networks", [1, 3])
def test_a_time_is_used_and_kept(monkeypatch, networks):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    ends, epochs = run(machine, 60.0, networks)
    assert 0.92 * 60.0 < ends[-1] < 0.98 * 60.0
    shares = np.diff([0.0, *ends])
    assert shares.max() < 1.1 * shares.min()  # the measurement is part of the first one's
    assert max(epochs) - min(epochs) <= 1


def test_a_machine_that_becomes_slower_ends_the_training_in_time(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    ends, epochs = run(machine, 60.0, at_update=lambda: setattr(machine, "update", 0.25))
    assert 0.92 * 60.0 < ends[-1] < 0.98 * 60.0
    assert epochs[0] < 0.6 * 60.0 / 0.15


def test_later_networks_are_planned_by_the_speed_of_those_before(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    plans = []
    plan = Budget.plan
    monkeypatch.setattr(Budget, "plan", lambda *given: plans.append(plan(*given)) or plans[-1])
    ends, _ = run(machine, 60.0, 3, at_update=lambda: setattr(machine, "update", 0.25))
    assert 0.92 * 60.0 < ends[-1] < 0.98 * 60.0
    assert plans[1].epochs == pytest.approx(plans[0].epochs / 2, rel=0.1)  # of 0.3 s, not 0.15
    assert plans[2].epochs == pytest.approx(plans[1].epochs, rel=0.1)


def test_the_test_afterwards_has_its_share(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)  # for 120 rows
    ends, _ = run(machine, 60.0, tested=24_000)  # 10 s
    assert 0.9 * 50.0 < ends[-1] < 50.0 - 1.0


def test_what_else_there_is_to_do_has_its_share(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    ends, _ = run(machine, 60.0, closing=10.0)
    assert 0.9 * 50.0 < ends[-1] < 50.0 - 1.0


def test_the_time_may_have_begun_before(monkeypatch):
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    machine.seconds = 100.0
    recipe, make, rows, held_out = problem()
    budget = Budget(60.0, 1, began=60.0)
    epochs = budget.plan(recipe, make(), rows, held_out).epochs
    left = 0.95 * 60.0 - 40.0 - (machine.seconds - 100.0)
    assert epochs == pytest.approx(left / 0.15, abs=1)


def test_no_more_epochs_are_planned_than_without_a_budget(monkeypatch):
    SlowMachine(monkeypatch, update=0.1, validation=0.05)
    recipe, make, rows, held_out = problem()
    plan = Budget(1000.0, networks=1).plan(recipe, make(), rows, held_out)
    expected = recipe.lasting(recipe.epochs, seconds=plan.seconds)
    assert plan == replace(expected, jit_compile=plan.jit_compile)


def test_a_budget_that_is_too_short_says_what_would_do(monkeypatch):
    SlowMachine(monkeypatch, update=0.5, validation=0.1)
    recipe, make, rows, held_out = problem()
    with pytest.raises(ValueError, match=r"time: 2 seconds are too short for one epoch of 3 net"):
        Budget(2.0, 3, "time").plan(recipe, make(), rows, held_out)
    # The measurement takes 1.2 s, an epoch of each 0.6 s, and a fifth is added: 1.2 * 3.0.
    with pytest.raises(ValueError, match=r"give at least 3\.6$"):
        Budget(2.0, 3).plan(recipe, make(), rows, held_out)
    assert Budget(3.6, 3).plan(recipe, make(), rows, held_out).epochs == 1
