"""All losses after all activations: exact from logits, or refused; rows of weight 0; bad values."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS, ActivationFunction, Sigmoid
from ffnn.layers import Dense
from ffnn.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    LogRatePoisson,
    Poisson,
    SigmoidCrossentropy,
    SigmoidFocalCrossentropy,
    SoftmaxBinaryCrossentropy,
    SoftmaxCrossentropy,
    SoftmaxFocalCrossentropy,
    SoftplusPoisson,
)

ENDINGS = [None, *(names[0] for names in ACTIVATIONS.names())]
PROBABILITY_LOSSES = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
]
EXACT = {
    ("binary_crossentropy", "sigmoid"),
    ("binary_crossentropy", "softmax"),
    ("categorical_crossentropy", "softmax"),
    ("sparse_categorical_crossentropy", "softmax"),
}


def network_of_logits(units, activation, loss, dtype="float32"):
    """Return a network whose last activation is given its inputs as they are."""
    layer = Dense(units, activation, use_bias=False, weight_initializer="zeros")
    model = ffnn.Sequential([layer], dtype=dtype)
    model.compile("sgd", loss)
    model.build(units)
    model.layers[0].params["weight"][...] = np.eye(units)
    return model


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("loss", PROBABILITY_LOSSES)
def test_a_probability_loss_works_on_logits_or_is_refused(loss, ending):
    if (loss, ending) not in EXACT:
        with pytest.raises(ValueError, match=f"^{loss} needs .*Let the last layer have activ"):
            network_of_logits(2, ending, loss)
        return
    model = network_of_logits(2, ending, loss)
    assert model.step.loss is not model.loss  # which takes the activation's place


@pytest.mark.parametrize("ending", ENDINGS)
def test_poisson_is_exact_or_refused_after_every_activation(ending):
    if ending not in ("exponential", "softplus", "relu"):
        with pytest.raises(ValueError, match=r"^poisson needs outputs of at least 0 .*exponential"):
            network_of_logits(2, ending, "poisson")
        return
    for logit in [-30.0, -3.0, 3.0] if ending != "relu" else [0.5, 3.0]:  # the mean of two
        model = network_of_logits(2, ending, "poisson", "float64")
        value = model.compute_gradients([[logit, logit]], [[1.0, 1.0]])
        rate = {"exponential": np.exp, "softplus": lambda z: np.log1p(np.exp(z))}
        p = rate.get(ending, lambda z: z)(logit)
        assert value == pytest.approx(-np.log(p) - 1.0 + p, rel=1e-9)


@pytest.mark.parametrize("base", [Sigmoid, ffnn.activations.Softmax])
def test_poisson_refuses_classes_derived_from_shares(base):
    ending = type("Derived", (base,), {})()
    with pytest.raises(
        ValueError, match=r"poisson needs .* the network ends in activation Derived"
    ):
        network_of_logits(2, ending, "poisson")


class FromOutput(ActivationFunction):
    """A sigmoid of the user's, whose derivative is computed from y."""

    output_range = (0.0, 1.0)

    def forward(self, x, training=False):
        with np.errstate(over="ignore"):
            self.x, self.y = x, 1.0 / (1.0 + np.exp(-x))
        return self.y

    def backward(self, grad):
        return grad * self.y * (1.0 - self.y)


class FromInput(FromOutput):
    """One whose derivative is computed from x, which is not 0 where y has rounded to 1."""

    def backward(self, grad):
        e = np.exp(-np.abs(self.x))
        return grad * e / (1.0 + e) ** 2


@pytest.mark.parametrize("base", ENDINGS[1:])
@pytest.mark.parametrize("loss", [names[0] for names in LOSSES.names()])
def test_a_loss_refuses_classes_derived_from_those_that_it_is_exact_after(loss, base):
    activation = ACTIVATIONS.get(base)
    fused = LOSSES.get(loss).fuse(activation)
    ending = type("Derived", (type(activation),), {})()
    if fused is not None:
        with pytest.raises(ValueError, match=f"^{loss} .* itself, .* ends in activation Derived"):
            network_of_logits(2, ending, loss)
        own = type("Own", (type(LOSSES.get(loss)),), {"fuse": lambda self, activation: fused})
        model = network_of_logits(2, ending, own())  # a loss that knows the class's input
        assert model.step.loss is fused
    elif accepts(loss, base):
        assert network_of_logits(2, ending, loss).step.stages


def accepts(loss, ending):
    try:
        LOSSES.get(loss).check_output(ACTIVATIONS.get(ending))
    except ValueError:
        return False
    return True


