r"""
What each optimizer does
========================

One ravine, six ways down.

The network here has two weights and no bias. Its loss is
:math:`L = \frac{1}{2} (w_1^2 + 25 w_2^2)`: a ravine, 25 times as steep across as along. A rate that
is safe across is slow along.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.layers import Dense
from ffnn.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop

x, y = np.array([[1.0, 0.0], [0.0, 5.0]]), np.zeros((2, 1))


def descend(optimizer, updates=60):
    """Return the weights before each update, and after the last."""
    model = ffnn.Sequential(
        [Dense(1, use_bias=False)], input_dim=2, dtype="float64", seed=0
    )
    model.compile(optimizer, "mean_squared_error")
    model.parameters[:] = -4.0, 1.2
    path = [model.parameters.copy()]
    for _ in range(updates):
        model.train_on_batch(x, y)
        path.append(model.parameters.copy())
    return np.array(path)


rules = {
    "SGD(0.07)": SGD(0.07),
    "SGD(0.03, momentum=0.8)": SGD(0.03, momentum=0.8),
    "SGD(0.03, momentum=0.8,\nnesterov=True)": SGD(
        0.03, momentum=0.8, nesterov=True
    ),
    "Adagrad(0.8)": Adagrad(0.8),
    "RMSprop(0.15)": RMSprop(0.15),
    "Adam(0.4)": Adam(0.4),
    "Nadam(0.3)": Nadam(0.3),
    "AdamW(0.4, weight_decay=0.1)": AdamW(0.4, weight_decay=0.1),
}
grid_x, grid_y = np.meshgrid(
    np.linspace(-4.5, 2.5, 141), np.linspace(-1.6, 1.6, 81)
)
heights = (grid_x**2 + 25 * grid_y**2) / 2
fig, panels = plt.subplots(
    2, 4, figsize=(11, 4.6), layout="constrained", sharex=True, sharey=True
)
for panel, (name, rule) in zip(panels.flat, rules.items(), strict=True):
    path = descend(rule)
    panel.contour(
        grid_x, grid_y, heights, levels=[0.5, 2, 5, 10, 20, 30], colors="#9ca3af"
    )
    panel.plot(*path.T, marker=".", markersize=4, color="#0b6e8a")
    panel.set_title(name, fontsize=9)
    print(
        f"{' '.join(name.split()):43} loss {(path[-1][0] ** 2 + 25 * path[-1][1] ** 2) / 2:.1e}"
    )

# %%
# - **SGD** follows the gradient. Across the ravine it overshoots at each step, along it creeps.
# - **Momentum** adds up what points the same way and cancels what swings.
# - **Nesterov's** form looks ahead to where momentum leads, and brakes before the turn.
# - **Adagrad** divides each step by the root of the sum of all squared gradients so far. Both
#   directions look alike to it, but its steps only ever shrink.
# - **RMSprop** takes a running mean of the squares instead of the sum, so that it goes on.
# - **Adam** is RMSprop with momentum, both corrected for their start at 0. **Nadam** looks ahead as
#   Nesterov does.
# - **AdamW** shrinks the weights by themselves, apart from the gradient; in Adam a penalty in the
#   loss would be divided away by the root.
#
# The formulas of all of them stand :doc:`here </formulas/optimizer>`. One update by hand:

before = np.array([-4.0, 1.2])
gradient = np.array([1.0, 25.0]) * before
m, v = 0.1 * gradient, 0.001 * gradient**2
step = 0.4 * np.sqrt(1 - 0.999) / (1 - 0.9) * m / (np.sqrt(v) + 1e-7)
assert np.allclose(descend(Adam(0.4), updates=1)[-1], before - step)
print(before - step)

# %%
# The first step of Adam has the same length along both weights, whatever the gradients are: that is
# what the division by the root does.
