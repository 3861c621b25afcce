"""
The boundary between classes
============================

Two spirals, and what a network makes of the plane between them.
"""

import ffnn
from ffnn.visualization import plot_boundary

x, y = ffnn.datasets.make_toy("spiral", rows=400, noise=0.05)
model = ffnn.Sequential.from_sizes(
    [2, 32, 32, 2], ["tanh", "tanh", "softmax"], seed=0
)
model.compile(ffnn.optimizers.Adam(0.01), "categorical_crossentropy", ["accuracy"])
model.fit(x, y, epochs=120, verbose=0)

plot_boundary(model, x, y)