LOGITS = [-1e4, -200.0, -80.0, -40.0, -17.0, -3.0, 3.0, 15.0, 17.0, 37.0, 80.0, 200.0, 1e4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("ending", [FromOutput, FromInput])
def test_binary_crossentropy_after_a_users_activation_stays_finite_and_right_in_sign(
    ending, y, dtype
):
    for z in LOGITS:
        model = network_of_logits(1, ending(), "bce", dtype)
        assert model.step.loss is model.loss
        with np.errstate(over="raise", invalid="raise"):
            value = model.compute_gradients([[z]], [[y]])
        exact = max(z, 0.0) - z * y + np.log1p(np.exp(-abs(z)))
        far = -np.log(np.finfo(dtype).eps)  # where p rounds to 1
        assert np.isfinite(value)
        assert value >= min(exact, (1.0 - y) * far if z > 0 else y * far) * 0.9
        gradient = model.layers[0].grads["weight"][0, 0] / z
        slope = 1.0 / (1.0 + np.exp(-max(z, -700.0))) - y
        assert 0.0 <= gradient * np.sign(slope) <= abs(slope) * 1.1 + 1e-6
        if abs(z) < far - 2.0:
            assert value == pytest.approx(exact, rel=1e-2)
            assert gradient == pytest.approx(slope, rel=0.1, abs=1e-6)


SPREADS = [0.5, 3.0, 17.0, 40.0, 87.0, 88.0, 100.0, 1e4, 1e30]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", SPREADS)
@pytest.mark.parametrize("loss", [SoftmaxCrossentropy, SoftmaxBinaryCrossentropy])
def test_a_wrong_answer_of_two_softmax_units_costs_its_logit(loss, k, dtype):
    # -log p of the second unit is log(1 + e^k), which is also -log(1 - p) of the first.
    part, z, y = loss(), np.array([[k, 0]], dtype), np.array([[0, 1]], dtype)
    value = part.forward(z.copy(), y)
    precision = 8 * float(np.finfo(dtype).eps)
    assert value == pytest.approx(k + np.log1p(np.exp(-k)), rel=precision)
    slope = 1.0 / (1.0 + np.exp(-k))
    np.testing.assert_allclose(part.backward(), [[slope, -slope]], rtol=1e-6)
    right = part.forward(z.copy(), np.array([[1, 0]], dtype))
    # The categorical loss takes log Σ e^z as it is, the binary one as log(1 + rest).
    rounding = precision if loss is SoftmaxCrossentropy else 1e-44
    assert right == pytest.approx(np.log1p(np.exp(-k)), rel=precision, abs=rounding)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", SPREADS)
def test_a_model_of_two_softmax_units_with_binary_crossentropy(k, dtype):
    model = network_of_logits(2, "softmax", "bce", dtype)
    value = model.compute_gradients([[k, 0.0]], [[0.0, 1.0]])
    assert value == pytest.approx(k + np.log1p(np.exp(-k)), rel=1e-6)
    slope = k / (1.0 + np.exp(-k))  # ∂L/∂W is the input times ∂L/∂z
    gradient = model.layers[0].grads["weight"]
    np.testing.assert_allclose(np.sort(gradient.ravel()), [-slope, 0, 0, slope], rtol=1e-6)


def reference(z, y):
    """Return binary cross-entropy after a softmax, in extended precision."""
    e = np.exp(z.astype(np.longdouble) - z.max(axis=1, keepdims=True))
    total = e.sum(axis=1, keepdims=True)
    others = total - e
    for row, column in enumerate(e.argmax(axis=1)):
        others[row, column] = np.delete(e[row], column).sum()
    return float(-(y * np.log(e / total) + (1 - y) * np.log(others / total)).mean())


@pytest.mark.parametrize("units", [2, 3, 8])
@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
@pytest.mark.parametrize("targets", ["soft", "bits", "one-hot"])
def test_binary_crossentropy_of_a_softmax_and_its_gradient(units, scale, targets):
    rng = np.random.default_rng(units)
    z = rng.normal(0, scale, (6, units))
    y = {
        "soft": rng.uniform(size=z.shape),
        "bits": rng.integers(0, 2, z.shape).astype(float),
        "one-hot": np.eye(units)[rng.integers(0, units, 6)],
    }[targets]
    loss = SoftmaxBinaryCrossentropy()
    assert loss.forward(z.copy(), y) == pytest.approx(reference(z, y), rel=1e-13)
    gradient = loss.backward().copy()
    for place in np.ndindex(z.shape):
        h = np.zeros_like(z)
        h[place] = 1e-5
        slope = (loss.forward(z + h, y) - loss.forward(z - h, y)) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8 * max(1.0, scale))


