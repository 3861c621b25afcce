"""Overflow and gradients that vanish or explode are found."""

import numpy as np
import pytest
from diagnosis import LABELS, PIXELS, X, Y, classifier, compiled, kinds, only, regressor

from ffnn.diagnostics import diagnose
from ffnn.initializers import RandomNormal
from ffnn.layers import Dense

rng = np.random.default_rng(1)


def chain_of_two(second_weight):
    """A network z = w x, y = v z whose gradient behind the first layer is v times that at y."""
    model = compiled(Dense(1, use_bias=False), Dense(1, use_bias=False), dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = 1.0
    model.layers[1].params["weight"][...] = second_weight
    return model


@pytest.mark.parametrize(
    ("v", "kind", "severity"),
    [
        (2e-3, None, None),
        (5e-4, "vanishing-gradients", "note"),
        (2e-5, "vanishing-gradients", "note"),
        (5e-6, "vanishing-gradients", "warning"),
        (5e-8, "vanishing-gradients", "problem"),
        (5e2, None, None),
        (2e3, "exploding-gradients", "note"),
        (2e5, "exploding-gradients", "warning"),
        (5e6, "exploding-gradients", "warning"),
        (2e7, "exploding-gradients", "problem"),
    ],
)
def test_gradients_are_compared_from_layer_to_layer(v, kind, severity):
    x = X[:, :1]
    y = x + rng.normal(size=x.shape)
    diagnosis = diagnose(chain_of_two(v), x, y)
    found = [f for f in diagnosis if f.kind.endswith("-gradients")]

    if kind is None:
        assert found == []
        return
    (finding,) = found
    assert (finding.kind, finding.severity, finding.layer) == (kind, severity, "dense_1")
    slope = np.sqrt(((2 * (v * x - y)) ** 2).mean())  # root mean square of ∂L_i/∂y
    assert finding.evidence["norms"]["dense_2"] == pytest.approx(slope)
    assert finding.evidence["norms"]["dense_1"] == pytest.approx(v * slope)
    assert finding.evidence["ratio"] == pytest.approx(max(v, 1 / v))


def test_many_sigmoids_make_gradients_vanish_and_relus_do_not():
    deep = classifier(*[Dense(32, "sigmoid") for _ in range(9)])
    found = only(diagnose(deep, PIXELS, LABELS), "vanishing-gradients")
    assert (found.severity, found.layer) == ("warning", "dense_1")
    assert list(found.evidence["norms"]) == [f"dense_{k}" for k in range(10, 0, -1)]

    he = [Dense(32, "relu", weight_initializer="he_normal") for _ in range(9)]
    assert "vanishing-gradients" not in kinds(diagnose(classifier(*he), PIXELS, LABELS))


def test_large_first_weights_make_gradients_explode():
    large = [Dense(64, "relu", weight_initializer=RandomNormal(0.0, 1.0)) for _ in range(8)]
    found = only(diagnose(classifier(*large), PIXELS, LABELS), "exploding-gradients")

    assert (found.severity, found.layer) == ("warning", "dense_1")


def test_a_gradient_of_zero_behind_zero_weights_is_not_called_vanishing():
    model = regressor(Dense(8, "tanh"), Dense(8, "tanh"))
    model.build(5)
    model.layers[-1].params["weight"][...] = 0.0

    assert diagnose(model, X, Y) == []


def test_weights_that_are_not_finite_are_found_in_their_layer():
    model = regressor(Dense(8, "relu"), Dense(4, "relu"))
    model.build(5)
    model.layers[1].params["weight"][0, 0] = np.nan
    diagnosis = diagnose(model, X, Y)
    found = only(diagnosis, "non-finite-weights")

    assert (found.severity, found.layer, found.evidence["entries"]) == ("problem", "dense_2", 1)
    assert kinds(diagnosis) == {"non-finite-weights"}
    assert diagnosis.skipped["gradients"] == "the weights are not finite"


def test_the_first_layer_that_overflows_is_named():
    model = regressor(Dense(8), Dense(8), Dense(8))
    model.build(5)
    model.layers[1].params["weight"][...] = 1e38
    model.layers[2].params["weight"][...] = 1e38
    diagnosis = diagnose(model, X, Y)
    found = only(diagnosis, "non-finite-outputs")
    with np.errstate(all="ignore"):
        second = model.layers[1].forward(model.layers[0].forward(X.astype(np.float32)))

    assert (found.severity, found.layer) == ("problem", "dense_2")
    assert found.evidence["entries"] == np.count_nonzero(~np.isfinite(second)) > 0
    assert "learning rate" in diagnosis.skipped


def test_a_loss_that_overflows_is_found():
    found = only(diagnose(regressor(), X, Y * 1e30), "non-finite-outputs")

    assert found.layer is None
    assert "the loss is" in found.message
