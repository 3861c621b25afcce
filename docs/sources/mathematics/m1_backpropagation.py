r"""
Backpropagation
===============

A network of two layers, and where each of its gradients comes from.

A batch has :math:`n` rows. It stands in a matrix :math:`x` of shape (n, inputs), one row for each
example. A fully connected layer has a weight :math:`W` of shape (units, inputs) and a bias
:math:`b` of shape (units,). It computes

.. math:: z = x W^T + b, \qquad y = f(z).
"""

import numpy as np

import ffnn
from ffnn.layers import Dense

rng = np.random.default_rng(0)
x, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))

model = ffnn.Sequential(
    [Dense(5, "tanh"), Dense(2)], input_dim=3, dtype="float64", seed=0
)
model.compile("sgd", "mean_squared_error")
W1, b1 = model.layers[0].params["weight"], model.layers[0].params["bias"]
W2, b2 = model.layers[1].params["weight"], model.layers[1].params["bias"]

# %%
# The way forward
# ---------------
# Each line takes what the line above has made. The loss at the end is one number: the mean of the
# squared errors over all :math:`n u` entries.

z1 = x @ W1.T + b1
y1 = np.tanh(z1)
p = y1 @ W2.T + b2
loss = np.mean((p - target) ** 2)

assert np.isclose(loss, model.evaluate(x, target))
print(f"loss {loss:.4f}")

# %%
# The way back
# ------------
# Let :math:`\delta = \frac{\partial L}{\partial z}` be the gradient that arrives at a layer. One
# entry of :math:`z` is :math:`z_{ij} = \sum_k x_{ik} W_{jk} + b_j`. So
#
# - :math:`W_{jk}` acts on :math:`z_{ij}` in every row :math:`i`, by :math:`x_{ik}`. The chain rule
#   adds up the rows:
#   :math:`\frac{\partial L}{\partial W_{jk}} = \sum_i \delta_{ij} x_{ik}`, which is
#   :math:`\delta^T x`.
# - :math:`b_j` acts by 1: :math:`\frac{\partial L}{\partial b_j} = \sum_i \delta_{ij}`.
# - :math:`x_{ik}` acts on all units of its row:
#   :math:`\frac{\partial L}{\partial x_{ik}} = \sum_j \delta_{ij} W_{jk}`, which is
#   :math:`\delta W`. This is what the layer before is given.
#
# An activation acts entry by entry. It multiplies what arrives by its slope; for tanh that is
# :math:`1 - y^2`.

delta2 = 2 * (p - target) / p.size
dW2, db2 = delta2.T @ y1, delta2.sum(axis=0)
dy1 = delta2 @ W2
delta1 = dy1 * (1 - y1**2)
dW1, db1 = delta1.T @ x, delta1.sum(axis=0)

# %%
# The layers compute the same:

model.compute_gradients(x, target)
first, second = model.layers
for name, by_hand, by_layer in (
    ("W1", dW1, first.grads["weight"]),
    ("b1", db1, first.grads["bias"]),
    ("W2", dW2, second.grads["weight"]),
    ("b2", db2, second.grads["bias"]),
):
    print(f"{name}: largest difference {np.abs(by_hand - by_layer).max():.0e}")
    assert np.allclose(by_hand, by_layer)

# %%
# What it costs
# -------------
# The way forward has one matrix product for each layer, the way back has two: one for the weight,
# one for the input. The first layer's input needs no gradient, so its second product is left out.
# That is why a training step takes a little less than three times as long as a prediction.
#
# The same, drawn
# ---------------
# ``explain_step`` takes the numbers out of the layers and draws them: values on the way forward,
# gradients on the way back.

small = ffnn.Sequential.from_sizes([2, 2, 1], ["tanh", "linear"], seed=0)
small.compile("sgd", "mean_squared_error")
figure = small.explain_step([[1.0, 0.5]], [[1.0]]).plot()
