"""Names of other libraries are answered with ours: arguments, attributes, options."""

import copy
import inspect

import numpy as np
import pytest

import ffnn
from ffnn.activations import LeakyReLU
from ffnn.callbacks import EarlyStopping, Recorder
from ffnn.cli import main
from ffnn.core.hints import HINTS, Guarded, explain_names
from ffnn.initializers import HeUniform
from ffnn.layers import Dense, Dropout
from ffnn.losses import BinaryCrossentropy, BinaryFocalCrossentropy
from ffnn.optimizers import SGD, Adam, AdamW, Nadam
from ffnn.regularizers import L1L2
from ffnn.schedules import CosineDecay


def model():
    model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
    model.compile()
    return model


X, Y = np.eye(2), np.ones(2)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: Adam(lr=0.1), ["Adam", "'lr'", "use learning_rate"]),
        (lambda: Nadam(betas=(0.9, 0.99)), ["Nadam", "use beta_1 and beta_2"]),
        (lambda: BinaryFocalCrossentropy(beta=1), ["BinaryFocalCrossentropy: there", "gamma"]),
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


LIBRARY_PARTS = [
    Dense(1),
    Dropout(0.5),
    LeakyReLU(),
    BinaryCrossentropy(),
    SGD(),
    Adam(),
    AdamW(),
    CosineDecay(0.1, 10),
    HeUniform(),
    L1L2(0.1),
    EarlyStopping(),
    Recorder(),
    model(),
]


def kind(part):
    return type(part).__name__


@pytest.mark.parametrize("part", LIBRARY_PARTS, ids=kind)
def test_setting_a_name_of_another_library_is_refused(part):
    part = copy.copy(part)
    names = [*type(part).hints, *([] if is_quick(part) else HINTS)]
    for name in names:
        if name in inspect.signature(type(part)).parameters or hasattr(part, name):
            continue
        with pytest.raises(AttributeError, match=f"no attribute '{name}': use "):
            setattr(part, name, 1)
        with pytest.raises(AttributeError, match=f"no attribute '{name}': use "):
            getattr(part, name)
        assert name not in vars(part)
        assert name not in dir(part)


def is_quick(part):
    """Tell whether attributes are set several times a step, and thus not checked but for some."""
    return not isinstance(part, Guarded)


@pytest.mark.parametrize("part", [part for part in LIBRARY_PARTS if not is_quick(part)], ids=kind)
def test_setting_nearly_an_arguments_name_is_refused(part):
    for name in inspect.signature(type(part)).parameters:
        for near in (name + "s", name[:-1] + "_" + name[-1]):
            if len(name) > 4 and not hasattr(part, near):
                with pytest.raises(AttributeError, match=f"'{near}' \\(did you mean|: use"):
                    setattr(part, near, 1)


@pytest.mark.parametrize(
    ("owner", "name", "ours"),
    [
        (SGD, "lr", "learning_rate"),
        (Adam, "momentum", "beta_1"),
        (SGD, "weight_decay", "AdamW"),
        (lambda: Dense(1), "kernel", "params['weight']"),
        (lambda: Dense(1), "bias", "params['bias']"),
        (lambda: Dense(1), "requires_grad", "trainable of a layer"),
        (model, "trainable", "model.layers[0].trainable = False"),
        (lambda: Dropout(0.1), "p", "rate"),
        (BinaryCrossentropy, "from_logits", "the loss computes from logits"),
        (model, "learning_rate", "optimizer.learning_rate"),
        (model, "epochs", "epochs of fit"),
        (model, "stop_train", "did you mean 'stop_training'"),
    ],
)
def test_setting_says_what_to_write_instead(owner, name, ours):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'") as caught:
        setattr(owner(), name, 1)

    assert ours in str(caught.value)


@pytest.mark.parametrize("part", LIBRARY_PARTS, ids=kind)
def test_attributes_of_the_users_own_may_be_set(part):
    part = copy.copy(part)
    part.comment = "mine"
    assert part.comment == "mine"


@pytest.mark.parametrize("base", [Dense, Dropout, SGD, BinaryCrossentropy, EarlyStopping])
def test_classes_of_the_users_own_may_use_any_name(base):
    class Own(base):
        def __init__(self, *args):
            self.lr = self.p = self.kernel = self.epoch = self.patiense = self.from_logits = 2
            super().__init__(*args)
            self.weights, self.trainable = 3, False

    own = Own(*([0.5] if base is Dropout else [1] if base is Dense else []))
    assert {"kernel", "lr", "p", "weights"} <= set(dir(own))
    assert own.kernel == own.lr == own.p == own.epoch == own.from_logits == 2
    assert own.weights == 3
    assert own.trainable is False


def test_classes_of_the_users_own_may_change_what_they_take():
    class Own(Dropout):
        def __init__(self, start):
            super().__init__(start)

    own = Own(0.5)
    own.rate = 0.0
    assert own.rate == 0.0


def test_a_network_of_the_users_own_may_use_any_name():
    class Own(ffnn.Sequential):
        def __init__(self, seed):
            super().__init__([Dense(1)], seed=seed)
            self.seed = seed
            self.epochs = self.learning_rate = 3

    assert Own(5).seed == 5
    assert Own(5).epochs == 3


@pytest.mark.parametrize("name", ["layers", "dtype", "seed", "optimizer", "loss", "metrics"])
def test_what_a_model_was_made_or_compiled_with_cannot_be_set(name):
    built = model()
    before = getattr(built, name)
    with pytest.raises(AttributeError, match=f"{name} cannot be set; (make a|call compile)"):
        setattr(built, name, None)
    assert getattr(built, name) is before


@pytest.mark.parametrize("name", [*inspect.signature(Dense).parameters])
def test_a_layer_that_was_changed_after_it_was_built_is_not_trained(name):
    built = model()
    layer = built.layers[0]
    before, parameters = getattr(layer, name), built.parameters.copy()
    setattr(layer, name, 3)
    with pytest.raises(ValueError, match=f"Dense 'dense_1': {name} was changed after .* built"):
        built.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(built.parameters, parameters)
    assert built.history is None
    setattr(layer, name, before)
    built.fit(X, Y, verbose=0)


def test_a_rate_may_be_changed_at_any_time():
    built = ffnn.Sequential([Dropout(0.5), Dense(1)], input_dim=2, seed=0)
    built.compile()
    built.layers[0].rate = 0.0
    built.fit(X, Y, verbose=0)


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.9), (0.9, 0.0)])
def test_momentum_can_be_changed_but_not_come_or_go(before, after):
    optimizer, built = SGD(0.1, momentum=before), ffnn.Sequential([Dense(1)], seed=0)
    built.compile(optimizer)
    built.fit(X, Y, verbose=0)
    with pytest.raises(AttributeError, match="compile with a new one"):
        optimizer.momentum = after
    optimizer.momentum = before and 0.5
    built.fit(X, Y, verbose=0)


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
