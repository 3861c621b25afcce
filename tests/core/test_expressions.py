"""Expressions by hand: what they are worth, what they look like, and what is refused."""

import math

import numpy as np
import pytest

from ffnn.core.expressions import find_symbols, parse, to_latex

A = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
B = np.array([[0.5, 2.0, -1.0], [1.0, 0.25, 2.0]])
ROW = np.array([10.0, 20.0, 30.0])
COLUMN = np.array([[2.0], [4.0]])
KNOWN = {"A": A, "B": B, "r": ROW, "c": COLUMN, "k": 3.0, "n": 2, "t": 4, "g": np.array([3.0, 4.0])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k", 3.0),
        ("2.5", 2.5),
        ("π", math.pi),
        ("A Bᵀ", A @ B.T),
        ("k A", 3.0 * A),
        ("A k", 3.0 * A),
        ("A + r", A + ROW),
        ("A - c", A - COLUMN),
        ("A ∘ B", A * B),
        ("c ∘ A", COLUMN * A),
        ("A / B", A / B),
        ("-A", -A),
        ("k - -k", 6.0),
        ("1/n k", 1.5),
        ("1/(n k) A ∘ B", A * B / 6.0),
        ("A ∘ k B", A * 3.0 * B),
        ("k A / k B / k", A / B / 3.0),
        ("k / n · n / k", 1.0),
        ("A ∘ B / c ∘ B", A * B / COLUMN * B),
        ("A²", A**2),
        ("k³", 27.0),
        ("kᵗ", 81.0),
        ("k^(n - 1)", 3.0),
        ("e^-k", math.exp(-3.0)),
        ("e^min(A, 0)", np.exp(np.minimum(A, 0.0))),
        ("-k²", -9.0),
        ("√(k + 1) k", 6.0),
        ("√n²", 2.0),
        ("Σ A", 5.0),
        ("Σ A ∘ B + k", np.sum(A * B) + 3.0),
        ("k - Σ_rows A ∘ B", 3.0 - (A * B).sum(axis=0)),
        ("Σ_units A", [[2.0], [3.0]]),
        ("e^A / Σ_units e^A", np.exp(A) / np.exp(A).sum(axis=1, keepdims=True)),
        ("mean(A)", 5.0 / 6.0),
        ("mean_rows(A)", [2.5, 1.5, -1.5]),
        ("mean_units(A ∘ A)", [[14.0 / 3.0], [77.0 / 3.0]]),
        ("max_units(A)", [[3.0], [5.0]]),
        ("max(A, B)", np.maximum(A, B)),
        ("log k", math.log(3.0)),
        ("log(k) n", math.log(3.0) * 2.0),
        ("log Σ e^A", math.log(np.exp(A).sum())),
        ("tanh(A)", np.tanh(A)),
        ("sign(A)", np.sign(A)),
        ("cos(π)", -1.0),
        ("|A|", np.abs(A)),
        ("k |A| ∘ |B|", 3.0 * np.abs(A) * np.abs(B)),
        ("|k - |k - 5||", 1.0),
        ("‖g‖", 5.0),
        ("⌊k / n⌋", 1.0),
        ("[A > 0]", [[1, 0, 1], [1, 1, 0]]),
        ("[A ≤ 1] + [A ≥ 4]", [[1, 1, 0], [1, 1, 1]]),
        ("[[A > 0] = [B > 1]]", [[0, 0, 0], [0, 0, 0]]),
        ("k [A < 0]", [[0, 3, 0], [0, 0, 3]]),
    ],
)
def test_value_by_hand(text, expected):
    np.testing.assert_allclose(parse(text).value(KNOWN), expected, rtol=1e-14)


def test_value_of_a_symbol_may_have_any_name():
    known = {"∂L/∂y": A, "x̂": B, "β₂": 0.5, "log_scale": 2.0, "h2": 1.0}

    assert parse("β₂ log_scale + h2").value(known) == 2.0
    np.testing.assert_array_equal(parse("∂L/∂y ∘ x̂").value(known), A * B)


