"""Parts that are not the library's, with and without formulas."""

import numpy as np
import pytest

import ffnn
from ffnn.activations import ActivationFunction, ReLU, Tanh
from ffnn.core.formulas import Formulas
from ffnn.explanation import explain_step
from ffnn.initializers import GlorotUniform, Ones
from ffnn.layers import Dense, Layer
from ffnn.losses import Loss, MeanSquaredError
from ffnn.optimizers import Optimizer
from ffnn.regularizers import Regularizer

X = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1]])


class Counting(Layer):
    """A layer with a state that training changes."""

    def __init__(self):
        self._count = np.zeros(1)

    @property
    def state(self):
        return {"rows": self._count}

    def forward(self, x, training=False):
        self._x = x
        return x + 0.0

    def backward(self, grad):
        return grad

    def update_state(self):
        self._count += len(self._x)


def test_layer_of_the_users_is_a_function_of_x(find, check, scale_shift):
    model = ffnn.Sequential([Dense(2), scale_shift(), Dense(1)], 3, "float64", seed=0)
    model.compile("sgd", "mse")

    explanation = explain_step(model, X, [1.0, 2.0])

    forward = find(explanation, "forward", "Scale_Shift_1", "Scale_Shift")
    assert [formula.text for formula in forward.formulas] == ["y = f(x)"]
    assert list(forward.arrays) == ["x", "a_b$", "parameter x", "y"]
    check(forward, y=2.0 * forward.arrays["x"] + 2.0)
    backward = find(explanation, "backward", "Scale_Shift_1", "Scale_Shift")
    assert [formula.text for formula in backward.formulas] == [
        "∂L/∂θ = (∂y/∂θ)ᵀ ∂L/∂y",
        "∂L/∂x = (∂y/∂x)ᵀ ∂L/∂y",
    ]
    assert backward.results == ("∂L/∂a_b$", "∂L/∂parameter x", "∂L/∂x")
    check(backward, d_x=2.0 * backward.arrays["∂L/∂y"])
    penalty = find(explanation, "backward", "Scale_Shift_1", "l2")
    assert penalty.formulas[0].text == "∂R/∂θ = 2 λ₂ θ"
    np.testing.assert_allclose(penalty.arrays["∂R/∂a_b$"], [2.0, 2.0])
    update = find(explanation, "update", "Scale_Shift_1", "sgd of a_b$")
    np.testing.assert_array_equal(update.arrays["∂J/∂a_b$"], penalty.arrays["∂J/∂a_b$"])


