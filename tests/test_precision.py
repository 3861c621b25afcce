"""Numbers that are lost in the dtype of a model are refused where it is built or compiled."""

from __future__ import annotations

import inspect
import math
import re

import numpy as np
import pytest

import ffnn
from ffnn import losses, metrics, optimizers, schedules  # noqa: F401  the families
from ffnn.core.registry import Configurable, Family
from ffnn.initializers import Constant, Initializer, RandomNormal, RandomUniform
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from ffnn.optimizers import SGD, Adam
from ffnn.regularizers import L2

TOO_SMALL, TOO_LARGE = 1e-200, 1e300  # for float32, and for its squares and square roots
# Used as Python floats: η may fall to nothing in a long training, and of λ only 1 - η λ counts.
NOT_IN_THE_DTYPE = {"learning_rate", "learning_rate_factors", "weight_decay"}
NEEDED = {
    "activation": "leaky_relu",
    "boundaries": [],
    "categories": [2, 2],
    "decay_rate": 0.5,
    "decay_steps": 5,
    "high": 1.0,
    "initial_learning_rate": 0.1,
    "low": 0.0,
    "members": [[Dense(2)], [Dense(2)]],
    "rate": 0.5,
    "scale": 0.5,
    "units": 2,
    "values": [0.1],
}


def registered(*kinds):
    parts = [(kind, cls) for kind in kinds or Family.by_kind for cls in Family.by_kind[kind]]
    return [(kind, cls) for kind, cls in parts if cls.__module__.startswith("ffnn.")]


def arguments():
    """Yield kind, class and name of each argument of a registered part that may be a float."""
    for kind, cls in registered():
        if kind in ("metric", "schedule") or cls.__init__ is object.__init__:
            continue
        for name, parameter in inspect.signature(cls).parameters.items():
            if "float" in str(parameter.annotation) and name not in NOT_IN_THE_DTYPE:
                yield pytest.param(kind, cls, name, id=f"{cls.__name__}.{name}")


def make(cls, name="", value=0.0):
    """Return a part in which one argument has a value; None if no number of that size is right."""
    parameters = (
        inspect.signature(cls).parameters.values() if cls.__init__ is not object.__init__ else ()
    )
    given = {each.name: NEEDED[each.name] for each in parameters if each.default is each.empty}
    for signed in (value, -value):
        try:
            return cls(**given | ({name: signed} if name else {}))
        except ValueError as error:
            if "must be" not in str(error):
                raise
    return None


def use(kind, part, dtype):
    """Return a model, and how it meets a part."""
    options = {kind: part} if kind in ("optimizer", "loss") else {}
    own = {f"weight_{kind}": part} if kind in ("initializer", "regularizer") else {}
    layers = [Dense(2, **own), *([part] if kind in ("layer", "activation") else [])]
    ending = "sigmoid" if "Binary" in repr(part) else "softmax"
    layers += [Activation(ending)] if "crossentropy" in repr(part).lower() else []
    model = ffnn.Sequential(layers, dtype=dtype)
    model.compile("sgd", "mse")
    return model, (lambda: model.compile(**options)) if options else lambda: model.build(3)


@pytest.mark.parametrize("value", [TOO_SMALL, TOO_LARGE])
@pytest.mark.parametrize(("kind", "cls", "name"), list(arguments()))
def test_a_number_that_float32_cannot_hold_is_refused_there_and_taken_in_float64(
    kind, cls, name, value
):
    part = make(cls, name, value)
    if part is None:
        assert value == TOO_LARGE  # out of the argument's range in any dtype
        return
    model, meet = use(kind, part, "float32")
    before = model.optimizer, model.loss, model.metrics

    with pytest.raises(
        ValueError, match=rf"\b{name}\b.* becomes (0|infinite) in float32"
    ) as caught:
        meet()

    assert f"{cls.__name__}" in str(caught.value)
    assert "give dtype='float64' or " in str(caught.value)
    assert (model.optimizer, model.loss, model.metrics) == before
    assert not model.is_built
    assert not any(layer.is_built for layer in model.layers)
    _, meet = use(kind, make(cls, name, value), "float64")
    meet()
    if kind in ("optimizer", "loss"):
        use(kind, part, "float64")[1]()  # it was not taken by the model that refused it


