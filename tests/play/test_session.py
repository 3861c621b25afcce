"""A session: what its commands do to a training that runs in its own thread."""

import json
import re
import threading

import numpy as np
import pytest
from play_tools import now, wait_for

import ffnn
from ffnn.datasets import make_toy
from ffnn.layers import Dense
from ffnn.play.hub import Hub, _target
from ffnn.play.networks import make_network, targets
from ffnn.play.problems import make_problem, own_problem
from ffnn.play.session import Session, settings_of
from ffnn.play.settings import Settings


def by_fit(settings, updates):
    """Return the parameters after so many updates by `fit` alone."""
    problem = make_problem(settings)
    model = make_network(settings, problem)
    batches = -(-len(problem.x_train) // settings.batch_size)
    epochs, rest = divmod(updates, batches)
    rows = problem.x_train, targets(problem.y_train, model)
    options = {"batch_size": settings.batch_size, "verbose": 0}
    model.fit(*rows, epochs=epochs, **options)
    if rest:
        model.fit(*rows, epochs=1, steps_per_epoch=rest, **options)
    return model.parameters


def test_it_waits_for_a_command(start):
    session = start()

    assert session.latest.state == "paused"
    assert session.latest.updates == 0


def test_one_batch_makes_one_update_and_one_epoch_ends_the_epoch(start):
    session = start()  # 280 rows, 10 a batch

    session.send({"do": "batch"})
    assert now(session).updates == 1
    session.send({"do": "epoch"})
    wait_for(lambda: now(session).state == "paused")
    assert session.latest.updates == 28
    assert session.latest.epoch == 1
    assert [epoch for epoch, _ in session.latest.curves] == [1]


@pytest.mark.parametrize(
    "settings",
    [{}, {"data": "hill", "dropout": 0.2, "penalty": "l1"}, {"loss": "mean_squared_error"}],
)
def test_it_trains_as_fit_does_bit_for_bit(start, settings):
    session = start(**settings)

    session.send({"do": "run"})
    wait_for(lambda: now(session).updates > 40)
    session.send({"do": "pause"})
    shot = now(session)

    assert shot.state == "paused"
    np.testing.assert_array_equal(shot.values, by_fit(Settings(**settings), shot.updates))


def test_a_pause_holds_the_numbers_and_run_continues(start):
    session = start()
    session.send({"do": "run"})
    wait_for(lambda: now(session).updates > 5)
    session.send({"do": "pause"})
    before = now(session)
    threading.Event().wait(0.1)

    assert now(session).updates == before.updates
    session.send({"do": "run"})
    wait_for(lambda: now(session).updates > before.updates)


def test_speed_bounds_the_updates_a_second(start):
    session = start()
    session.send({"do": "speed", "value": 50})
    session.send({"do": "run"})
    threading.Event().wait(1.0)

    assert 20 <= now(session).updates <= 60


def test_reset_brings_the_initial_weights_back(start):
    session = start()
    initial = session.latest.values
    session.send({"do": "batch"})
    assert not np.array_equal(now(session).values, initial)
    session.send({"do": "reset"})
    wait_for(lambda: session.latest.updates == 0 and session.latest.state == "paused")

    np.testing.assert_array_equal(session.latest.values, initial)


def test_another_network_is_made_and_goes_on_as_the_old_one_did(start):
    session = start()
    session.send({"do": "run"})
    session.send({"do": "settings", "values": {"hidden": [[5, "relu"]], "data": "xor"}})
    wait_for(lambda: now(session).network.layers[0].units == 5)

    assert session.latest.state == "running"
    assert repr(session.latest.network.layers[0]) == "Dense(5, activation=ReLU())"


@pytest.mark.parametrize(
    ("loss", "data", "kept"),
    [
        ("categorical_crossentropy", "plane", False),
        ("mean_squared_error", "plane", True),
        ("categorical_crossentropy", "digits", True),
        ("auto", "hill", True),
    ],
)
def test_a_loss_stays_with_other_rows_if_it_takes_their_targets(start, loss, data, kept):
    session = start(loss=loss)
    session.send({"do": "settings", "values": {"data": data}})
    found = now(session)

    assert session.chosen.data == data
    assert session.chosen.loss == (loss if kept else "auto")
    assert ("the loss is auto now" in found.message) != kept


def test_rate_and_batch_size_leave_the_weights_and_the_count(start):
    session = start()
    session.send({"do": "epoch"})
    wait_for(lambda: now(session).epoch == 1 and session.latest.state == "paused")
    before = session.latest
    session.send({"do": "settings", "values": {"learning_rate": 0.5, "batch_size": 140}})
    wait_for(lambda: now(session).learning_rate == 0.5)

    np.testing.assert_array_equal(session.latest.values, before.values)
    session.send({"do": "epoch"})
    wait_for(lambda: now(session).epoch == 2)
    assert session.latest.updates == 28 + 2


def test_what_leads_from_a_neuron_that_is_off_stays_0(start):
    session = start()
    weight = session.trained.layers[1].params["weight"]
    before = weight[:, 0].copy()
    entry = {"do": "edit", "layer": "dense_2", "name": "weight", "place": [0, 0]}
    session.send(entry | {"value": 2.0})
    session.send({"do": "switch", "column": 1, "unit": 0, "off": True})
    session.send(entry | {"value": 3.0})

    assert "switch it on" in now(session).message
    assert list(weight[:, 0]) == [0.0, 0.0, 0.0]
    session.send({"do": "undo"})
    now(session)
    assert list(weight[:, 0]) == [0.0, 0.0, 0.0]
    session.send({"do": "switch", "column": 1, "unit": 0, "off": False})
    now(session)
    np.testing.assert_array_equal(weight[:, 0], before)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"do": "dance"}, "do must be one of"),
        ({"do": "settings", "values": {"hidden": [[500, "relu"]]}}, "units must be at most 128"),
        ({"do": "settings", "values": {"colour": 1}}, "unknown setting 'colour'"),
        ({"do": "settings", "values": {"loss": "poisson"}}, ""),
        ({"do": "settings", "values": 7}, ""),
        ({"do": "settings", "values": {"normalization": "batch", "batch_size": 1}}, "BatchNorm"),
        ({"do": "speed", "value": "fast"}, "value must be a number"),
        ({"do": "rate", "value": -1.0}, "learning_rate must be"),
        ({"do": "edit"}, "missing"),
        ({"do": "switch", "column": 9, "unit": 0, "off": True}, "column must be at most"),
        ({"do": "freeze", "layer": "dense_9", "frozen": True}, "layer must be one of"),
    ],
)
def test_a_wrong_command_is_said_and_changes_nothing(start, command, message):
    session = start()
    before = session.latest
    session.send(command)
    shot = now(session)

    assert message in shot.message
    assert shot.message
    np.testing.assert_array_equal(shot.values, before.values)
    session.send({"do": "run"})  # it is still alive
    wait_for(lambda: now(session).updates > 0)