def test_equal_largest_logits():
    loss = SoftmaxBinaryCrossentropy()
    z, y = np.array([[5.0, 5.0, -800.0], [0.0, 0.0, 0.0]]), np.array([[1, 0, 0], [0, 0, 1.0]])
    expected = (2 * np.log(2) + np.log(3) + 2 * np.log(1.5)) / 6
    assert loss.forward(z, y) == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(loss.backward().sum(axis=1), 0.0, atol=1e-16)


# Rows of weight 0

LOGIT_LOSSES = [
    LogRatePoisson,
    SigmoidCrossentropy,
    SigmoidFocalCrossentropy,
    SoftmaxFocalCrossentropy,
    SoftmaxBinaryCrossentropy,
    SoftmaxCrossentropy,
    SoftplusPoisson,
]
PARTS = [*LOSSES, *LOGIT_LOSSES]


def sample(part, dtype):
    """Return outputs and targets that suit a loss, three rows."""
    rng = np.random.default_rng(5)
    output = rng.dirichlet(np.ones(3), 3).astype(dtype)
    return output, np.eye(3, dtype=dtype) if part.task != "numbers" else (output + 1).astype(dtype)


# What a loss can be given: numbers of any size, but only targets that `prepare` has let pass. A
# network's outputs may be anything where it has logits or numbers, and NaN in any case.
SPOILT = [
    (part, spoilt, value)
    for part in PARTS
    for spoilt in ("target", "output", "both")
    for value in ("huge", "nan", "inf")
    if (spoilt == "output" or part.task == "numbers")
    and (value == "nan" or part in LOGIT_LOSSES or part.domain[1] == np.inf)
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("part", "spoilt", "value"), SPOILT, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_row_of_weight_zero_is_as_if_it_were_not_there(part, spoilt, value, dtype):
    loss = part()
    output, target = sample(loss, dtype)
    weight = np.array([2.0, 0.0, 0.5], dtype)
    kept = weight > 0
    expected = loss.forward(output[kept].copy(), target[kept], weight[kept])
    gradient = loss.backward().copy()
    bad = {"huge": np.finfo(dtype).max / 2, "nan": np.nan, "inf": np.inf}[value]
    if spoilt in ("target", "both"):
        target[1] = bad
    if spoilt in ("output", "both"):
        output[1] = -bad
    with np.errstate(over="ignore", invalid="ignore"):
        came = loss.forward(output.copy(), target, weight)
        slopes = loss.backward()
    # The divisor is the number of rows, those of weight 0 included.
    assert came == pytest.approx(expected * 2 / 3, rel=1e-6)
    np.testing.assert_allclose(slopes[kept], gradient * 2 / 3, rtol=1e-5)
    np.testing.assert_array_equal(slopes[1], 0.0)
    output, target = sample(loss, dtype)  # what one batch had does not reach the next
    assert np.isfinite(loss.forward(output, target, weight[::-1].copy()))
    assert (loss.backward()[[0, 2]] != 0).any(axis=1).all()


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@pytest.mark.parametrize("by", ["sample_weight", "class_weight"])
def test_training_ignores_targets_of_rows_of_weight_zero(loss, by):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.integers(0, 2, 8).astype(float)
    weight = np.ones(8)
    weight[y == 0] = 0.0
    given = {"sample_weight": weight} if by == "sample_weight" else {"class_weight": {0: 0.0}}
    weights = []
    for spoilt in (False, True):
        target = np.where((weight == 0) & spoilt & (by == "sample_weight"), 3e38, y)
        model = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], seed=1)
        model.compile("adam", loss)
        model.fit(x, target, batch_size=4, epochs=3, verbose=0, **given)
        assert np.isfinite(model.history.history["loss"]).all()
        weights.append(model.get_weights())
        value = model.evaluate(x, target, sample_weight=weight)
        assert np.isfinite(value)
    for plain, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(plain, other)


def test_a_row_that_weighs_something_still_counts():
    loss = LOSSES.get("mse")
    with np.errstate(all="ignore"):
        target = np.array([[np.inf], [1.0]])
        assert loss.forward(np.zeros((2, 1)), target, np.array([1.0, 0.0])) == np.inf


# Called by themselves


def good(loss):
    output, target = sample(loss, "float64")
    return target, output


@pytest.mark.parametrize("part", list(LOSSES), ids=lambda part: part.__name__)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.0, -2.0, 1.0 + 1e-9, -1e-300])
def test_losses_by_themselves_take_only_what_they_are_defined_for(part, value):
    loss = part()
    target, output = good(loss)
    if issubclass(part, CategoricalCrossentropy):
        target = target.argmax(axis=1)
    assert np.isfinite(loss(target, output))
    output[1, 0] = value
    low, high = loss.domain
    if np.isfinite(value) and low <= value <= high:
        assert np.isfinite(loss(target, output))
        return
    with pytest.raises(ffnn.DataError, match=r"y_pred.*row 1"):
        loss(target, output)


