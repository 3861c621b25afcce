"""What errors and summaries show of an object: how it was made, never where it is in memory."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import ffnn
from ffnn import (
    activations,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from ffnn.callbacks import Callback, EarlyStopping, LossThreshold, ModelCheckpoint
from ffnn.core.registry import Family
from ffnn.layers import Dense
from ffnn.training.reporters import EpochLines, ProgressBar

ROOMS = [
    activations,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
]
# The arguments of parts that need some.
NEEDED = {
    "Activation": "'tanh'",
    "ParametricActivation": "'tanh'",
    "CSVLogger": "'log.csv'",
    "Average": "[[Dense(3), Dropout(0.5)], [Dense(3)]]",
    "Clamp": "0, 1",
    "Constant": "0.5",
    "CosineDecay": "0.1, 20",
    "CosineLog": "0.1, 20",
    "FlatCosine": "0.1, 20",
    "Dense": "3",
    "Dropout": "0.25",
    "Embedding": "[3, 2]",
    "ExponentialDecay": "0.1, 10, 0.5",
    "InverseTimeDecay": "0.1, 10, 0.5",
    "LossThreshold": "0.5",
    "ModelCheckpoint": "'model.h5'",
    "PiecewiseConstantDecay": "[3, 8], [0.1, 0.01, 0.001]",
    "Rescaling": "0.5",
}
PARTS = [cls for family in Family.by_kind.values() for cls in family]
CALLBACKS = [getattr(callbacks, name) for name in callbacks.__all__]
CALLBACKS = [
    each
    for each in CALLBACKS
    if isinstance(each, type)
    and issubclass(each, Callback)
    and each not in (callbacks.History, callbacks.TrialPruning)  # which a study makes
]


def shows_no_address(value):
    return re.search(r"0x[0-9a-f]{4}| object at ", repr(value)) is None


@pytest.mark.parametrize("cls", PARTS + CALLBACKS, ids=lambda cls: cls.__name__)
def test_parts_and_callbacks_show_the_call_that_makes_them(cls):
    arguments = NEEDED.get(cls.__name__, "")
    names = {name: getattr(room, name) for room in ROOMS for name in getattr(room, "__all__", [])}
    part = eval(f"{cls.__name__}({arguments})", {**names, cls.__name__: cls})
    assert shows_no_address(part)
    assert repr(part).startswith(f"{cls.__name__}(")
    again = eval(repr(part), {**names, cls.__name__: cls})
    assert type(again) is cls
    assert repr(again) == repr(part)


@pytest.mark.parametrize(
    ("callback", "text"),
    [
        (EarlyStopping(), "EarlyStopping()"),
        (EarlyStopping("loss", patience=3), "EarlyStopping(monitor='loss', patience=3)"),
        (ModelCheckpoint("m.h5", every=2), "ModelCheckpoint('m.h5', every=2)"),
        (LossThreshold(0.5), "LossThreshold(0.5)"),
        (EpochLines(), "EpochLines()"),
        (ProgressBar(), "ProgressBar()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_callbacks_show_the_arguments_that_were_given(callback, text):
    assert repr(callback) == text


def test_callbacks_of_the_users_own_show_what_they_keep():
    class Own(Callback):
        def __init__(self, first, second, third=3, **options):
            self.second, self.third = second, third

    assert repr(Own(1, 2)) == "Own(second=2)"
    assert repr(Own(1, 2, third=4)) == "Own(second=2, third=4)"


def test_errors_show_callbacks_without_addresses():
    with pytest.raises(AttributeError) as caught:
        EarlyStopping().patiense = 3
    assert " at 0x" not in str(caught.value)


def trained():
    x, y = np.eye(4), np.ones(4)
    model = ffnn.Sequential([Dense(3, "relu"), Dense(1)], seed=0)
    model.compile("adam", metrics=["mae"])
    model.fit(x, y, callbacks=[callbacks.Recorder(snapshots=1)], verbose=0)
    return SimpleNamespace(
        model=model,
        history=model.history,
        recording=model.recording,
        diagnosis=model.diagnose(x, y),
        explanation=model.explain_step(x, y),
        check=ffnn.gradient_check(model, x, y),
        step=model.step,
        layers=model.layers,
        snapshots=model.recording.snapshots,
    )


def test_nothing_that_a_model_hands_out_shows_an_address():
    shown = vars(trained())
    assert {name for name, value in shown.items() if not shows_no_address(value)} == set()
    assert repr(shown["history"]).startswith("<History of 1 epoch: loss=")
    assert repr(shown["recording"]) == "<Recording of 1 epoch, 1 snapshot>"


@pytest.mark.parametrize("family", Family.by_kind.values(), ids=Family.by_kind)
def test_families_show_their_kind(family):
    assert repr(family) == f"<Family of parts of kind {family.kind!r}>"
