r"""
A loss of your own
==================

Log-cosh, :math:`\ell = \log \cosh(p - y)`: squared near 0, straight far from it, without a kink.
Its slope is :math:`\tanh(p - y)`.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.losses import LOSSES, Loss


@LOSSES.register("log_cosh")
class LogCosh(Loss):
    def forward(self, output, target, weight=None):
        self.residual, self.weight = output - target, weight
        size = np.abs(
            self.residual
        )  # log cosh r = |r| + log(1 + e^(-2 |r|)) - log 2
        return float(
            np.mean(self.weigh(size + np.log1p(np.exp(-2 * size)) - np.log(2)))
        )

    def backward(self):
        return self.weigh(np.tanh(self.residual)) / self.residual.size

    def weigh(self, values):
        return values if self.weight is None else values * self.weight[:, None]


rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (200, 2))
y = x[:, 0] - 2 * x[:, 1]
y[::20] += 30  # one row in twenty is wrong

for loss in ("mean_squared_error", "log_cosh"):
    model = ffnn.Sequential.from_sizes([2, 1], "linear", seed=0)
    model.compile(ffnn.optimizers.Adam(0.05), loss)
    assert ffnn.gradient_check(model, x[:8], y[:8]).max_error < 1e-6
    model.fit(x, y, epochs=100, verbose=0)
    print(loss, model.layers[0].params["weight"].round(2))

# %%
# What an error costs, and how hard it pulls:

r = np.linspace(-4, 4, 161)
fig, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.plot(r, np.log(np.cosh(r)), label="log cosh r")
axes.plot(r, np.tanh(r), "--", label="its slope")
axes.plot(r, r**2, ":", label="r²")
axes.set(ylim=(-1.2, 4), xlabel="residual r")
axes.legend(frameon=False)
