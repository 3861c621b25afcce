"""Learning-rate factors and exceptions from weight decay, by the names of parameters."""

import math
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.core.memory import ParameterVector
from ffnn.layers import Dense, RMSNorm, Scale
from ffnn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from ffnn.schedules import PiecewiseConstantDecay

NAMES = ("weight", "bias", "gamma", "weight", "bias")
SIZES = (6, 2, 2, 4, 1)
OF_EACH = np.repeat(NAMES, SIZES)
FACTORS = {"bias": 0.25, "gamma": 6.0}
F = np.array([FACTORS.get(name, 1.0) for name in OF_EACH])
RULES = {
    "sgd": lambda **options: SGD(0.1, **options),
    "momentum": lambda **options: SGD(0.1, momentum=0.9, **options),
    "nesterov": lambda **options: SGD(0.1, momentum=0.9, nesterov=True, **options),
    "clipped entries": lambda **options: SGD(0.1, clipvalue=0.5, **options),
    "clipped": lambda **options: SGD(0.1, clipnorm=0.5, **options),
    "rmsprop": lambda **options: RMSprop(0.1, **options),
    "adagrad": lambda **options: Adagrad(0.1, **options),
    "nadam": lambda **options: Nadam(0.1, **options),
    "adam": lambda **options: Adam(0.1, **options),
    "adamw": lambda **options: AdamW(0.1, 0.5, **options),
}


def run(optimizer, steps=3, dtype="float64"):
    """Return the parameters after some updates by fixed gradients."""
    (first, second, third, fourth, fifth) = ((size,) for size in SIZES)
    shapes = [
        {"weight": first, "bias": second},
        {"gamma": third},
        {"weight": fourth, "bias": fifth},
    ]
    vector = ParameterVector(shapes, dtype)
    rng = np.random.default_rng(0)
    vector.values[:] = rng.normal(size=15)
    optimizer.bind(vector)
    for _ in range(steps):
        vector.gradients[:] = rng.normal(size=15)
        optimizer.step()
    return vector.values.copy()


def gradients(steps=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=15), [rng.normal(size=15) for _ in range(steps)]


def test_sgd_by_its_formula():
    w, all_g = gradients()
    for g in all_g:
        w -= 0.1 * F * g
    np.testing.assert_allclose(run(SGD(0.1, learning_rate_factors=FACTORS)), w, rtol=1e-13)


