r"""
An activation of your own
=========================

Softsign, :math:`y = \frac{x}{1 + |x|}`, with :math:`y' = \frac{1}{(1 + |x|)^2}`.

It is one class. Under the name that it is registered with, it works wherever a name is given.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.activations import ACTIVATIONS, ActivationFunction


@ACTIVATIONS.register("softsign")
class Softsign(ActivationFunction):
    output_range = (-1.0, 1.0)

    def forward(self, x, training=False):
        self.x = x
        return x / (1.0 + np.abs(x))

    def backward(self, grad):
        return grad / (1.0 + np.abs(self.x)) ** 2


model = ffnn.Sequential.from_sizes([2, 8, 2], ["softsign", "softmax"], seed=0)
model.compile("adam", "categorical_crossentropy")
x, y = ffnn.datasets.make_toy("moons")
print(ffnn.gradient_check(model, x[:8], y[:8]))

# %%
# Beside tanh it approaches its ends slowly:

grid = np.linspace(-6, 6, 241)[:, None]
fig, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(grid, Softsign().forward(grid), label="softsign")
axes.plot(grid, np.tanh(grid), "--", label="tanh")
axes.legend(frameon=False)