def test_function_may_be_given():
    assert parse("f(k, n) + 1").value(KNOWN | {"f": lambda a, b: a**b}) == 10.0


def test_symbol_without_a_value_is_a_key_error():
    with pytest.raises(KeyError, match="q"):
        parse("q + 1").value(KNOWN)


@pytest.mark.parametrize("text", ["A r", "r A", "r r"])
def test_arrays_side_by_side_must_be_matrices(text):
    with pytest.raises(ValueError, match="arrays side by side must be matrices; write ∘"):
        parse(text).value(KNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x Wᵀ + b", r"x W^\top + b"),
        ("1/n Σ (p - y)²", r"\frac{1}{n} \sum (p - y)^2"),
        ("1 / (1 + e^-x)", r"\frac{1}{1 + e^{-x}}"),
        ("∂L/∂y / σ", r"\frac{\partial L}{\partial y} / \sigma"),
        (
            "y ∘ (∂L/∂y - Σ_units y)",
            r"y \odot \left(\frac{\partial L}{\partial y} - \sum_{\mathrm{units}} y\right)",
        ),
        ("(∂y/∂θ)ᵀ g", r"\left(\frac{\partial y}{\partial \theta}\right)^\top g"),
        (
            "η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / √v",
            r"\frac{\eta \sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \cdot \frac{m}{\sqrt{v}}",
        ),
        ("mean_rows((x - μ)²)", r"\underset{\mathrm{rows}}{\mathrm{mean}}((x - \mu)^2)"),
        ("φ₁ ∘ x̂₂ + ω", r"\varphi_1 \odot \hat{x}_2 + \omega"),
        ("max_units(x̂)", r"\underset{\mathrm{units}}{\max}(\hat{x})"),
        ("max(x, 0) + a [x ≤ 0]", r"\max(x, 0) + a [x \leq 0]"),
        ("g c / ‖g‖", r"\frac{g c}{\Vert g\Vert}"),
        ("‖y / p‖", r"\left\Vert \frac{y}{p}\right\Vert"),
        ("ρ^⌊t⌋", r"\rho^{\lfloor t\rfloor}"),
        ("log p - log(1 - p)", r"\log p - \log(1 - p)"),
        ("tanh(√(2/π) x)", r"\tanh\left(\sqrt{\frac{2}{\pi}} x\right)"),
        ("update(w, g)", r"\mathrm{update}(w, g)"),
        ("log_scale ∘ inputs", r"\text{log scale} \odot \mathrm{inputs}"),
        ("∂L/∂log_scale", r"\frac{\partial L}{\partial \text{log scale}}"),
        ("∘", r"\odot"),
        ("Σ_rows", r"\sum_{\mathrm{rows}}"),
        ("[c]", "[c]"),
        ("=", "="),
    ],
)
def test_latex_by_hand(text, expected):
    assert to_latex(text) == expected


def test_symbols_are_found_in_the_order_of_the_text():
    text = "(g - x̂ ∘ mean_units(g ∘ x̂)) / r + β₁ᵗ e^-∂L/∂y ∘ π f(Wᵀ)"

    assert find_symbols(text) == ["g", "x̂", "r", "β₁", "t", "∂L/∂y", "W"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max(x", r"expected '\)', got the end"),
        ("(x, y)", r"expected '\)', got ','"),
        ("x +", "expected a symbol or a number, got the end"),
        ("x ∘ / y", "expected a symbol or a number, got '/'"),
        ("x)", r"expected a sign, got '\)'"),
        ("x ? y", r"expected a sign, got '\?'"),
        ("|x", r"expected '\|', got the end"),
        ("[x > 0", "expected ']', got the end"),
        ("", "expected a symbol or a number, got the end"),
    ],
)
def test_what_cannot_be_read_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert repr(text) in str(caught.value)
