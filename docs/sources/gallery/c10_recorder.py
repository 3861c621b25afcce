"""
Watch gradients over the epochs
===============================

The recorder keeps the sizes of weights, gradients, updates and activations, layer by layer.
"""

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import Dense, Rescaling

(x, y), _ = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [
        Rescaling(1 / 16),
        *(Dense(32, "sigmoid") for _ in range(4)),
        Dense(10, "softmax"),
    ],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy")
model.fit(x, y, epochs=12, verbose=0, callbacks=[Recorder()])

figure = model.recording.plot()
