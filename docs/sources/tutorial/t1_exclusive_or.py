"""
1. A network of nine numbers
============================

Exclusive or: the answer is yes if exactly one of two inputs is 1. No straight line separates the
two yes from the two no, so a single layer cannot learn it. Two layers can.
"""

import numpy as np

import ffnn
from ffnn.layers import Dense

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([0, 1, 1, 0])

# %%
# A model is a list of layers. The first has two units and the activation tanh, the second has one
# unit and a sigmoid, which answers with a probability. ``seed`` makes the run repeatable.

model = ffnn.Sequential(
    [Dense(2, "tanh"), Dense(1, "sigmoid")], input_dim=2, seed=5
)
model.summary()

# %%
# Before it can train, a model needs an optimizer, which says how weights move, and a loss, which
# says what is wrong. The probability of a yes is measured by its cross-entropy.

model.compile(ffnn.optimizers.SGD(1.0), "binary_crossentropy")
print(f"loss before: {model.evaluate(x, y):.3f}")
history = model.fit(x, y, epochs=1000, verbose=0)
print(f"loss after: {model.evaluate(x, y):.3f}")
print(model.predict(x).round(2).tolist())

# %%
# What it has learned
# -------------------
# Two inputs fill a plane, so the whole function can be drawn. The two hidden units cut the plane
# twice; between the cuts the answer is yes.

figure = ffnn.visualization.plot_boundary(model, x, y)

# %%
# All nine numbers, with the gradient of each:

figure = model.plot_graph()

# %%
# One step by hand
# ----------------
# Nothing here is hidden. The first layer computes z = x Wᵀ + b, and then tanh:

first = model.layers[0]
W, b = first.params["weight"], first.params["bias"]
hidden = np.tanh(x @ W.T + b)

second = model.layers[1]
z = hidden @ second.params["weight"].T + second.params["bias"]
p = 1 / (1 + np.exp(-z))
assert np.allclose(p, model.predict(x), atol=1e-6)
print(p.round(2).ravel())

# %%
# Where the gradients come from is told by :doc:`/mathematics/m1_backpropagation`.
#
# *Try:* train with ``seed=0``. Gradient descent then ends where every small step leads up, and two
# answers stay at 0.5. With 4 hidden units it succeeds more often.
