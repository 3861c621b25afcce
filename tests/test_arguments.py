"""A wrong argument is refused by an error of ours that names it, and nothing has changed then."""

import sys

import numpy as np
import pytest
from trials import callables

import ffnn
from ffnn import activations, layers, optimizers


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("argument", callables.constructors(), ids=str)
def test_a_constructor_refuses_all_wrong_values_of_an_argument(argument):
    values = callables.wrong_values(argument)

    complaints = [callables.refusal(argument, value) for value in values]

    assert values
    assert [complaint for complaint in complaints if complaint] == []


LAYERS = {cls.__name__ for family in (layers.LAYERS, activations.ACTIVATIONS) for cls in family}
PARTS = [each for each in callables.constructors() if each.owner not in {"Sequential", *LAYERS}]


@pytest.mark.parametrize("argument", PARTS, ids=str)
def test_an_argument_that_is_set_later_is_refused_as_by_the_constructor(argument):
    for value in callables.wrong_values(argument):
        part = argument.call()
        before = repr(part)
        with pytest.raises((TypeError, ValueError)) as refused:
            argument.call(**{argument.name: value})
        with pytest.raises((TypeError, ValueError)) as caught:
            setattr(part, argument.name, value)

        assert str(caught.value) == str(refused.value)
        assert repr(part) == before


def test_an_argument_that_is_set_later_is_what_the_constructor_makes_of_it():
    optimizer = optimizers.Adam()
    optimizer.clipnorm = np.float64(0.25)
    assert type(optimizer.clipnorm) is float
    assert repr(optimizer) == "Adam(clipnorm=0.25)"


@pytest.mark.filterwarnings("ignore::matplotlib.MatplotlibDeprecationWarning")
@pytest.mark.parametrize("argument", callables.others(), ids=str)
def test_functions_and_methods_refuse_all_wrong_values_of_an_argument(argument, capsys):
    values = callables.wrong_values(argument)

    complaints = [callables.refusal(argument, value) for value in values]

    assert [complaint for complaint in complaints if complaint] == []


def test_all_parts_are_tried():
    owners = {argument.owner for argument in callables.constructors()}

    assert owners >= {
        *["Sequential", "Dense", "Dropout", "Activation", "LeakyReLU", "Huber", "AdamW", "L1L2"],
        *["CosineDecay", "RandomUniform", "ModelCheckpoint", "CSVLogger", "Recorder"],
    }


def test_what_is_wrong_with_a_refusal_is_said():
    def accept(units):
        pass

    def run_into(units):
        units.strip()

    def blame_another(units):
        ffnn.layers.Dropout(units)

    for call, complaint in [
        (accept, "accepted"),
        (run_into, "raw AttributeError"),
        (blame_another, "the argument is not named: Dropout: rate"),
    ]:
        argument = callables.Argument("f", "units", "int", call)
        assert callables.refusal(argument, 1.5).startswith(f"f.units=1.5: {complaint}")


@pytest.mark.skipif(sys.platform != "linux", reason="the trial forks")
def test_values_that_hypothesis_draws_are_refused_too(soak):
    result = soak("arguments")

    assert result["failures"] == []
    assert result["control"] > 0  # a function that checks nothing takes them, or runs into them
