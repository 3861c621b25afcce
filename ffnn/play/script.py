"""The network of the page and its training as Python code, which makes the same numbers."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ffnn.datasets.toys import TOYS
from ffnn.layers import Normalization
from ffnn.losses import LOSSES
from ffnn.play.networks import metric_name
from ffnn.play.problems import Problem
from ffnn.play.settings import DIGITS, Settings
from ffnn.sequential import Sequential

_HOMES = ("layers", "activations", "regularizers", "optimizers", "initializers")


class Phase(NamedTuple):
    """A part of a training in which nothing was set anew."""

    learning_rate: float
    batch_size: int
    epochs: int  # whole ones
    batches: int  # of the next one


def write_script(
    settings: Settings, problem: Problem, model: Sequential, phases: Sequence[Phase], edits: int
) -> str:
    """Return a program that makes this network and trains it as the page has done.

    What was changed by hand is not in it, which a comment says then. Rows that were given have to
    be filled in.
    """
    layers = [
        f"{layer!r}.adapt(x_train)" if isinstance(layer, Normalization) else repr(layer)
        for layer in model.layers
    ]
    optimizer = _optimizer(model, phases[0].learning_rate)
    assert model.loss is not None
    loss, metric = LOSSES.name_of(model.loss), metric_name(problem)
    code = [
        '"""The network and the training of a page of ffnn play."""',
        "",
        *_imports([*layers, optimizer]),
        "",
        *_rows(settings),
        *_one_hot(problem, model),
        "",
        "model = ffnn.Sequential(",
        "    [",
        *(f"        {layer}," for layer in layers),
        "    ],",
        f"    input_dim={problem.x_train.shape[1]},",
        f"    seed={settings.seed},",
        ")",
        f'model.compile({optimizer}, loss="{loss}", metrics=["{metric}"])',
        *_training(phases),
    ]
    if edits:
        code.append("# What was changed by hand is not in this program; the model file has it.")
    code.append("print(model.evaluate(x_test, y_test, return_dict=True))")
    return "\n".join(code) + "\n"


def _optimizer(model: Sequential, rate: float) -> str:
    """Return the call that makes the optimizer, with the rate that the training began with."""
    call = re.sub(r"learning_rate=[^,)]*,? ?", "", repr(model.optimizer))
    name, _, others = call.partition("(")
    return f"{name}(learning_rate={rate!r}{', ' if others != ')' else ''}{others}"


def _imports(texts: Iterable[str]) -> list[str]:
    names = {name for text in texts for name in re.findall(r"\b([A-Z]\w*)\(", text)}
    lines = ["import numpy as np", "", "import ffnn"]
    for home in _HOMES:
        module = importlib.import_module(f"ffnn.{home}")
        if found := sorted(name for name in names if hasattr(module, name)):
            lines.append(f"from ffnn.{home} import {', '.join(found)}")
            names -= set(found)
    return lines


def _rows(settings: Settings) -> list[str]:
    if settings.data == DIGITS:
        return ["(x_train, y_train), (x_test, y_test) = ffnn.datasets.load_digits()"]
    if settings.data in TOYS:
        return [
            f'x, y = ffnn.datasets.make_toy("{settings.data}", noise={settings.noise!r}, '
            f"seed={settings.seed})",
            f"held_out = round({settings.test_share!r} * len(x))",
            "x_train, y_train = x[held_out:], y[held_out:]",
            "x_test, y_test = x[:held_out], y[:held_out]",
        ]
    return ["x_train, y_train, x_test, y_test = ...  # the rows that were given to play"]


def _one_hot(problem: Problem, model: Sequential) -> list[str]:
    """Return the lines that make rows of 0 and 1 of class numbers, for losses that need them."""
    if problem.class_names is None or (model.loss is not None and model.loss.task == "classes"):
        return []
    size = len(problem.class_names)
    return [f"y_train, y_test = np.eye({size})[y_train], np.eye({size})[y_test]"]


def _training(phases: Sequence[Phase]) -> list[str]:
    lines, done = [], 0
    for number, (rate, batch_size, epochs, batches) in enumerate(phases):
        shared = f"    batch_size={batch_size},\n    validation_data=(x_test, y_test),\n"
        if number:
            shared += f"    learning_rate={rate!r},\n"
        for count, steps in ((epochs, 0), (1 if batches else 0, batches)):
            if not count:
                continue
            lines.append(
                f"model.fit(\n    x_train,\n    y_train,\n{shared}"
                f"    initial_epoch={done},\n    epochs={done + count},\n"
                + (f"    steps_per_epoch={steps},\n" if steps else "")
                + "    verbose=0,\n)"
            )
            done += count
    return lines
