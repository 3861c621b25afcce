"""
A metric of your own
====================

A plain function of targets and outputs is enough; it is called once an epoch with all rows.
"""

import numpy as np

import ffnn


def within_a_tenth(y_true, y_pred):
    """Return the fraction of answers at most 0.1 away."""
    return np.mean(np.abs(y_true - y_pred) <= 0.1)


x, y = ffnn.datasets.make_toy("hill", noise=0.02)
model = ffnn.Sequential.from_sizes([2, 16, 1], ["tanh", "linear"], seed=0)
model.compile(
    ffnn.optimizers.Adam(0.01), "mean_squared_error", metrics=[within_a_tenth]
)
history = model.fit(x, y, epochs=40, verbose=0)
figure = history.plot()
