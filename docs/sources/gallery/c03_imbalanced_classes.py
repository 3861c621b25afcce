"""
Imbalanced classes
==================

One row in twenty is of class 1. Weights make each class count as much as the other.
"""

import numpy as np

import ffnn
from ffnn.metrics import confusion_matrix

x, y = ffnn.datasets.make_toy("gaussians", rows=4000, noise=1.0)
keep = (y == 0) | (np.arange(4000) % 20 == 0)
x, y = x[keep], y[keep]
half = len(x) // 2

for title, weights in (("no weights", None), ("balanced", {0: 1.0, 1: 20.0})):
    model = ffnn.Sequential.from_sizes([2, 16, 1], ["relu", "sigmoid"], seed=0)
    model.compile("adam", "binary_crossentropy")
    model.fit(x[:half], y[:half], epochs=20, verbose=0, class_weight=weights)
    matrix = confusion_matrix(y[half:], model.predict(x[half:]))
    found, all_rows = matrix[1, 1], matrix[1].sum()
    print(f"{title}: {found} of {all_rows} found, {matrix[0, 1]} false alarms")

# %%
# With weights the line moves to where both classes are equally likely to be misread:

figure = ffnn.visualization.plot_boundary(model, x[half:], y[half:])