def test_a_diverging_training_is_said_and_the_weights_before_are_kept(start):
    session = start(data="plane", optimizer="sgd", learning_rate=50.0)
    session.send({"do": "run"})
    wait_for(lambda: session.latest.state == "diverged")

    assert "training diverged" in session.latest.message
    assert np.isfinite(session.latest.values).all()
    session.send({"do": "reset"})
    wait_for(lambda: session.latest.state == "paused")
    assert session.latest.message == ""


def test_ratios_are_those_of_the_last_update(start):
    session = start(hidden=[[3, "tanh"]])
    before = session.latest.values.astype(float)
    session.send({"do": "batch"})
    after = now(session).values.astype(float)

    parts = {"dense_1": slice(0, 9), "dense_2": slice(9, 17)}  # 3·2 + 3, 2·3 + 2
    for name, part in parts.items():
        expected = np.linalg.norm((after - before)[part]) / np.linalg.norm(before[part])
        assert session.latest.ratios[name] == pytest.approx(expected, rel=1e-5)


def test_a_frozen_layer_keeps_its_numbers_until_it_learns_again(start):
    session = start(hidden=[[3, "tanh"]])
    before = session.latest.values
    session.send({"do": "freeze", "layer": "dense_1", "frozen": True})
    session.send({"do": "epoch"})
    wait_for(lambda: now(session).epoch == 1)

    assert session.latest.frozen == {"dense_1"}
    np.testing.assert_array_equal(session.latest.values[:9], before[:9])  # 3·2 + 3
    assert (session.latest.values[9:] != before[9:]).any()
    session.send({"do": "freeze", "layer": "dense_1", "frozen": False})
    session.send({"do": "batch"})
    assert (now(session).values[:9] != before[:9]).any()


def test_the_code_makes_the_same_numbers(start):
    session = start(normalization="layer", dropout=0.1, penalty="l2")
    session.send({"do": "run"})
    wait_for(lambda: now(session).updates > 40)
    session.send({"do": "rate", "value": 0.002})
    wait_for(lambda: now(session).updates > 90)
    session.send({"do": "settings", "values": {"batch_size": 7}})
    wait_for(lambda: now(session).updates > 150)
    session.send({"do": "pause"})
    code, values, phases = session.ask(
        lambda: (
            session.script(),
            session.trained.parameters.copy(),
            [*session._phases, session._phase()],
        )
    ).result(20)
    passes = sum(phase.epochs + (phase.batches > 0) for phase in phases)

    names = {}
    exec(code, names)
    np.testing.assert_array_equal(names["model"].parameters, values)
    assert names["model"].history.epoch[-1] == passes - 1