@pytest.mark.parametrize("part", list(LOSSES), ids=lambda part: part.__name__)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -2.0])
def test_losses_by_themselves_check_their_targets(part, value):
    loss = part()
    target, output = good(loss)
    if part.__name__ == "SparseCategoricalCrossentropy":
        target = target.argmax(axis=1).astype(float)
    target[1] = value
    if np.isfinite(value) and loss.task == "numbers" and part is not Poisson:
        assert np.isfinite(loss(target, output))
        return
    with pytest.raises(ffnn.DataError, match=r"\by\b.*row 1|class labels.*row 1"):
        loss(target, output)


@pytest.mark.parametrize(
    ("part", "y_true", "y_pred", "message"),
    [
        (BinaryCrossentropy(), [1, 0], [3, -2], "binary_crossentropy: expected y_pred between 0"),
        (Poisson(), [1.0], [-0.5], "poisson: expected y_pred of at least 0, got -0.5 in row 0"),
        (CategoricalCrossentropy(), [0], [[0.9, 0.9]], r"row of y_pred .* sum to 1"),
        (BinaryCrossentropy(), [1], 0.5, "y_pred of shape"),
        (BinaryCrossentropy(), [], [], "y_pred of shape"),
        (BinaryCrossentropy(), [[1]], [[[0.5]]], "y_pred of shape"),
        (BinaryCrossentropy(), [1], ["a"], "y_pred: expected numbers"),
        (BinaryCrossentropy(), [1], [0.5j], "y_pred: expected real numbers"),
        (BinaryCrossentropy(), [1, 0], [[0.5], [0.5, 0.5]], "y_pred: expected rows of one length"),
        (BinaryCrossentropy(), [[1], [0, 1]], [0.5, 0.5], "y: expected rows of one length"),
        (BinaryCrossentropy(), ["yes"], [0.5], "y: expected numbers"),
    ],
    ids=repr,
)
def test_what_losses_by_themselves_refuse(part, y_true, y_pred, message):
    with pytest.raises(ffnn.DataError, match=message):
        part(y_true, y_pred)


# class_weight


@pytest.mark.parametrize(
    "y",
    [
        np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0.0]]),
        np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0.0]]),
        np.array([[0.9, 0.9, 0.9]] * 4),
    ],
)
@pytest.mark.parametrize("end", [("tanh", "mse"), (None, "mse"), ("relu", "poisson")])
def test_class_weight_refuses_several_labels_a_row(y, end):
    refuse_class_weight(y, end, "class_weight: the targets are not class labels")


def refuse_class_weight(y, end, message):
    model = ffnn.Sequential([Dense(3, end[0])], seed=0)
    model.compile("sgd", end[1])
    with pytest.raises(ValueError, match=message):
        model.fit(np.eye(len(y)), y, class_weight={0: 2.0}, verbose=0)
    assert model.history is None


@pytest.mark.parametrize("rows", [[0], [0, 1], [0, 1, 2], [0, 0, 2, 1]])
@pytest.mark.parametrize("soft", [1.0, 0.7])
def test_class_weight_refuses_labels_even_if_each_row_happens_to_have_one(rows, soft):
    y = np.eye(3)[rows] * soft + (1.0 - soft) / 3
    refuse_class_weight(y, ("sigmoid", "bce"), "class_weight: several units .* labels of their own")


@pytest.mark.parametrize("end", [("softmax", "cce"), ("softmax", "bce"), ("sigmoid", "mse")])
def test_class_weight_takes_one_class_a_row(end):
    weighted, plain = (ffnn.Sequential([Dense(3, end[0])], input_dim=3, seed=0) for _ in range(2))
    for model, options in ((weighted, {"class_weight": {0: 2.0}}), (plain, {})):
        model.compile("sgd", end[1])
        model.fit(np.eye(3), np.eye(3), verbose=0, shuffle=False, **options)
    weight = {"sample_weight": [2.0, 1.0, 1.0]}
    again = ffnn.Sequential([Dense(3, end[0])], input_dim=3, seed=0)
    again.compile("sgd", end[1])
    again.fit(np.eye(3), np.eye(3), verbose=0, shuffle=False, **weight)
    np.testing.assert_array_equal(weighted.parameters, again.parameters)
    assert not np.array_equal(weighted.parameters, plain.parameters)
