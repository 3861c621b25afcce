"""What is computed of a snapshot: by hand, by `predict`, and where numbers are not finite."""

import json

import numpy as np
import pytest
from play_tools import now

import ffnn
from ffnn.layers import Dense
from ffnn.play.document import _picture
from ffnn.play.hub import _numbers
from ffnn.play.viewer import MAP_SIDE, SIDE, Viewer, column_outputs, shade


def parts(frame):
    """Return the facts of a packed frame, and its arrays by name."""
    packed = frame.pack()
    facts = json.loads(packed["facts"][0])
    kinds = packed["numbers"][0], packed["bytes"][0]
    return facts, {
        name: kinds[kind][start : start + int(np.prod(shape))].reshape(shape)
        for name, (kind, start, shape) in facts["arrays"].items()
    }


def viewed(session):
    snapshot = now(session)
    viewer = Viewer(snapshot.network, snapshot.problem)
    return viewer, snapshot


def test_outputs_of_columns_are_those_of_the_layers():
    model = ffnn.Sequential([Dense(1, "relu"), Dense(1)], input_dim=2)
    model.set_weights([np.array([[1.0, -2.0]]), np.array([0.5]), np.array([[3.0]]), np.array([1])])
    first, second, last = column_outputs(model, np.array([[2.0, 1.0], [0.0, 1.0]]))

    assert first.tolist() == [[2.0, 1.0], [0.0, 1.0]]
    assert second.tolist() == [[0.5], [0.0]]  # 2 - 2 + 0.5, and -2 + 0.5 cut off
    assert last.tolist() == [[2.5], [1.0]]


def test_a_map_shows_what_its_neuron_puts_out_over_the_plane(start):
    viewer, snapshot = viewed(start(hidden=[[3, "tanh"]]))
    _, arrays = parts(viewer.frame(snapshot))
    left, right = viewer.plane.x
    low, high = viewer.plane.y
    across, up = np.linspace(left, right, SIDE)[::2], np.linspace(low, high, SIDE)[::2]
    weight, bias = (viewer.network.layers[0].params[name] for name in ("weight", "bias"))
    expected = np.tanh(
        weight[1, 0] * across[None, :] + weight[1, 1] * up[:, None] + bias[1]
    )  # a row from below for each place upwards

    shown = (arrays["maps/1"][1].astype(float) - 128) / 127
    assert shown.shape == (MAP_SIDE, MAP_SIDE)
    np.testing.assert_allclose(shown * (expected[0, -1] / shown[0, -1]), expected, atol=0.02)


def test_answers_beyond_all_numbers_are_drawn_without_a_warning(start):
    pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")
    viewer, snapshot = viewed(start(data="plane"))
    viewer.frame(snapshot)
    viewer.answers = np.full_like(viewer.answers, np.finfo(viewer.answers.dtype).max)

    assert len({*_picture(viewer).ravel()}) == 1


def test_wrong_rows_are_those_that_predict_takes_for_another_class(start):
    viewer, snapshot = viewed(start(data="digits", hidden=[[4, "relu"]]))
    facts, arrays = parts(viewer.frame(snapshot))
    problem = snapshot.problem
    answers = viewer.network.predict(problem.x_test)
    wrong = np.flatnonzero(answers.argmax(axis=1) != problem.y_test)

    assert facts["wrong"][0]["of"] == len(wrong)
    shares = [row["share"] for row in facts["wrong"]]
    assert shares == sorted(shares, reverse=True)
    for row, levels in zip(facts["wrong"], arrays["wrong"], strict=True):
        assert row["row"] in wrong
        assert row["is"] == str(problem.y_test[row["row"]])
        pixels = problem.x_test[row["row"]] / 16
        np.testing.assert_allclose((levels.astype(float) - 128) / 127, pixels, atol=0.005)


def test_numbers_that_are_not_finite_are_shown_as_none(start):
    session = start(hidden=[[2, "exponential"], [2, "exponential"]])
    for layer in ("dense_1", "dense_2"):
        for unit in range(2):
            session.send(
                {"do": "edit", "layer": layer, "name": "bias", "place": [unit], "value": 1e6}
            )
    viewer, snapshot = viewed(session)
    facts, arrays = parts(viewer.frame(snapshot, snapshot.problem.x_test[0]))

    assert snapshot.edits == 4
    assert facts["measured"]["train"]["loss"] is None
    assert set(arrays) >= {"maps/3", "weight/1", "probe/3"}


def test_a_class_is_the_stronger_the_surer():
    red, green, blue, alpha = (
        shade(np.array([[[1.0, 0.0], [0.5, 0.5]]]))
        .view(np.uint8)
        .reshape(1, 2, 4)
        .transpose(2, 0, 1)
    )

    assert [red[0, 0], green[0, 0], blue[0, 0]] == [0x00, 0x72, 0xB2]
    assert alpha.tolist() == [[153, 31]]  # 0.6 and 0.12 of 255


@pytest.mark.parametrize(
    "values", [None, "12", [1, "a"], [[1, 2]], [float("inf")], [float("nan")], [1e9]]
)
def test_what_is_no_row_is_none(values):
    assert _numbers(values) is None
