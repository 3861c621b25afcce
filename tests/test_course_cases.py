"""The fourteen acceptance cases of the course IF3270, through the public API in float64.

Their README says how their conventions convert into ours: weights come as (inputs + 1, units) with
the bias in the first row, and their error is a sum over the batch where ours is a mean.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import LossThreshold

FOLDER = Path(os.environ.get("FFNN_DATA_DIR", "FFNN_DATA_DIR is not set")) / "course"

FORWARD = ("linear", "multilayer", "multilayer_softmax", "relu", "sigmoid", "softmax")
BACKWARD = (
    "linear",
    "linear_small_lr",
    "linear_two_iteration",
    "mlp",
    "relu_b",
    "sigmoid",
    "softmax",
    "softmax_two_layer",
)
STOPS_AFTER_EPOCH = {"softmax_two_layer": 107}  # the README's number, counted from 1

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the course's cases are not here: no folder {FOLDER}"
)


def read(kind, name):
    case = json.loads((FOLDER / kind / f"{name}.json").read_text(encoding="utf-8"))
    return case["case"], case["expect"]


def build(case, weights):
    layers = case["model"]["layers"]
    model = ffnn.Sequential.from_sizes(
        [case["model"]["input_size"], *(layer["number_of_neurons"] for layer in layers)],
        [layer["activation_function"] for layer in layers],
        dtype="float64",
    )
    for layer, matrix in zip(model.layers, weights, strict=True):
        bias, *weight_t = np.array(matrix)
        layer.params["bias"][...] = bias
        layer.params["weight"][...] = np.transpose(weight_t)
    return model


def final_weights(model):
    return [np.vstack([layer.params["bias"], layer.params["weight"].T]) for layer in model.layers]


def test_every_case_in_the_folder_is_tested():
    assert {file.stem for file in (FOLDER / "forward").glob("*.json")} == set(FORWARD)
    assert {file.stem for file in (FOLDER / "backward").glob("*.json")} == set(BACKWARD)
    assert len(FORWARD) + len(BACKWARD) == 14


@pytest.mark.parametrize("name", FORWARD)
def test_forward_case_gives_the_expected_output(name):
    case, expect = read("forward", name)
    output = build(case, case["weights"]).predict(np.array(case["input"]))
    assert output.shape == np.shape(expect["output"])
    assert np.sum((output - np.array(expect["output"])) ** 2) <= expect["max_sse"]


@pytest.mark.parametrize("name", BACKWARD)
def test_training_case_ends_with_the_expected_weights(name):
    case, expect = read("backward", name)
    learning = case["learning_parameters"]
    units = case["model"]["layers"][-1]["number_of_neurons"]
    softmax = case["model"]["layers"][-1]["activation_function"] == "softmax"
    x, y, rows = np.array(case["input"]), np.array(case["target"]), learning["batch_size"]
    assert len(x) % rows == 0  # a shorter last batch would need a rate of its own

    model = build(case, case["initial_weights"])
    # Theirs: -Σ t log p, or ½ Σ (t - p)², over the batch. Ours: those of a mean over the rows,
    # or over rows and units.
    loss, factor = ("cce", 1.0) if softmax else ("mse", 2.0 / units)
    threshold = LossThreshold(learning["error_threshold"] * factor)
    model.compile(ffnn.optimizers.SGD(learning["learning_rate"] * rows / factor), loss)
    history = model.fit(
        x,
        y,
        batch_size=rows,
        epochs=learning["max_iteration"],
        shuffle=False,
        callbacks=[threshold],
        verbose=0,
    )

    squares = 0.0
    for found, expected in zip(final_weights(model), expect["final_weights"], strict=True):
        assert found.shape == np.shape(expected)
        squares += np.sum((found - np.array(expected)) ** 2)
    assert squares <= 1e-6

    stopped_by = "max_iteration" if threshold.stopped_epoch is None else "error_threshold"
    assert stopped_by == expect["stopped_by"]
    assert len(history.epoch) == STOPS_AFTER_EPOCH.get(name, learning["max_iteration"])