def test_adamw_by_its_formula():
    w, all_g = gradients()
    decays = OF_EACH != "bias"
    m, v = np.zeros(15), np.zeros(15)
    for t, g in enumerate(all_g, start=1):
        w *= np.where(decays, 1.0 - 0.1 * F * 0.5, 1.0)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        root = math.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
        w -= 0.1 * F * root * m / (np.sqrt(v) + 1e-7)
    rule = AdamW(0.1, 0.5, learning_rate_factors=FACTORS, decay_exclude=["bias"])
    np.testing.assert_allclose(run(rule), w, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_parameter_is_updated_as_at_its_own_rate(rule, dtype):
    found = run(RULES[rule](learning_rate_factors=FACTORS), dtype=dtype)

    for name in ("weight", "bias", "gamma"):
        alone = RULES[rule]()
        alone.learning_rate = 0.1 * FACTORS.get(name, 1.0)
        expected = run(alone, dtype=dtype)
        np.testing.assert_array_equal(found[name == OF_EACH], expected[name == OF_EACH])


@pytest.mark.parametrize("rule", RULES)
def test_a_factor_of_0_leaves_the_parameters_as_they_are(rule):
    start, _ = gradients()
    found = run(RULES[rule](learning_rate_factors={"weight": 0.0}))

    np.testing.assert_array_equal(found == start, OF_EACH == "weight")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("factors", [{}, {"bias": 1.0}, {"weight": 1.0, "bias": 1.0, "gamma": 1.0}])
def test_factors_of_1_change_no_bit(rule, factors):
    found = run(RULES[rule](learning_rate_factors=factors), dtype="float32")

    np.testing.assert_array_equal(found, run(RULES[rule](), dtype="float32"))


def test_what_does_not_decay_is_updated_as_by_adam():
    found = run(AdamW(0.1, 0.5, decay_exclude=["weight", "gamma"]))

    np.testing.assert_array_equal(found[OF_EACH == "bias"], run(AdamW(0.1, 0.5))[OF_EACH == "bias"])
    np.testing.assert_array_equal(found[OF_EACH != "bias"], run(Adam(0.1))[OF_EACH != "bias"])


def test_a_scheduled_decay_excludes_too():
    decay = PiecewiseConstantDecay([0, 1], [0.5, 0.0, 0.5])
    found = run(AdamW(0.1, decay, decay_exclude=["weight"]))

    np.testing.assert_array_equal(found[OF_EACH == "weight"], run(Adam(0.1))[OF_EACH == "weight"])
    np.testing.assert_array_equal(
        found[OF_EACH != "weight"], run(AdamW(0.1, decay))[OF_EACH != "weight"]
    )


# -- in a model ------------------------------------------------------------------------------------


X = np.random.default_rng(0).standard_normal((40, 3))
Y = X[:, 0] * X[:, 1]


def model(optimizer, input_dim=3, **options):
    layers = [Scale(), Dense(4, "tanh"), RMSNorm(), Dense(1)]
    made = ffnn.Sequential(layers, input_dim=input_dim, seed=0)
    made.compile(optimizer, **options)
    return made


def factored():
    return AdamW(0.01, learning_rate_factors={"gamma": 6, "bias": 0.1}, decay_exclude=["bias"])


def test_a_training_is_saved_and_resumed_bit_for_bit(tmp_path):
    straight, first, second = (model(factored()) for _ in range(3))
    straight.fit(X, Y, epochs=4, verbose=0)
    first.fit(X, Y, epochs=2, verbose=0)
    first.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    second.fit(X, Y, epochs=4, verbose=0, resume_from=tmp_path / "model.h5")
    pickled = pickle.loads(pickle.dumps(loaded))

    for each in (loaded, pickled):
        assert repr(each.optimizer) == repr(first.optimizer)
        each.fit(X, Y, epochs=4, initial_epoch=2, verbose=0)
        np.testing.assert_array_equal(each.parameters, straight.parameters)
    np.testing.assert_array_equal(second.parameters, straight.parameters)
    with pytest.raises(ValueError, match="of another model: optimizer there"):
        model(AdamW(0.01)).fit(X, Y, epochs=4, verbose=0, resume_from=tmp_path / "model.h5")


def test_the_order_of_the_names_does_not_matter():
    one, other = (
        SGD(learning_rate_factors={"a": 1, "b": 2}),
        SGD(learning_rate_factors={"b": 2, "a": 1}),
    )
    assert repr(one) == repr(other)


@pytest.mark.parametrize("cls", list(OPTIMIZERS), ids=lambda cls: cls.__name__)
def test_a_name_that_no_parameter_has_is_refused_before_anything_is_done(cls):
    message = (
        f"{cls.__name__}: learning_rate_factors names 'gama' .did you mean 'gamma'.., but the "
        "parameters of this model are bias, gamma, weight"
    )
    rule = cls(learning_rate_factors={"gama": 6.0})
    built = model("sgd")
    before = built.optimizer
    with pytest.raises(ValueError, match=message):
        built.compile(rule)
    assert built.optimizer is before

    later = model(rule, input_dim=None)
    with pytest.raises(ValueError, match=message):
        later.fit(X, Y, verbose=0)
    assert not later.is_built
    assert not any(layer.is_built for layer in later.layers)


def test_a_name_in_decay_exclude_that_no_parameter_has_is_refused():
    message = r"AdamW: decay_exclude names 'beta', but the parameters"
    with pytest.raises(ValueError, match=message):
        model(AdamW(decay_exclude=["beta"]))


def test_what_is_set_later_holds_from_the_next_update():
    trained = model(SGD(0.1))
    rule = trained.optimizer
    rule.learning_rate_factors = {"weight": 0.0}
    before = trained.layers[1].params["weight"].copy()
    trained.train_on_batch(X, Y)
    np.testing.assert_array_equal(trained.layers[1].params["weight"], before)

    rule.learning_rate_factors["weight"] = 5.0  # a copy
    trained.train_on_batch(X, Y)
    np.testing.assert_array_equal(trained.layers[1].params["weight"], before)
    with pytest.raises(ValueError, match="names 'wait'"):
        rule.learning_rate_factors = {"wait": 1.0}
    assert rule.learning_rate_factors == {"weight": 0.0}
    rule.learning_rate_factors = None
    trained.train_on_batch(X, Y)
    assert (trained.layers[1].params["weight"] != before).all()


def test_what_does_not_decay_may_be_set_later():
    trained = model(AdamW(0.0, 0.5))
    trained.optimizer.decay_exclude = ["weight"]
    assert trained.optimizer.decay_exclude == ["weight"]
    with pytest.raises(ValueError, match="decay_exclude names 'wait'"):
        trained.optimizer.decay_exclude = ["wait"]
    assert trained.optimizer.decay_exclude == ["weight"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(learning_rate_factors=0.1), TypeError, "must be a dict, .*got 0.1"),
        (
            lambda: SGD(learning_rate_factors=["bias"]),
            TypeError,
            r"must be a dict, .*got \['bias'\]",
        ),
        (
            lambda: Adam(learning_rate_factors={"bias": -1}),
            ValueError,
            r"Adam: learning_rate_factors\['bias'\] must be .*got -1",
        ),
        (lambda: Adam(learning_rate_factors={"bias": "a"}), TypeError, "must be a number, got 'a'"),
        (lambda: Adam(learning_rate_factors={1: 0.5}), TypeError, "a name .* must be a string"),
        (
            lambda: AdamW(decay_exclude="bias"),
            TypeError,
            "decay_exclude must be a list, got 'bias'",
        ),
        (lambda: AdamW(decay_exclude=[1]), TypeError, "a name in decay_exclude must be a string"),
    ],
)
def test_wrong_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_explanation_shows_the_numbers_of_each_parameter():
    explanation = model(factored()).explain_step(X[:2], Y[:2])
    text = " ".join(str(explanation).split())

    assert "η ← η f" in text
    assert "w ← (1 - η λ d) w" in text
    assert "f is the factor of a parameter's learning rate." in text
    assert "d is 1 for a parameter that decays, else 0." in text
    numbers = {
        symbol: float(array)
        for step in explanation
        if " of " in step.kind
        for symbol, array in step.arrays.items()
        if symbol[:2] in ("f_", "d_")
    }
    assert numbers == {"f_γ": 6.0, "d_γ": 1.0, "f_W": 1.0, "d_W": 1.0, "f_b": 0.1, "d_b": 0.0}


def test_an_estimator_keeps_the_optimizer_whole():
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    trained = model(Adam(learning_rate_factors={"bias": 0.1}))

    assert repr(trained.as_estimator().solver) == repr(trained.optimizer)
