"""The one table of formulas: what each part of a network computes, by the name of its kind.

Formulas are written for whole batches: x, z, y and their gradients have a row for each example.
Two signs are filled in where a formula is used:

- ``@`` is a layer's input: x, or z for an activation inside a `Dense`; in a penalty, the parameter;
- ``%`` is the output of a `Dense`: z, or y if it has no activation; in a loss, where the rows'
  weights come in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ffnn.core.formulas import Formula, assignment, equation

if TYPE_CHECKING:
    from collections.abc import Mapping


class LayerEntry(NamedTuple):
    """What a kind of layer computes.

    Attributes
    ----------
    forward, backward : tuple of Formula
        In the order of computation.
    kept : mapping of str to str
        Symbol → the layer's attribute, of constants and of what `forward` keeps.
    needs : tuple of str
        What the backward formulas take besides the gradient.
    incoming : str
        What the gradient is called that comes in.
    """

    forward: tuple[Formula, ...]
    backward: tuple[Formula, ...]
    kept: Mapping[str, str] = {}
    needs: tuple[str, ...] = ()
    incoming: str = "∂L/∂y"


class LossEntry(NamedTuple):
    """What a loss or a penalty computes.

    Attributes
    ----------
    value, slope : Formula
        The number and its derivative.
    kept : mapping of str to str
        Symbol → the attribute, of constants.
    counts : tuple of str
        Which of n, the number of rows, and u, the number of units, a loss divides by.
    """

    value: Formula
    slope: Formula
    kept: Mapping[str, str] = {}
    counts: tuple[str, ...] = ("n", "u")


class UpdateEntry(NamedTuple):
    """What an optimizer, or a layer at the end of a step, does.

    Attributes
    ----------
    formulas : tuple of Formula
        In the order of computation.
    kept : mapping of str to str
        Symbol → the attribute, of constants.
    memory : mapping of str to str
        What is remembered from step to step → its symbol.
    scale : mapping of str to str
        What is remembered → the attribute β if it is kept divided by 1 - β.
    """

    formulas: tuple[Formula, ...]
    kept: Mapping[str, str] = {}
    memory: Mapping[str, str] = {}
    scale: Mapping[str, str] = {}


# -- layers ----------------------------------------------------------------------------------------

_DENSE_BACKWARD = (
    equation("δ", "∂L/∂%"),
    equation("∂L/∂W", "δᵀ x"),
    equation("∂L/∂b", "Σ_rows δ"),
    equation("∂L/∂x", "δ W"),
)
_GAIN, _SHIFT = equation("∂L/∂γ", "Σ_rows ∂L/∂y ∘ x̂"), equation("∂L/∂β", "Σ_rows ∂L/∂y")
_LOGISTIC = "1 / (1 + e^-@)", r"\frac{1}{1 + e^{-@}}"


def _standardization(mean: str) -> LayerEntry:
    """Return the formulas of LayerNorm and BatchNorm, which differ in what the mean is over."""
    return LayerEntry(
        (
            equation("μ", f"{mean}(x)"),
            equation("v", f"{mean}((x - μ)²)"),
            equation("σ", "√(v + ε)", r"\sqrt{v + ε}"),
            equation("x̂", "(x - μ) / σ", r"\frac{x - μ}{σ}"),
            equation("y", "γ ∘ x̂ + β"),
        ),
        (
            _GAIN,
            _SHIFT,
            equation(
                "∂L/∂x",
                f"(g - {mean}(g) - x̂ ∘ {mean}(g ∘ x̂)) / σ with g = ∂L/∂y ∘ γ",
                rf"\frac{{g - {mean}(g) - x̂ ∘ {mean}(g ∘ x̂)}}{{σ}} \quad"
                r"\mathrm{with} \quad g = ∂L/∂y ∘ γ",
            ),
        ),
        {"ε": "epsilon", "μ": "_mean", "v": "_variance", "σ": "_std", "x̂": "_x_hat"},
        ("γ", "x̂", "σ"),
    )


LAYERS: Mapping[str, LayerEntry] = {
    "dense": LayerEntry((equation("%", "x Wᵀ + b"),), _DENSE_BACKWARD, {}, ("x", "W"), "δ"),
    "dense without bias": LayerEntry(
        (equation("%", "x Wᵀ"),), _DENSE_BACKWARD, {}, ("x", "W"), "δ"
    ),
    "linear": LayerEntry((equation("y", "@"),), (equation("∂L/∂@", "∂L/∂y"),)),
    "relu": LayerEntry(
        (equation("y", "max(@, 0)"),), (equation("∂L/∂@", "∂L/∂y ∘ [@ > 0]"),), {}, ("@",)
    ),
    "leaky_relu": LayerEntry(
        (equation("y", "max(@, a @)"),),
        (equation("∂L/∂@", "∂L/∂y ∘ ([@ > 0] + a [@ ≤ 0])"),),
        {"a": "negative_slope"},
        ("a", "@"),
    ),
    "sigmoid": LayerEntry(
        (equation("y", *_LOGISTIC),), (equation("∂L/∂@", "∂L/∂y ∘ y ∘ (1 - y)"),), {}, ("y",)
    ),
    "tanh": LayerEntry(
        (equation("y", "tanh(@)"),), (equation("∂L/∂@", "∂L/∂y ∘ (1 - y²)"),), {}, ("y",)
    ),
    "softmax": LayerEntry(
        (equation("y", "e^@ / Σ_units e^@", r"\frac{e^{@}}{Σ_units e^{@}}"),),
        (equation("∂L/∂@", "y ∘ (∂L/∂y - Σ_units ∂L/∂y ∘ y)"),),
        {},
        ("y",),
    ),
    "swish": LayerEntry(
        (equation("s", *_LOGISTIC), equation("y", "@ ∘ s")),
        (equation("∂L/∂@", "∂L/∂y ∘ (s + y ∘ (1 - s))"),),
        {"s": "_sigmoid"},
        ("s", "y"),
    ),
    "elu": LayerEntry(
        (equation("y", "max(@, 0) + a (e^min(@, 0) - 1)", r"max(@, 0) + a (e^{min(@, 0)} - 1)"),),
        (equation("∂L/∂@", "∂L/∂y ∘ ([@ > 0] + (y + a) ∘ [@ ≤ 0])"),),
        {"a": "alpha"},
        ("a", "@", "y"),
    ),
    "gelu": LayerEntry(
        (
            equation("t", "tanh(√(2/π) (@ + 0.044715 @³))", r"tanh(\sqrt{2/π} (@ + 0.044715 @³))"),
            equation("y", "@ ∘ (1 + t) / 2"),
        ),
        (
            equation(
                "∂L/∂@",
                "∂L/∂y ∘ ((1 + t) / 2 + @ ∘ (1 - t²) ∘ √(2/π) (1 + 0.134145 @²) / 2)",
                r"∂L/∂y ∘ ((1 + t) / 2 + @ ∘ (1 - t²) ∘ \sqrt{2/π} (1 + 0.134145 @²) / 2)",
            ),
        ),
        {"t": "_t"},
        ("@", "t"),
    ),
    "softplus": LayerEntry(
        (equation("y", "log(1 + e^@)", r"log(1 + e^{@})"),),
        (equation("∂L/∂@", "∂L/∂y / (1 + e^-@)", r"∂L/∂y / (1 + e^{-@})"),),
        {},
        ("@",),
    ),
    "exponential": LayerEntry(
        (equation("y", "e^@", r"e^{@}"),), (equation("∂L/∂@", "∂L/∂y ∘ y"),), {}, ("y",)
    ),
    "dropout": LayerEntry(
        (equation("y", "x ∘ m"),), (equation("∂L/∂x", "∂L/∂y ∘ m"),), {"m": "_mask"}, ("m",)
    ),
    "dropout of nothing": LayerEntry((equation("y", "x"),), (equation("∂L/∂x", "∂L/∂y"),)),
    "rms_norm": LayerEntry(
        (
            equation("r", "√(mean_units(x²) + ε)", r"\sqrt{mean_units(x²) + ε}"),
            equation("x̂", "x / r", r"\frac{x}{r}"),
            equation("y", "γ ∘ x̂"),
        ),
        (
            _GAIN,
            equation(
                "∂L/∂x",
                "(g - x̂ ∘ mean_units(g ∘ x̂)) / r with g = ∂L/∂y ∘ γ",
                r"\frac{g - x̂ ∘ mean_units(g ∘ x̂)}{r} \quad\mathrm{with} \quad g = ∂L/∂y ∘ γ",
            ),
        ),
        {"ε": "epsilon", "r": "_rms", "x̂": "_x_hat"},
        ("γ", "x̂", "r"),
    ),
    "layer_norm": _standardization("mean_units"),
    "batch_norm": _standardization("mean_rows"),
    "rescaling": LayerEntry(
        (equation("y", "a x + c"),),
        (equation("∂L/∂x", "a ∂L/∂y"),),
        {"a": "scale", "c": "offset"},
        ("a",),
    ),
    "normalization": LayerEntry(
        (equation("y", "(x - μ) / σ", r"\frac{x - μ}{σ}"),),
        (equation("∂L/∂x", "∂L/∂y / σ"),),
        {"μ": "_statistics.mean", "σ": "_statistics.std"},
        ("σ",),
    ),
}

# A layer that is not part of the library; θ stands for each of its parameters.
OTHER_LAYER = LayerEntry(
    (equation("y", "f(@)"),),
    (equation("∂L/∂θ", "(∂y/∂θ)ᵀ ∂L/∂y"), equation("∂L/∂@", "(∂y/∂@)ᵀ ∂L/∂y")),
)

# -- losses and penalties --------------------------------------------------------------------------

_MEAN = r"\frac{1}{n u}"
_CROSSENTROPY = LossEntry(
    equation("L", "-1/n Σ %y ∘ log p", r"-\frac{1}{n} Σ %y ∘ log p"),
    equation("∂L/∂p", "-1/n %y / p", r"-\frac{1}{n} %y / p"),
    counts=("n",),
)

LOSSES: Mapping[str, LossEntry] = {
    "mean_squared_error": LossEntry(
        equation("L", "1/(n u) Σ %(p - y)²", rf"{_MEAN} Σ %(p - y)²"),
        equation("∂L/∂p", "2/(n u) %(p - y)", r"\frac{2}{n u} %(p - y)"),
    ),
    "mean_absolute_error": LossEntry(
        equation("L", "1/(n u) Σ %|p - y|", rf"{_MEAN} Σ %|p - y|"),
        equation("∂L/∂p", "1/(n u) %sign(p - y)", rf"{_MEAN} %sign(p - y)"),
    ),
    "huber": LossEntry(
        equation(
            "L",
            "1/(n u) Σ %(r² / 2 ∘ [|r| ≤ d] + d (|r| - d/2) ∘ [|r| > d]) with r = p - y",
            rf"{_MEAN} Σ %(r² / 2 ∘ [|r| ≤ d] + d (|r| - d/2) ∘ [|r| > d])"
            r" \quad\mathrm{with} \quad r = p - y",
        ),
        equation("∂L/∂p", "1/(n u) %min(max(p - y, -d), d)", rf"{_MEAN} %min(max(p - y, -d), d)"),
        {"d": "delta"},
    ),
    "poisson": LossEntry(
        equation(
            "L", "1/(n u) Σ %(y ∘ log(y / p) - y + p)", rf"{_MEAN} Σ %(y ∘ log(y / p) - y + p)"
        ),
        equation("∂L/∂p", "1/(n u) %(1 - y / p)", rf"{_MEAN} %(1 - y / p)"),
    ),
    "binary_crossentropy": LossEntry(
        equation(
            "L",
            "-1/(n u) Σ %(y ∘ log p + (1 - y) ∘ log(1 - p))",
            rf"-{_MEAN} Σ %(y ∘ log p + (1 - y) ∘ log(1 - p))",
        ),
        equation("∂L/∂p", "1/(n u) %(p - y) / (p ∘ (1 - p))", rf"{_MEAN} %(p - y) / (p ∘ (1 - p))"),
    ),
    "categorical_crossentropy": _CROSSENTROPY,
    "sparse_categorical_crossentropy": _CROSSENTROPY,
}

OTHER_LOSS = LossEntry(equation("L", "ℓ(@, y)"), equation("∂L/∂@", "∂ℓ/∂@"), counts=())

# The derivative where a loss takes the last activation's place.
FUSED: Mapping[str, Formula] = {
    "SoftmaxCrossentropy": equation("∂L/∂@", "%(p - y) / n"),
    "SigmoidCrossentropy": equation("∂L/∂@", "%(p - y) / (n u)"),
    "LogRatePoisson": equation("∂L/∂@", "%(p - y) / (n u)"),
}

PENALTIES: Mapping[str, LossEntry] = {
    "l1": LossEntry(equation("R", "λ₁ Σ |@|"), equation("∂R/∂@", "λ₁ sign(@)"), {"λ₁": "l1"}),
    "l2": LossEntry(equation("R", "λ₂ Σ @²"), equation("∂R/∂@", "2 λ₂ @"), {"λ₂": "l2"}),
    "l1l2": LossEntry(
        equation("R", "λ₁ Σ |@| + λ₂ Σ @²"),
        equation("∂R/∂@", "λ₁ sign(@) + 2 λ₂ @"),
        {"λ₁": "l1", "λ₂": "l2"},
    ),
}
OTHER_PENALTY = LossEntry(equation("R", "ρ(@)"), equation("∂R/∂@", "∂ρ/∂@"))
TOTAL = equation("J", "L + Σ R")
TOTAL_SLOPE = equation("∂J/∂@", "∂L/∂@ + ∂R/∂@")

# -- updates ---------------------------------------------------------------------------------------

_VELOCITY = assignment("v", "μ v - η g")
_MOMENTUM = {"μ": "momentum"}, {"velocity": "v"}
_ADAM = (
    assignment("m", "β₁ m + (1 - β₁) g"),
    assignment("v", "β₂ v + (1 - β₂) g²"),
    assignment(
        "w",
        "w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)",
        r"w - η \frac{\sqrt{1 - β₂ᵗ}}{1 - β₁ᵗ} · \frac{m}{\sqrt{v} + ε}",
    ),
)
_ADAM_KEPT = {"β₁": "beta_1", "β₂": "beta_2", "ε": "epsilon"}
_ADAM_MEMORY = {"m": "m", "v": "v"}, {"m": "beta_1", "v": "beta_2"}

OPTIMIZERS: Mapping[str, UpdateEntry] = {
    "sgd": UpdateEntry((assignment("w", "w - η g"),)),
    "sgd with momentum": UpdateEntry((_VELOCITY, assignment("w", "w + v")), *_MOMENTUM),
    "sgd with nesterov": UpdateEntry((_VELOCITY, assignment("w", "w + μ v - η g")), *_MOMENTUM),
    "rmsprop": UpdateEntry(
        (
            assignment("s", "ρ s + (1 - ρ) g²"),
            assignment("w", "w - η g / (√s + ε)", r"w - η \frac{g}{\sqrt{s} + ε}"),
        ),
        {"ρ": "rho", "ε": "epsilon"},
        {"square": "s"},
    ),
    "adam": UpdateEntry(_ADAM, _ADAM_KEPT, *_ADAM_MEMORY),
    "adamw": UpdateEntry(
        (assignment("w", "(1 - η λ) w"), *_ADAM), {"λ": "weight_decay", **_ADAM_KEPT}, *_ADAM_MEMORY
    ),
}
OTHER_OPTIMIZER = UpdateEntry((assignment("w", "update(w, g)", r"\mathrm{update}(w, g)"),))
CLIPPING = assignment(
    "g", "g c / ‖g‖ if ‖g‖ > c", r"\frac{g c}{‖g‖} \quad\mathrm{if} \quad ‖g‖ > c"
)

# What layers do after the update: kept are constants, and what came from the batch.
MOVING: Mapping[str, UpdateEntry] = {
    "batch_norm": UpdateEntry(
        (assignment("M", "ρ M + (1 - ρ) μ"), assignment("V", "ρ V + (1 - ρ) v")),
        {"ρ": "momentum", "μ": "_mean", "v": "_variance"},
        {"moving_mean": "M", "moving_variance": "V"},
    ),
}
