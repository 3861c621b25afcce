"""
Compare trainings
=================

Three optimizers on the same network, from the same weights.
"""

import ffnn
from ffnn.layers import Dense, Rescaling
from ffnn.visualization import compare_histories

(x_train, y_train), test = ffnn.datasets.load_digits()
histories = {}
for name in ("sgd", "rmsprop", "adam"):
    model = ffnn.Sequential(
        [Rescaling(1 / 16), Dense(32, "relu"), Dense(10, "softmax")],
        input_dim=64,
        seed=0,
    )
    model.compile(name, "categorical_crossentropy", metrics=["accuracy"])
    histories[name] = model.fit(
        x_train, y_train, epochs=15, verbose=0, validation_data=test
    )

figure = compare_histories(histories)
