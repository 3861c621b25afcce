"""A part that is put into the package as one class in one file is known to the command line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ffnn

PARTS = {
    "activations": """
import numpy as np
from ffnn.activations.base import ACTIVATIONS, ActivationFunction

@ACTIVATIONS.register("softsign")
class Softsign(ActivationFunction):
    def forward(self, x, training=False):
        self._x = x
        return x / (1.0 + np.abs(x))

    def backward(self, grad):
        return grad / (1.0 + np.abs(self._x)) ** 2
""",
    "callbacks": """
from ffnn.callbacks.base import Callback

class EpochCounter(Callback):
    def on_epoch_end(self, epoch, logs):
        self.count = epoch + 1
""",
    "initializers": """
from ffnn.initializers import INITIALIZERS, Initializer

@INITIALIZERS.register("tenths")
class Tenths(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        out[...] = rng.integers(-5, 6, out.shape) / 10
""",
    "layers": """
from ffnn.layers.base import LAYERS, Layer

@LAYERS.register("sign_norm")
class SignNorm(Layer):
    def forward(self, x, training=False):
        return x / 2

    def backward(self, grad):
        return grad / 2
""",
    "losses": """
from ffnn.losses.base import LOSSES
from ffnn.losses.huber import Huber

@LOSSES.register("wide_huber", "wide")
class WideHuber(Huber):
    pass
""",
    "metrics": """
from ffnn.metrics import METRICS, Metric

@METRICS.register("row_count")
class RowCount(Metric):
    pass
""",
    "optimizers": """
from ffnn.optimizers.base import OPTIMIZERS, Optimizer

@OPTIMIZERS.register("sign_descent")
class SignDescent(Optimizer):
    def __init__(self, learning_rate=0.002, clipnorm=None):
        super().__init__(learning_rate, clipnorm)

    def update(self, rate, w, g, scratch, *memory):
        w -= rate * (2 * (g > 0) - 1)
""",
    "regularizers": """
from ffnn.regularizers import REGULARIZERS, Regularizer

@REGULARIZERS.register("l_infinity")
class LInfinity(Regularizer):
    pass
""",
    "schedules": """
from ffnn.schedules import SCHEDULES, Schedule

@SCHEDULES.register("halving")
class Halving(Schedule):
    pass
""",
}
NAMES = [
    "softsign", "EpochCounter", "tenths", "sign_norm", "wide_huber/wide", "row_count",
    "sign_descent", "l_infinity", "halving",
]  # fmt: skip


@pytest.fixture(scope="module")
def ffnn_with_new_parts(tmp_path_factory):
    """Return a function that runs a copy of the package that has one new part of each kind."""
    folder = tmp_path_factory.mktemp("copy")
    package = folder / "ffnn"
    shutil.copytree(Path(ffnn.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc"))
    for name, code in PARTS.items():
        home = package / name
        path = home / "zz_new.py" if home.is_dir() else home.with_suffix(".py")
        with path.open("a", encoding="utf-8") as file:
            file.write(code)

    def run(*args):
        done = subprocess.run(
            [sys.executable, "-m", "ffnn", *args],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_help_of_train_lists_new_parts(ffnn_with_new_parts):
    words = ffnn_with_new_parts("train", "--help").replace(",", " ").split()

    assert set(NAMES) <= set(words)
    assert "sign" in words  # the new normalization
    assert re.search(r"sign_descent 0\.002", " ".join(words))


def test_options_take_new_parts(ffnn_with_new_parts):
    options = "--activation softsign --normalization sign --initializer tenths --loss wide "
    options += "--optimizer sign_descent --epochs 1 --hidden 4"
    out = ffnn_with_new_parts("train", "digits", *options.split())

    assert "Dense(4, weight_initializer=Tenths" in out
    assert "Softsign()" in out
    assert "SignNorm()" in out
    assert "sign_descent, learning rate 0.002, batch size 32, loss wide_huber" in out
