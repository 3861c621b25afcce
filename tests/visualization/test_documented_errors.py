"""Plotting methods raise what their docstrings say, and take the limits that these name."""

import re

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import History, Recorder
from ffnn.layers import Dense, Dropout

X, Y = np.eye(3), np.ones((3, 2))


def unbuilt():
    return ffnn.Sequential([Dense(2)])


def fresh():
    return ffnn.Sequential([Dense(2)], input_dim=3, seed=0)


def without_dense():
    return ffnn.Sequential([Dropout(0.5)], input_dim=3)


def recording(**options):
    model = fresh()
    model.compile()
    model.fit(X, Y, callbacks=[Recorder(**options)], verbose=0)
    return model.recording


HISTOGRAMS = recording(histograms=4)
# Whose method, the arguments, and the error.
REFUSALS = [
    (unbuilt(), "to_networkx", (), RuntimeError),
    (unbuilt(), "plot_graph", (), RuntimeError),
    (without_dense(), "plot_graph", (), ValueError),
    (fresh(), "plot_graph", ("bias",), ValueError),
    (fresh(), "plot_graph", ("gradient",), RuntimeError),
    (fresh(), "plot_graph", ("weight", 0), ValueError),
    (fresh(), "plot_graph", ("weight", 1.5), TypeError),
    (fresh(), "plot_graph", ("weight", None, 0), ValueError),
    (fresh(), "plot_graph", ("weight", None, True), TypeError),
    (fresh(), "plot_graph", ("weight", None, None, -1), ValueError),
    (fresh(), "plot_graph", ("weight", None, None, None), TypeError),
    (unbuilt(), "save_graph", ("x.graphml",), RuntimeError),
    (without_dense(), "save_graph", ("x.png",), ValueError),
    (fresh(), "save_graph", ("x.gif",), ValueError),
    (fresh(), "save_graph", (3,), TypeError),
    (fresh(), "save_graph", ("no/such/folder/x.svg",), OSError),
    (unbuilt(), "plot_weights", (), RuntimeError),
    (without_dense(), "plot_weights", (), ValueError),
    (fresh(), "plot_weights", ("dense_1",), TypeError),
    (fresh(), "plot_weights", ([5],), IndexError),
    (fresh(), "plot_weights", ([],), ValueError),
    (fresh(), "plot_gradients", (), RuntimeError),
    (History(), "plot", (), ValueError),
    (recording(), "plot_histograms", ("dense_1",), ValueError),
    (HISTOGRAMS, "plot_histograms", ("dense_7",), ValueError),
    (HISTOGRAMS, "plot_histograms", ("dense_1", "gamma"), ValueError),
    (ffnn.visualization, "compare_histories", (3,), TypeError),
    (ffnn.visualization, "compare_histories", ({"a": 3},), TypeError),
    (ffnn.visualization, "compare_histories", ({},), ValueError),
    (ffnn.visualization, "compare_histories", ({"a": History()},), ValueError),
]


@pytest.mark.parametrize(
    ("owner", "name", "arguments", "error"), REFUSALS, ids=lambda value: str(value)[:30]
)
def test_what_is_raised_is_documented(owner, name, arguments, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    method = getattr(owner, name)
    with pytest.raises(error):
        method(*arguments)
    assert re.search(rf"\b{error.__name__}\b", method.__doc__)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "limits",
    [{"max_units": 1}, {"max_edges": 1}, {"max_labels": 0}, {"max_units": None, "max_edges": None}],
    ids=repr,
)
def test_the_smallest_limits_that_are_documented_are_taken(limits):
    figure = fresh().plot_graph(**limits)
    assert figure.axes


def test_no_labels_are_written_where_none_are_wanted():
    texts = [
        {
            text.get_text()
            for axes in fresh().plot_graph(max_labels=most).axes
            for text in axes.texts
        }
        for most in (40, 0)
    ]
    assert len(texts[1]) < len(texts[0])
