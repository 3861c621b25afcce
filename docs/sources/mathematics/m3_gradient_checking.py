r"""
How gradients are checked
=========================

A gradient that was derived by hand may be wrong, and a network with a wrong gradient often still
learns a little. Finite differences tell.

The slope of the loss along one weight is nearly

.. math:: \frac{L(w + h) - L(w - h)}{2 h}.

Which :math:`h`? A large one leaves an error of the order :math:`h^2`. A small one loses digits: the
two losses are nearly equal, and their difference is mostly rounding.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.layers import Dense

rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)
model = ffnn.Sequential(
    [Dense(6, "tanh"), Dense(3, "softmax")], input_dim=4, dtype="float64", seed=0
)
model.compile("sgd", "categorical_crossentropy")
model.compute_gradients(x, y)
exact = model.gradients[0]


def central(h):
    """Return the slope along the first weight by a difference over 2 h."""
    losses = []
    for step in (h, -h):
        model.parameters[0] += step
        losses.append(model.evaluate(x, y))
        model.parameters[0] -= step
    return (losses[0] - losses[1]) / (2 * h)


steps = np.logspace(-11, -0.5, 43)
plain = [abs(central(h) - exact) / abs(exact) for h in steps]
better = [
    abs((4 * central(h / 2) - central(h)) / 3 - exact) / abs(exact) for h in steps
]

fig, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.loglog(steps, plain, label="one difference")
axes.loglog(steps, better, "--", label="two, extrapolated to 0")
axes.set(xlabel="step h", ylabel="relative error")
axes.legend(frameon=False)
axes.grid(alpha=0.3)
assert min(better) < min(plain) < 1e-7

# %%
# On the right the error falls with :math:`h^2`, as the next term of Taylor's series does. On the
# left it grows again: rounding. Two differences, with :math:`h` and :math:`h / 2`, have the same
# leading error up to the factor 4, so it can be taken out. This is Richardson's extrapolation; the
# dashed curve reaches more digits at a larger step.
#
# ``gradient_check`` does so for every parameter, on a float64 copy of the model. It also looks for
# kinks: where a ReLU's input changes its sign between the two points, a difference says nothing,
# and the entry is left out.

print(ffnn.gradient_check(model, x, y))

# %%
# A mistake is found
# ------------------
# Here a layer forgets the factor 2 of its square:


class Square(ffnn.layers.Layer):
    """y = x², with a wrong slope."""

    def forward(self, x, training=False):
        """Return x²."""
        self.x = x
        return x * x

    def backward(self, grad):
        """Return grad · x, where it should be 2 x."""
        return grad * self.x


wrong = ffnn.Sequential([Dense(6), Square(), Dense(1)], input_dim=4, seed=0)
wrong.compile("sgd", "mean_squared_error")
report = ffnn.gradient_check(wrong, x, rng.normal(size=8))
print(report)
assert report.max_error > 0.1
