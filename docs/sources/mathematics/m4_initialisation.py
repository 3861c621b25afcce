r"""
Where weights begin
===================

All zeros learn nothing, large numbers saturate, small ones fade. The variance says how large is
right.

A unit adds up :math:`m` inputs: :math:`z = \sum_k w_k x_k`. If the weights have mean 0 and are
independent of the inputs, variances add up:

.. math:: \mathrm{Var}(z) = m \, \mathrm{Var}(w) \, \mathrm{E}(x^2).

To keep the size from layer to layer, :math:`\mathrm{Var}(w) = 1/m`: this is LeCun's rule. A ReLU
sets half of its inputs to 0 and halves :math:`\mathrm{E}(x^2)`, so He's rule is :math:`2/m`. On
the way back the sums run over the units instead; Glorot's rule, :math:`2 / (m + u)`, is in between.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.initializers import GlorotUniform, HeNormal, RandomNormal
from ffnn.layers import Dense

x = np.random.default_rng(0).normal(size=(500, 100))
rules = {
    "N(0, 0.001)": RandomNormal(0.0, 0.001),
    "N(0, 1)": RandomNormal(0.0, 1.0),
    "Glorot": GlorotUniform(),
    "He": HeNormal(),
}

fig, panels = plt.subplots(
    1, 2, figsize=(10, 3.4), layout="constrained", sharex=True
)
for panel, activation in zip(panels, ("relu", "tanh"), strict=True):
    for name, rule in rules.items():
        layers = [
            Dense(100, activation, weight_initializer=rule) for _ in range(10)
        ]
        model = ffnn.Sequential(layers, input_dim=100, seed=0)
        model.build(100)
        sizes, y = [], x.astype("float32")
        for layer in model.layers:
            y = layer.forward(y)
            sizes.append(float(np.sqrt(np.mean(y**2))))
        panel.semilogy(range(1, 11), sizes, marker="o", markersize=3, label=name)
    panel.set(
        title=activation,
        xlabel="layer",
        ylim=(1e-8, 1e12 if activation == "relu" else 10),
    )
    panel.grid(alpha=0.3)
panels[0].set_ylabel("size of the outputs")
panels[1].legend(frameon=False)

# %%
# With ReLU only He's rule keeps the size over ten layers. With tanh Glorot's does; at variance 1
# every tanh is near ±1, where its slope is nearly 0 and nothing is learned.
#
# Zeros
# -----
# If all weights of a layer are equal, all of its units compute the same and get the same gradient:
# they stay equal for ever. A network of zeros with ReLU has no gradient at all but for the last
# bias.

model = ffnn.Sequential.from_sizes(
    [4, 5, 3], ["relu", "softmax"], weight_initializer="zeros", seed=0
)
model.compile("sgd", "categorical_crossentropy")
model.compute_gradients(x[:8, :4], np.arange(8) % 3)
for layer in model.layers:
    for name, gradient in layer.grads.items():
        print(f"{layer.name} {name}: largest gradient {np.abs(gradient).max():.3f}")

# %%
# ``diagnose`` says so, too:

print(model.diagnose(x[:100, :4], np.arange(100) % 3))
