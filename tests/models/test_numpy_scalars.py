"""NumPy's scalars as arguments: what a check returns is what is used, so models can be saved."""

import inspect
import json

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import (
    EarlyStopping,
    LossThreshold,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
)
from ffnn.core.descriptions import describe
from ffnn.core.registry import Family
from ffnn.layers import Dense

X = np.random.default_rng(0).standard_normal((40, 3))
REQUIRED = {
    "units": 3, "rate": 0.5, "scale": 2.0, "value": 0.1, "learning_rate": 0.1, "l1": 0.1,
    "l2": 0.1, "initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5,
    "end_learning_rate": 0.01, "low": -0.5, "high": 0.5, "delta": 1.0,
    "boundaries": [2, 4], "values": [0.3, 0.2, 0.1], "activation": "relu", "name": "dense",
    "categories": [3, 3, 3], "members": [[Dense(2)], [Dense(2)]],
}  # fmt: skip


def as_numpy(value, integer, number):
    """Return a value of an argument with its numbers as NumPy's."""
    if isinstance(value, list):
        return [as_numpy(each, integer, number) for each in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return integer(value) if isinstance(value, int) else number(value)


def arguments(cls, integer, number):
    values = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        value = REQUIRED.get(name, parameter.default)
        if value is inspect.Parameter.empty:
            raise LookupError(f"{cls.__name__}: say what {name} is")
        values[name] = as_numpy(value, integer, number)
    return values


def parts():
    for family in list(Family.by_kind.values()):
        for cls in family:
            if cls.__module__.startswith("ffnn.") and not inspect.isabstract(cls):
                yield pytest.param(cls, id=f"{family.kind}-{cls.__name__}")


@pytest.mark.parametrize(("integer", "number"), [(np.int64, np.float64), (np.uint8, np.float32)])
@pytest.mark.parametrize("cls", list(parts()))
def test_parts_keep_plain_numbers(cls, integer, number):
    if cls.__init__ is object.__init__:
        return
    part = cls(**arguments(cls, integer, number))

    json.dumps(describe(part))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.intp])
def test_whatever_fit_takes_can_be_saved_and_resumed(tmp_path, kind):
    def fit(epochs, **options):
        model = ffnn.Sequential([Dense(kind(4)), Dense(1)], kind(3), seed=kind(2))
        model.compile("adam", "mse")
        model.fit(
            X, X[:, :1], kind(16), kind(epochs), verbose=kind(0), steps_per_epoch=kind(2),
            validation_split=np.float32(0.2), learning_rate=np.float32(0.25),
            sample_weight=np.ones(40, np.int8), callbacks=[
                EarlyStopping("loss", np.float32(0), kind(30)),
                ReduceLROnPlateau("loss", np.float64(0.5), kind(1), cooldown=kind(1)),
                ModelCheckpoint(tmp_path / "c.h5", every=kind(1)),
                LossThreshold(np.float32(-1)),
                Recorder(kind(1), kind(1), kind(4)),
            ], **options,
        )  # fmt: skip
        model.save(tmp_path / "m.h5")
        return ffnn.load_model(tmp_path / "m.h5")

    fit(3, initial_epoch=kind(1))
    loaded = fit(5, resume_from=tmp_path / "m.h5")

    assert loaded.history.epoch == [1, 2, 3, 4]
    assert loaded.evaluate(X, X[:, :1], kind(7)) == loaded.evaluate(X, X[:, :1], 7)
    np.testing.assert_array_equal(loaded.predict(X, kind(7)), loaded.predict(X, 7))