def test_layer_derived_from_a_known_one_is_not_taken_for_it(find):
    class Doubled(ReLU):
        """Twice as large, and without formulas of its own."""

        def forward(self, x, training=False):
            return 2.0 * super().forward(x, training)

        def backward(self, grad):
            return 2.0 * super().backward(grad)

    model = ffnn.Sequential([Dense(2, Doubled()), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    step = find(explain_step(model, X, [1.0, 2.0]), "forward", "dense_1", "Doubled")

    assert [formula.text for formula in step.formulas] == ["y = f(z)"]


def test_layer_made_of_others_shows_its_own_parameters():
    class Pair(Layer):
        """A dense layer and an activation inside a layer."""

        def __init__(self):
            self.inner, self.outer = Dense(2), Tanh()

        def parameter_shapes(self, input_dim):
            return {f"inner {k}": v for k, v in self.inner.parameter_shapes(input_dim).items()}

        def initializers(self):
            return {f"inner {k}": GlorotUniform() for k in ("weight", "bias")}

        def get_config(self):
            return {}

        def compute_output_dim(self, input_dim):
            return 2

        def bind(self, input_dim, dtype, values, grads):
            super().bind(input_dim, dtype, values, grads)
            parts = [{k[6:]: v for k, v in each.items()} for each in (values, grads)]
            self.inner.bind(input_dim, dtype, *parts)

        def stages(self):
            return [*self.inner.stages(), *self.outer.stages()]

    model = ffnn.Sequential([Pair(), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    first, second = explain_step(model, X, [1.0, 2.0])[:2]

    assert [formula.text for formula in first.formulas] == ["y = f(x)"]
    assert list(first.arrays) == ["x", "inner weight", "inner bias", "y"]
    assert [formula.text for formula in second.formulas] == ["y = tanh(x)"]


def test_loss_optimizer_and_penalty_of_the_users(find, check):
    class HalfOfError(MeanSquaredError):
        """Half of it."""

        def forward(self, output, target, weight=None):
            return super().forward(output, target, weight) / 2

        def backward(self):
            return super().backward() / 2

    class Sign(Optimizer):
        """Steps of one size."""

        def __init__(self, learning_rate=0.5):
            super().__init__(learning_rate)

        def update(self, rate, w, g, scratch, *memory):
            w -= rate * np.sign(g)

    class Sum(Regularizer):
        """The sum."""

        def value(self, w, scratch):
            return float(w.sum())

        def add_gradient(self, w, grad, scratch):
            grad += 1.0

    layer = Dense(1, weight_initializer=Ones(), weight_regularizer=Sum())
    model = ffnn.Sequential([layer], 1, "float64")
    model.compile(Sign(), HalfOfError())

    explanation = explain_step(model, [[3.0]], [[1.0]])

    loss = find(explanation, "loss", "loss", "HalfOfError")
    assert [formula.text for formula in loss.formulas] == ["L = ℓ(p, y)"]
    check(loss, p=[[3]], y=[[1]], L=2)
    slope = find(explanation, "backward", "loss", "HalfOfError")
    assert [formula.text for formula in slope.formulas] == ["∂L/∂p = ∂ℓ/∂p"]
    check(slope, d_p=[[2]])
    assert find(explanation, "loss", "dense_1", "Sum").formulas[0].text == "R = ρ(W)"
    check(find(explanation, "loss", "dense_1", "Sum"), R=1.0)
    rule = find(explanation, "update", "optimizer", "Sign")
    assert rule.formulas[-1].text == "w ← update(w, g)"
    check(find(explanation, "update", "dense_1", "Sign of weight"), W=[[1.0]], W_new=[[0.5]])


def test_loss_that_keeps_no_output_can_be_explained(check):
    class Plain(Loss):
        """Only what the protocol asks for."""

        def forward(self, output, target, weight=None):
            self._difference = output - target
            return float(self._difference.sum())

        def backward(self):
            return np.ones_like(self._difference)

    model = ffnn.Sequential([Dense(1, weight_initializer=Ones())], 1)
    model.compile("sgd", Plain())

    check(explain_step(model, [[3.0]], [[1.0]])[1], p=[[3]], y=[[1]], L=2)


def test_state_of_a_layer_of_the_users_is_shown_where_it_changes(find, check):
    model = ffnn.Sequential([Counting(), Dense(1)], 3)
    model.compile("sgd", "mse")

    explanation = explain_step(model, X, [1.0, 2.0])

    check(find(explanation, "update", "Counting_1", "Counting"), rows=[0], rows_new=[2])
    assert model.layers[0].state["rows"] == 0


# -- parts with formulas ---------------------------------------------------------------------------


class Softsign(ActivationFunction):
    """Without formulas."""

    def forward(self, x, training=False):
        self._x = x
        return x / (1.0 + np.abs(x))

    def backward(self, grad):
        return grad / (1.0 + np.abs(self._x)) ** 2


class Told(Softsign):
    """With formulas."""

    formulas = Formulas(("y = x / (1 + |x|)",), ("∂L/∂x = ∂L/∂y / (1 + |x|)²",))


@pytest.mark.parametrize(
    ("activation", "forward", "backward"),
    [
        (Softsign(), "y = f(z)", "∂L/∂z = (∂y/∂z)ᵀ ∂L/∂y"),
        (Told(), "y = z / (1 + |z|)", "∂L/∂z = ∂L/∂y / (1 + |z|)²"),
    ],
)
def test_activation_shows_the_formulas_that_it_has(activation, forward, backward, find):
    model = ffnn.Sequential([Dense(2, activation), Dense(1)], 3, "float64", seed=0)
    model.compile("sgd", "mse")
    explanation = explain_step(model, X, [1.0, 2.0])

    there, back = (
        find(explanation, direction, "dense_1", type(activation).__name__)
        for direction in ("forward", "backward")
    )
    assert [formula.text for formula in there.formulas] == [forward]
    assert [formula.text for formula in back.formulas] == [backward]
    assert ("z" in back.arrays) is (type(activation) is Told)
    assert forward in explanation.to_text()
    if type(activation) is Told:
        for step in (there, back):
            (formula,) = step.formulas
            value = formula.evaluate(step.arrays)
            np.testing.assert_allclose(value, step.arrays[formula.symbol], rtol=1e-12)
        assert r"y &= \frac{z}{1 + |z|}" in explanation.to_latex()


def test_other_parts_show_the_formulas_that_they_have(find):
    class Scale(Layer):
        """With a parameter of a name of its own, and a constant."""

        formulas = Formulas(
            forward=("u = k x", "y = log_scale ∘ u"),
            backward=("∂L/∂log_scale = Σ_rows ∂L/∂y ∘ u", "∂L/∂x = k ∂L/∂y ∘ log_scale"),
            where={"k": "factor"},
        )
        factor = 3.0

        def parameter_shapes(self, input_dim):
            return {"log_scale": (input_dim,)}

        def initializers(self):
            return {"log_scale": Ones()}

        def forward(self, x, training=False):
            self._u = self.factor * x
            return self._u * self.params["log_scale"]

        def backward(self, grad):
            self.grads["log_scale"][...] = (grad * self._u).sum(axis=0)
            return self.factor * grad * self.params["log_scale"]

    class Cube(Loss):
        """Without weights."""

        formulas = Formulas(("L = 1/(n u) Σ (p - y)³",), ("∂L/∂p = 3/(n u) (p - y)²",))

        def forward(self, output, target, weight=None):
            self._difference = output - target
            return float((self._difference**3).mean())

        def backward(self):
            return 3.0 * self._difference**2 / self._difference.size

    class Lion(Optimizer):
        """With a memory."""

        formulas = Formulas(
            update=("w ← w - η sign(b m + (1 - b) g)", "m ← b m + (1 - b) g"),
            where={"b": "beta", "m": "slots.m"},
        )

        def __init__(self, learning_rate=0.1, beta=0.5):
            super().__init__(learning_rate)
            self.beta = beta

        @property
        def slot_names(self):
            return ("m",)

        def update(self, rate, w, g, scratch, *memory):
            mean = memory[0]
            mean[:] = self.beta * mean + (1.0 - self.beta) * g
            w -= rate * np.sign(mean)

    class Sum(Regularizer):
        """The sum."""

        formulas = Formulas(("R = a Σ w",), ("∂R/∂w = a",), where={"a": "size"})
        size = 2.0

        def value(self, w, scratch):
            return self.size * float(w.sum())

        def add_gradient(self, w, grad, scratch):
            grad += self.size

    layers = [Dense(2, weight_regularizer=Sum()), Scale(), Dense(1)]
    model = ffnn.Sequential(layers, 3, "float64", seed=0)
    model.compile(Lion(), Cube())

    explanation = explain_step(model, X, [1.0, 2.0])

    forward = find(explanation, "forward", "Scale_1", "Scale")
    backward = find(explanation, "backward", "Scale_1", "Scale")
    assert list(forward.arrays) == ["x", "log_scale", "k", "y"]
    assert [formula.text for formula in forward.formulas] == ["u = k x", "y = log_scale ∘ u"]
    assert [formula.text for formula in backward.formulas] == [
        "∂L/∂log_scale = Σ_rows ∂L/∂y ∘ u",
        "∂L/∂x = k ∂L/∂y ∘ log_scale",
    ]
    loss = find(explanation, "loss", "loss", "Cube")
    np.testing.assert_allclose(loss.formulas[0].evaluate(loss.arrays), loss.arrays["L"])
    penalty = find(explanation, "loss", "dense_1", "Sum")
    assert [formula.text for formula in penalty.formulas] == ["R = a Σ W"]
    assert penalty.arrays["a"] == 2.0
    rule = find(explanation, "update", "optimizer", "Lion")
    assert rule.arrays["b"] == 0.5
    assert "m_W_new" in find(explanation, "update", "dense_1", "Lion of weight").arrays
    assert r"\text{log scale} \odot u" in explanation.to_markdown()


def test_formula_that_cannot_be_read_is_named():
    class Broken(Softsign):
        """With a formula that does not end."""

        formulas = Formulas(("y = max(x, 0",))

    model = ffnn.Sequential([Dense(1, Broken())], 3)
    model.compile("sgd", "mse")
    explanation = explain_step(model, X, [1.0, 2.0])

    with pytest.raises(ValueError, match=r"'max\(z, 0': expected '\)', got the end"):
        explanation.to_latex()
