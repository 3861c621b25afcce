"""`Sequential.play`: the page of a network and rows of one's own."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from play_tools import now, wait_for

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")

import ffnn
from ffnn.datasets import make_toy
from ffnn.layers import Dense
from ffnn.play.play import play
from ffnn.play.viewer import Viewer

X, Y = make_toy("moons", rows=100)
PROGRAM = """
import ffnn
from ffnn.layers import Dense
x, y = ffnn.datasets.make_toy("moons", rows=100)
model = ffnn.Sequential([Dense(4, "relu"), Dense(2, "softmax")], input_dim=2, seed=0)
model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
page = model.play(x, y)
print("it has ended", page.model.count_params())
"""


def network(*layers, **compiled):
    model = ffnn.Sequential([Dense(4, "relu"), *layers], input_dim=2, seed=0)
    model.compile(**compiled)
    return model


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
@pytest.mark.usefixtures("sigint")
def test_in_a_script_it_stays_until_ctrl_c():
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
    )
    line = next(line for line in process.stdout if "http" in line)
    time.sleep(1.0)  # by then it waits
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert re.fullmatch(r"watch it at http://127\.0\.0\.1:\d+/[\w-]{32}/\n", line)
    assert out == "it has ended 22\n"
    assert err == ""
    assert process.returncode == 0


@pytest.fixture
def page(monkeypatch):
    """Return a function that plays as in a notebook, where the call returns at once."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    pages = []

    def open_page(model, y):
        pages.append(play(model, X, y, port=5900))
        wait_for(lambda: pages[-1].session.latest is not None)
        return pages[-1]

    yield open_page
    for each in pages:
        each.stop()


def test_a_copy_is_trained_and_the_model_stays(page):
    model = network(Dense(2, "softmax"), loss="categorical_crossentropy")
    before = model.parameters.copy()
    shown = page(model, Y)
    shown.session.send({"do": "batch"})

    assert now(shown.session).updates == 1
    assert not np.array_equal(shown.model.parameters, before)
    np.testing.assert_array_equal(model.parameters, before)
    assert shown.url in shown._repr_html_()
    assert repr(shown) == f"<Page at {shown.url}>"


@pytest.mark.parametrize(
    ("layers", "compiled", "y", "names"),
    [
        ([Dense(2, "softmax")], {"loss": "categorical_crossentropy"}, Y, ["0", "1"]),
        ([Dense(2, "softmax")], {"loss": "categorical_crossentropy"}, np.eye(2)[Y], ["0", "1"]),
        ([Dense(1, "sigmoid")], {"loss": "binary_crossentropy"}, Y, ["1"]),
        ([Dense(1)], {"loss": "mean_squared_error"}, Y.astype(float), ["output"]),
    ],
)
def test_answers_are_named_by_what_they_are(page, layers, compiled, y, names):
    model = network(*layers, **compiled)
    shown = page(model, y)
    snapshot = shown.session.latest
    viewer = Viewer(snapshot.network, snapshot.problem)
    answer = viewer.frame(snapshot, X[0]).facts["answer"]

    assert [name for name, _ in answer] == names
    np.testing.assert_allclose([value for _, value in answer], model.predict(X[:1])[0], rtol=1e-6)


def test_a_row_that_cannot_be_is_named_by_its_number_among_the_rows_given():
    x = X.copy()
    x[3, 0] = np.nan
    with pytest.raises(ffnn.DataError, match="row 3, column 0"):
        network(Dense(2, "softmax"), loss="categorical_crossentropy").play(x, Y)


def test_a_network_that_is_wholly_frozen_is_refused_before_a_page_is_there():
    model = network(Dense(2, "softmax"), loss="categorical_crossentropy")
    for layer in model.layers:
        layer.trainable = False
    with pytest.raises(ValueError, match="there is nothing to train"):
        model.play(X, Y)


def test_rows_that_do_not_fit_are_refused_before_a_page_is_there():
    with pytest.raises(ffnn.DataError):
        network(Dense(2, "softmax"), loss="categorical_crossentropy").play(X[:, :1], Y)
    with pytest.raises(RuntimeError, match="not compiled"):
        ffnn.Sequential([Dense(2)]).play(X, Y)
    with pytest.raises(ValueError, match="port must be"):
        network(Dense(2, "softmax"), loss="categorical_crossentropy").play(X, Y, port=0)
