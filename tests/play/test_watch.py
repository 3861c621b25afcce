"""`Watch`: the page over a training by `fit`, which stays the same."""

import copy
import os
import pickle
import re
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from play_tools import wait_for

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")

import ffnn
from ffnn.callbacks import Callback, Watch
from ffnn.datasets import make_toy
from ffnn.layers import Dense
from ffnn.layers.base import Layer


def network():
    model = ffnn.Sequential([Dense(4, "relu"), Dense(2, "softmax")], input_dim=2, seed=0)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


X, Y = make_toy("moons", rows=100)


@pytest.fixture
def watch():
    made = []

    def make(*args, **options):
        made.append(Watch(*args, port=5800, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


class Commands(Callback):
    """Sends commands at the end of some epochs."""

    def __init__(self, watch, **at):
        self.watch, self.at, self.seen = watch, at, {}

    def on_epoch_end(self, epoch, logs):
        self.seen[epoch] = self.model.optimizer.learning_rate
        for command in self.at.get(f"epoch_{epoch}", ()):
            self.watch.send(command)


def test_batches_whose_update_is_still_to_come_are_no_updates(watch):
    model, shown = network(), watch((X, Y))

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs):
            shown.look()

    model.fit(X, Y, epochs=2, batch_size=10, accumulate=4, verbose=0, callbacks=[Look(), shown])

    assert shown.latest.updates == model.optimizer.iterations == 6  # of 2 times 4 + 4 + 2 batches
    assert min(shown.latest.ratios.values()) > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_have_no_page_yet(watch, copied):
    shown = watch((X, Y), seconds=3.0)
    network().fit(X, Y, epochs=1, verbose=0, callbacks=[shown])
    other = copied(shown)

    assert (other.url, other.seconds, other.port) == ("", 3.0, shown.port)
    np.testing.assert_array_equal(other.rows[0], X)


def test_it_is_shown_by_the_number_of_its_rows():
    assert repr(Watch((X, Y), seconds=3.0)) == "Watch(rows=<100 rows>, seconds=3.0)"


def test_a_page_that_nobody_looks_at_ends_after_the_training(watch, monkeypatch):
    monkeypatch.setattr("ffnn.play.server._ALONE_SECONDS", 0.05)
    shown, model = watch(), network()
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[shown])
    first = shown._server
    wait_for(lambda: not first._thread.is_alive())
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[shown])
    second = shown._server
    second.hub.tabs.append(SimpleNamespace(is_ready=False))  # somebody looks
    threading.Event().wait(0.3)

    assert second is not first
    assert second.is_open


def test_it_prints_its_address_and_changes_nothing(watch, capsys):
    plain, watched = network(), network()
    plain.fit(X, Y, epochs=5, verbose=0)
    shown = watch((X, Y))
    watched.fit(X, Y, epochs=5, verbose=0, callbacks=[shown])

    assert re.search(r"watch it at http://127\.0\.0\.1:\d+/[\w-]{32}/", capsys.readouterr().out)
    np.testing.assert_array_equal(plain.parameters, watched.parameters)
    assert plain.history.history == watched.history.history
    assert shown.latest.state == "finished"


def test_estimators_train_with_it(watch):
    estimators = pytest.importorskip("ffnn.estimators", reason="needs scikit-learn")
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    plain, shown = estimators.FFNNClassifier(**settings), watch()
    watched = estimators.FFNNClassifier(**settings, callbacks=[shown])
    for each in (plain, watched):
        with pytest.warns(Warning, match="Maximum iterations"):
            each.fit(X, Y)

    np.testing.assert_array_equal(plain.model_.parameters, watched.model_.parameters)
    assert shown.latest.state == "finished"


def test_nothing_is_copied_for_pages_that_nobody_has_opened(watch):
    shown = watch()
    network().fit(X, Y, epochs=5, verbose=0, callbacks=[shown])

    assert shown.latest.number <= 3  # at the beginning and at the end


def test_rate_and_stop_are_obeyed_and_edits_refused(watch):
    shown = watch()
    edit = {"do": "edit", "layer": "dense_1", "name": "bias", "place": [0], "value": 9.0}
    sender = Commands(
        shown, epoch_0=[edit, {"do": "rate", "value": 0.25}], epoch_3=[{"do": "stop"}]
    )
    model = network()
    model.fit(X, Y, epochs=50, verbose=0, callbacks=[shown, sender])

    assert sender.seen[2] == 0.25
    assert len(model.history.epoch) == 5  # as it is heard after a batch of the next one
    assert not (model.layers[0].params["bias"] == 9.0).any()