def test_the_code_says_that_changes_by_hand_are_not_in_it(start):
    session = start()
    edit = {"do": "edit", "layer": "dense_1", "name": "bias", "place": [0], "value": 1.0}
    session.send(edit)

    assert "changed by hand" in session.ask(session.script).result(20)


class Failing(ffnn.layers.Layer):
    """A layer of the user's own that fails in its third training batch."""

    count = 0

    def forward(self, x, training=False):
        self.count += training
        if self.count == 3:
            raise KeyError("lost")
        return x

    def backward(self, grad):
        return grad


def test_a_layer_that_fails_ends_the_training_and_not_the_page():
    x, y = make_toy("moons", rows=60)
    model = ffnn.Sequential([Dense(3), Failing(), Dense(2, "softmax")], input_dim=2, seed=1)
    model.compile(loss="categorical_crossentropy")
    session = Session(settings_of(model), own_problem(x, y), model)
    session.start()
    session.send({"do": "run"})
    wait_for(lambda: session.latest is not None and session.latest.state == "diverged")

    assert "failed in forward: 'lost'" in session.latest.message
    session.send({"do": "reset"})
    wait_for(lambda: session.latest.state == "paused")
    session.stop()


def test_a_given_network_is_copied_and_only_its_training_can_be_set(start):
    x, y = make_toy("moons", rows=60)
    model = ffnn.Sequential([Dense(3, "relu"), Dense(2, "softmax")], input_dim=2, seed=1)
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    before = model.parameters.copy()
    session = Session(settings_of(model), own_problem(x, y), model)
    session.start()
    session.send({"do": "settings", "values": {"hidden": [[5, "relu"]]}})
    session.send({"do": "epoch"})
    wait_for(lambda: session.latest is not None and session.latest.epoch == 1)
    session.stop()

    assert session.latest.updates == 2  # 48 rows, 32 a batch
    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((10, 2)), np.zeros(9), "one target a row"),
        (np.array([["a", "b"]] * 9), np.zeros(9), "as numbers"),
        (np.zeros((3, 2)), np.zeros(3), "expected 4 to 20,000 rows"),
        (np.zeros((20_001, 2)), np.zeros(20_001), re.escape("Watch()")),
    ],
)
def test_rows_that_cannot_be_shown_are_refused(x, y, message):
    with pytest.raises(ffnn.DataError, match=message):
        own_problem(x, y)


@pytest.mark.parametrize("data", ["circles", "xor", "hill", "moons"])
def test_a_chosen_row_has_its_target_also_of_other_rows(start, data):
    session = start(data="plane")
    hub = Hub(session, 0.02, "a page")
    hub._set_probe({"row": 7})
    numbers = json.loads(hub._draw(now(session))["facts"][0])
    assert numbers["truth"] == session.problem.y_test[7]
    session.send({"do": "settings", "values": {"data": data}})
    found = json.loads(hub._draw(now(session))["facts"][0])

    assert found["probe"] == session.problem.x_test[7].tolist()
    truth = session.problem.y_test[7]
    assert found["truth"] == (truth if data == "hill" else str(truth))


@pytest.mark.parametrize(
    ("y", "names", "expected"),
    [
        (np.float32(1.0), ["no", "yes"], "yes"),
        (np.array([1.0, 0.0]), ["no", "yes"], "no"),
        (np.array([1]), ["no", "yes"], "yes"),
        (np.float32(0.5), None, 0.5),
        (np.array([0.5]), None, 0.5),
        (np.array([0.5, 1.0]), None, None),
    ],
)
def test_a_target_is_said_by_its_name_or_number(y, names, expected):
    problem = own_problem(np.zeros((4, 2)), np.zeros(4))._replace(class_names=names)

    assert _target(problem, y) == expected


def test_nothing_is_compiled_while_a_page_waits(start):
    x, y = make_toy("moons", rows=60)
    models = [ffnn.Sequential([Dense(2, "softmax")], input_dim=2, seed=1) for _ in range(2)]
    for model, wanted in zip(models, ("auto", False), strict=True):
        model.compile(loss="categorical_crossentropy", jit_compile=wanted)
        session = Session(settings_of(model), own_problem(x, y), model)
        assert session.trained.jit_compile is False
        assert model.jit_compile == wanted

    assert start().trained.jit_compile is False


def test_a_stopped_session_leaves_no_thread(start):
    session = start()
    session.send({"do": "run"})
    session.stop()

    assert "ffnn-play" not in {thread.name for thread in threading.enumerate()}
    start()  # whose own end the fixture sees to