def test_the_family_has_what_is_known_to_be_used_in_the_dtype():
    found = {param.id for param in arguments()}

    assert found >= {
        *["Adam.epsilon", "RMSprop.epsilon", "SGD.clipnorm", "Huber.delta", "Dropout.rate"],
        *["LayerNorm.epsilon", "RMSNorm.epsilon", "BatchNorm.epsilon", "Rescaling.scale"],
        *["LeakyReLU.negative_slope", "ELU.alpha", "L1.l1", "L2.l2", "Constant.value"],
        *["RandomNormal.mean", "RandomNormal.variance", "RandomUniform.high"],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", [cls for _, cls in registered()])
def test_every_dtype_holds_ordinary_numbers(cls, dtype):
    make(cls).check_numbers(dtype, "here")


@pytest.mark.parametrize(("kind", "cls"), registered("metric", "schedule"))
def test_metrics_and_schedules_compute_in_float64(kind, cls):
    numbers = [each.annotation for each in inspect.signature(cls).parameters.values()]

    assert kind == "schedule" or "float" not in str(numbers)
    if kind == "schedule":
        assert cls.numbers is ffnn.schedules.Schedule.numbers


@pytest.mark.parametrize("value", [0.0, 1e-40, -1e-40, 3e38, -3e38])
def test_zero_and_numbers_within_the_range_are_taken(value):
    Dense(2, bias_initializer=Constant(value)).build(3)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (LayerNorm(1e-60), r"LayerNorm 'layer_norm_1': epsilon=1e-60 becomes 0 in float32"),
        (BatchNorm(epsilon=1e-60), r"BatchNorm 'batch_norm_1': epsilon=1e-60 becomes 0"),
        (
            Dense(2, weight_initializer=Constant(-1e300)),
            r"Dense 'dense_1': weight_initializer Constant: value=-1e\+300 becomes infinite",
        ),
        (
            Dense(2, weight_regularizer=L2(2e38)),
            r"Dense 'dense_1': weight_regularizer L2: 2 \* l2=4e\+38 becomes infinite in float32",
        ),
        (Dropout(1.0 - 1e-12), "Dropout 'dropout_1': rate=0.999999999999 becomes 1 in float32"),
    ],
    ids=str,
)
def test_the_message_says_where_the_number_stands(part, message):
    with pytest.raises(ValueError, match=message):
        ffnn.Sequential([part], input_dim=3)
    with pytest.raises(ValueError, match=re.sub(r" '\w+'", "", message)):
        part.clone().build(3)
    part.clone().build(3, dtype="float64")


class OwnInitializer(Initializer):
    """One of a user's own, which draws more than float32 holds."""

    def fill(self, out, fan_in, fan_out, rng):
        out[...] = rng.uniform(1e40, 1e41, out.shape)


@pytest.mark.parametrize("initializer", [RandomNormal(variance=4e76), OwnInitializer()], ids=repr)
def test_draws_that_overflow_are_refused(initializer):
    layers = [Dense(200, weight_initializer=initializer)]
    model = ffnn.Sequential(layers)

    with pytest.raises(ValueError, match=r"Dense 'dense_1': the initial weight by .* in float32"):
        model.build(20)

    assert not model.is_built
    ffnn.Sequential([layers[0].clone()], input_dim=20, dtype="float64")


def test_an_interval_wider_than_all_numbers_is_refused():
    with pytest.raises(ValueError, match="RandomUniform: high - low must be a finite number"):
        RandomUniform(-1e308, 1e308)


class Bundle(Layer):
    """A layer of a user's own, which keeps others and forgets an argument."""

    def __init__(self, layers, shift, forgotten=1e-60):
        self.layers, self.shift = layers, shift

    def forward(self, x, training=False):
        return x


def test_parts_within_parts_of_a_users_own_are_asked_too():
    with pytest.raises(ValueError, match=r"Bundle: layers Dropout: rate=.* becomes 1"):
        Bundle([Dropout(0.5), Dropout(1.0 - 1e-12)], 0.0).build(3)
    with pytest.raises(ValueError, match=r"Bundle: shift=1e\+60 becomes infinite"):
        Bundle([], 1e60).build(3)
    for harmless in (2, 10**400, math.inf, math.nan, None, "1e60"):
        Bundle([Dropout(0.5)], harmless).build(3)


@pytest.mark.parametrize("settings", [{"epsilon": 1e-50}, {"alpha": 1e-50}, {"l1": 1e300}])
def test_estimators_refuse_before_they_train(settings):
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    from ffnn.estimators import FFNNClassifier

    x = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    estimator = FFNNClassifier((4,), max_iter=2, **settings)

    with pytest.raises(ValueError, match=rf"\b{next(iter(settings))}.* in float32"):
        estimator.fit(x, x[:, 0] > 0.0)


def test_a_file_with_such_a_number_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model.h5"
    with monkeypatch.context() as patched:
        patched.setattr(Configurable, "check_numbers", lambda *_: None)
        model = ffnn.Sequential([Dense(2)], input_dim=3)
        model.compile(Adam(epsilon=1e-50), "mse")
        model.save(path)

    with pytest.raises(ffnn.ModelFileError, match=r"epsilon.* becomes 0 in float32"):
        ffnn.load_model(path)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (lambda model: model.layers[1], "epsilon"),
        (lambda model: model.layers[0].activation, "alpha"),
        (lambda model: model.layers[0].weight_regularizer, "l1"),
        (lambda model: model.optimizer, "epsilon"),
        (lambda model: model.loss, "delta"),
    ],
)
def test_what_was_changed_to_such_a_number_is_refused_by_the_next_training(place, name):
    rows = np.random.default_rng(0).standard_normal((20, 3))
    layers = [Dense(2, "elu", weight_regularizer="l1"), LayerNorm(), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3)
    model.compile("adam", "huber")
    model.fit(rows, rows[:, 0], verbose=0)
    setattr(place(model), name, 1e-60)
    before, history = model.get_weights(), model.history

    with pytest.raises(ValueError, match=rf"\b{name}\b.* becomes 0 in float32"):
        model.fit(rows, rows[:, 0], verbose=0)

    np.testing.assert_equal(model.get_weights(), before)
    assert model.history is history


def test_what_was_changed_to_such_a_number_is_not_saved(tmp_path):
    model = ffnn.Sequential([Dense(2)], input_dim=3)
    model.compile(SGD(clipnorm=1.0), "mse")
    model.optimizer.clipnorm = 1e-60

    with pytest.raises(ValueError, match=r"clipnorm=1e-60 becomes 0 in float32"):
        model.save(tmp_path / "model.h5")

    assert not list(tmp_path.iterdir())
