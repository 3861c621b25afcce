"""
Find a learning rate
====================

A copy of the model is trained for a moment at ever higher rates.
"""

import ffnn
from ffnn.layers import Dense, Rescaling

(x_train, y_train), _ = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(64, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("sgd", "categorical_crossentropy")

curve = ffnn.find_learning_rate(model, x_train, y_train)
print(curve)
figure = curve.plot()
