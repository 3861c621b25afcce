"""Names of other libraries are answered with ours: arguments, attributes, options."""

import inspect

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import EarlyStopping
from ffnn.cli import main
from ffnn.core.hints import HINTS, explain_names
from ffnn.layers import Dense, Dropout
from ffnn.optimizers import SGD, Adam


def model():
    model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
    model.compile()
    return model


X, Y = np.eye(2), np.ones(2)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: Adam(lr=0.1), ["Adam", "'lr'", "use learning_rate"]),
        (lambda: SGD(decay=0.1), ["SGD", "'decay'", "schedule", "weight_decay"]),
        (lambda: SGD(0.1, momentun=0.9), ["'momentun'", "did you mean 'momentum'", "nesterov"]),
        (lambda: Dense(3, kernel_regularizer="l2"), ["Dense", "use weight_regularizer"]),
        (lambda: Dense(3, kernel_initializer="zeros"), ["Dense", "use weight_initializer"]),
        (lambda: Dense(3, input_shape=(4,)), ["Dense", "input_dim of Sequential"]),
        (lambda: Dropout(p=0.5), ["Dropout", "use rate"]),
        (lambda: EarlyStopping(patiense=3), ["EarlyStopping", "did you mean 'patience'"]),
        (lambda: ffnn.Sequential([Dense(1)], input_shape=(4,)), ["Sequential", "input_dim"]),
        (lambda: model().compile(optimiser="sgd"), ["compile", "did you mean 'optimizer'"]),
        (lambda: model().fit(X, Y, lr=0.1), ["fit", "use learning_rate"]),
        (lambda: model().fit(X, Y, nb_epoch=1), ["fit", "use epochs"]),
        (lambda: model().predict(X, batchsize=1), ["predict", "did you mean 'batch_size'"]),
        (lambda: model().evaluate(X, Y, verbose=0), ["evaluate", "'verbose'", "batch_size"]),
        (lambda: ffnn.Sequential.from_sizes([2, 1], "relu", lr=1), ["Dense", "use learning_rate"]),
    ],
)
def test_an_unknown_argument_says_what_to_write_instead(call, parts):
    with pytest.raises(TypeError) as caught:
        call()

    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("owner", "name", "ours"),
    [
        (model, "get_layer", "layers"),
        (model, "add", "Sequential("),
        (model, "predict_classes", "argmax"),
        (model, "state_dict", "get_weights"),
        (lambda: Dense(1), "kernel", "params['weight']"),
        (SGD, "lr", "learning_rate"),
    ],
)
def test_an_unknown_attribute_says_what_to_write_instead(owner, name, ours):
    holder = owner()
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': use ") as caught:
        getattr(holder, name)

    assert ours in str(caught.value)
    assert not hasattr(holder, name)


def test_an_attribute_that_nobody_has_is_reported_as_usual():
    with pytest.raises(AttributeError, match=r"^SGD has no attribute 'colour'$"):
        SGD().colour  # noqa: B018


def test_the_error_inside_a_property_is_not_hidden():
    class Broken(Dense):
        @property
        def trouble(self):
            return self.not_there

    with pytest.raises(AttributeError, match="not_there"):
        Broken(1).trouble  # noqa: B018


def test_other_type_errors_and_free_keywords_stay():
    @explain_names
    def free(**options):
        raise TypeError("inside")

    for call in (lambda: free(lr=1), lambda: Dense("3"), Dense):
        with pytest.raises(TypeError) as caught:
            call()
        assert "there is no argument" not in str(caught.value)


@pytest.mark.parametrize("owner", [Dense, Adam, EarlyStopping, ffnn.Sequential, model().fit])
def test_signatures_are_those_of_the_code(owner):
    parameters = list(inspect.signature(owner).parameters)

    assert parameters
    assert "args" not in parameters


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["train", "--lr", "0.1", "digits"], ["--lr", "use --learning-rate"]),
        (["train", "digits", "--lr=0.1"], ["--lr", "use --learning-rate"]),
        (["train", "digits", "--epoch", "3"], ["--epoch", "use --epochs"]),
        (["train", "digits", "--random-state", "3"], ["use --seed"]),
        (["train", "digits", "--solver", "adam"], ["use --optimizer"]),
        (["train", "digits", "--hiden", "3"], ["did you mean '--hidden'"]),
        (["train", "digits", "-e", "3"], ["unknown option -e"]),
        (["--lr", "train"], ["unknown option --lr"]),
        (["trian", "digits"], ["unknown command 'trian'", "did you mean 'train'", "gradcheck"]),
        (["sumary", "m.h5"], ["did you mean 'summary'"]),
    ],
)
def test_an_unknown_option_or_command_says_what_to_write_instead(arguments, parts, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    for part in parts:
        assert part in err


def test_no_hint_names_what_it_explains():
    assert all(ours not in HINTS for ours in HINTS.values())