def test_a_pause_lasts_until_it_is_told_to_run(watch):
    shown, model = watch(), network()
    paused = Commands(shown, epoch_1=[{"do": "pause"}])
    training = threading.Thread(
        target=lambda: model.fit(X, Y, epochs=4, verbose=0, callbacks=[shown, paused])
    )
    training.start()
    wait_for(lambda: shown.state == "paused")
    before = shown.latest.updates
    threading.Event().wait(0.1)
    assert shown.latest.updates == before
    shown.send({"do": "run"})
    training.join(20)

    assert not training.is_alive()
    assert len(model.history.epoch) == 4


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
@pytest.mark.usefixtures("sigint")
def test_ctrl_c_ends_a_training_that_is_paused(watch):
    shown, model = watch(), network()
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    paused = Commands(shown, epoch_1=[{"do": "pause"}])
    history = model.fit(X, Y, epochs=1000, verbose=0, callbacks=[shown, paused])
    timer.join()

    assert history.interrupted
    assert len(history.epoch) == 2


def test_a_training_that_diverges_is_said(watch):
    shown = watch()
    model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
    model.compile(optimizer=ffnn.optimizers.SGD(1e6))
    with pytest.raises(ffnn.TrainingDivergedError):
        model.fit(1e3 * X, Y, epochs=50, verbose=0, callbacks=[shown])

    assert shown.latest.state == "diverged"
    assert "became" in shown.latest.message
    assert np.isfinite(shown.latest.values).all()


class Doubled(Layer):
    """A layer of the user's own, which makes two columns of each."""

    def compute_output_dim(self, input_dim):
        return 2 * input_dim

    def forward(self, x, training=False):
        return np.hstack([x, x])

    def backward(self, grad):
        half = grad.shape[1] // 2
        return grad[:, :half] + grad[:, half:]


def test_a_network_that_cannot_be_drawn_is_still_watched(watch):
    shown = watch((X, Y))
    model = ffnn.Sequential([Dense(3, "relu"), Doubled(), Dense(2, "softmax")], input_dim=2)
    model.compile(loss="categorical_crossentropy")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[shown])
    hub = shown._server.hub
    content = hub._draw(shown.latest)

    assert "a graph can show a layer other than Dense only if" in content["facts"][0]


def test_a_resumed_training_may_be_watched_or_not(watch, tmp_path):
    model = network()
    path = tmp_path / "model.h5"
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(path)
    again = network()
    again.fit(X, Y, epochs=4, verbose=0, callbacks=[watch()], resume_from=path)
    whole = network()
    whole.fit(X, Y, epochs=4, verbose=0)

    np.testing.assert_array_equal(again.parameters, whole.parameters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": (X,)}, "a pair"),
        ({"seconds": 0.0}, "seconds must be"),
        ({"port": 70_000}, "port must be at most 65535"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Watch(**options)


def test_rows_that_do_not_fit_are_refused_before_the_training(watch):
    model = network()
    before = model.parameters.copy()
    with pytest.raises(ffnn.DataError):
        model.fit(X, Y, verbose=0, callbacks=[watch((X[:, :1], Y))])

    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(("is_onlooker", "expected"), [(True, 0), (False, 7)])
def test_only_those_who_may_write_into_parameters_have_them_measured_anew(
    monkeypatch, is_onlooker, expected
):
    class Seen(Callback):
        def on_train_batch_begin(self, batch, logs):
            counts[-1] += 1

    class Empty(Callback):
        pass

    Seen.is_onlooker = Empty.is_onlooker = is_onlooker
    counts, forgotten = [0], []
    for callback in (Empty(), Seen()):
        model = network()
        optimizer = model.step.optimizer
        forget, calls = optimizer.forget_sizes, []
        monkeypatch.setattr(
            type(optimizer), "forget_sizes", lambda self, f=forget, c=calls: (c.append(1), f())
        )
        model.fit(X, Y, batch_size=16, epochs=1, verbose=0, callbacks=[callback])
        monkeypatch.undo()
        forgotten.append(len(calls))

    assert counts == [7]
    assert forgotten[1] - forgotten[0] == expected
