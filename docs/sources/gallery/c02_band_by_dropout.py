"""
Regression with a band, by dropout
==================================

Dropout that stays switched on gives another answer each time. How far the answers differ shows
where the network has seen nothing.

See Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.layers import Dense, Dropout

rng = np.random.default_rng(0)
x = rng.uniform(-3, 1, (150, 1))
y = np.sin(2 * x) + 0.1 * rng.normal(size=x.shape)
model = ffnn.Sequential(
    [Dense(64, "tanh"), Dropout(0.1), Dense(64, "tanh"), Dropout(0.1), Dense(1)],
    input_dim=1,
    seed=0,
)
model.compile(ffnn.optimizers.Adam(0.005), "mean_squared_error")
model.fit(x, y, epochs=200, verbose=0)

grid = np.linspace(-3, 3, 121, dtype="float32")[:, None]
answers = np.array([model.forward(grid, training=True).copy() for _ in range(100)])
mean, std = answers.mean(axis=0)[:, 0], answers.std(axis=0)[:, 0]

fig, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.fill_between(grid[:, 0], mean - 2 * std, mean + 2 * std, alpha=0.25)
axes.plot(grid, mean)
axes.plot(x, y, ".", color="black", markersize=3)
