"""Formulas: their parts, values, names and LaTeX."""

import numpy as np
import pytest

from ffnn.core.formulas import Formula, Formulas

ATTENTION = "∂L/∂x = (g - x̂ ∘ k) / r with g = ∂L/∂y ∘ γ and k = mean_units(g ∘ x̂)"
CLIPPING = "g ← g c / ‖g‖ if ‖g‖ > c"


def test_formula_says_what_it_gives_and_takes():
    formula = Formula("z = x Wᵀ + b")

    assert (formula.symbol, formula.symbols) == ("z", ("x", "W", "b"))
    assert Formula(CLIPPING).symbols == ("g", "c")
    assert Formula(ATTENTION).symbols == ("x̂", "r", "∂L/∂y", "γ")
    assert Formula("w ~ N(0, v) with v = 2 / inputs").symbols == ("inputs",)


def test_value_of_a_formula_with_definitions():
    x_hat, grad = np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([[0.5, 1.0], [3.0, -1.0]])
    gamma, r = np.array([2.0, 3.0]), np.array([[4.0], [5.0]])
    g = grad * gamma
    k = (g * x_hat).mean(axis=1, keepdims=True)

    value = Formula(ATTENTION).evaluate({"x̂": x_hat, "∂L/∂y": grad, "γ": gamma, "r": r})

    np.testing.assert_allclose(value, (g - x_hat * k) / r, rtol=1e-14)


@pytest.mark.parametrize(("c", "expected"), [(1.0, [0.6, 0.8]), (10.0, [3.0, 4.0])])
def test_value_of_a_formula_with_a_condition(c, expected):
    value = Formula(CLIPPING).evaluate({"g": np.array([3.0, 4.0]), "c": c})

    np.testing.assert_allclose(value, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("z = x Wᵀ + b", r"z = x W^\top + b"),
        ("∂L/∂b = Σ_rows δ", r"\frac{\partial L}{\partial b} = \sum_{\mathrm{rows}} \delta"),
        ("w ← w - η g", r"w \leftarrow w - \eta g"),
        ("w ~ N(0, v)", r"w \sim N(0, v)"),
        (
            CLIPPING,
            r"g \leftarrow \frac{g c}{\Vert g\Vert} \quad\mathrm{if} \quad \Vert g\Vert > c",
        ),
        (
            "y = a - b with a = x² and b = a / 2",
            r"y = a - b \quad\mathrm{with} \quad a = x^2 \quad\mathrm{and} \quad b = \frac{a}{2}",
        ),
    ],
)
def test_latex_of_a_formula(text, expected):
    assert Formula(text).latex == expected


def test_symbols_are_renamed_and_nothing_else():
    formula = Formula("∂L/∂x = ∂L/∂y ∘ max(x, x̂) ∘ e^x with a = x")

    renamed = formula.rename({"x": "z", "y": "p"})

    assert renamed.text == "∂L/∂z = ∂L/∂p ∘ max(z, x̂) ∘ e^z with a = z"
    assert Formula("w = b + β").rename({"w": "W", "β": "b"}).text == "W = b + b"


def test_factor_is_left_out():
    assert Formula("L = 1/n Σ w ∘ y ∘ log p").without("w").text == "L = 1/n Σ y ∘ log p"
    assert Formula("L = Σ p ∘ (w ∘ new ∘ y)").without("w").text == "L = Σ p ∘ (new ∘ y)"
    assert Formula("L = Σ new ∘ y").without("w").text == "L = Σ new ∘ y"


def test_formulas_are_equal_by_their_text():
    assert Formula("y = x") == Formula("y = x")
    assert Formula("y = x") != Formula("y = -x")


@pytest.mark.parametrize("text", ["y x", "y =", "= x", "", "y == x"])
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(ValueError, match=r"formula '.*': expected a symbol, then =, ← or ~"):
        Formula(text).symbol  # noqa: B018


def test_formulas_of_a_part_are_fixed():
    formulas = Formulas(("y = x",), where={"a": "slope"})

    assert (formulas.backward, formulas.update, formulas.scale) == ((), (), {})
    with pytest.raises(AttributeError):
        formulas.forward = ()
