r"""
An optimizer of your own
========================

Lion keeps one running mean and takes only the sign of what it points to:
:math:`w \leftarrow w - \eta\, \mathrm{sign}(\beta_1 m + (1 - \beta_1) g)`, then
:math:`m \leftarrow \beta_2 m + (1 - \beta_2) g`.

An optimizer works on all parameters at once, as one vector, and in place.
"""

import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling
from ffnn.optimizers import Optimizer
from ffnn.visualization import compare_histories


class Lion(Optimizer):
    @property
    def slot_names(self):
        return ("m",)

    def __init__(self, learning_rate=0.0003, beta_1=0.9, beta_2=0.99):
        super().__init__(learning_rate)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update(self, rate, w, g, scratch, *memory):
        (m,) = memory
        np.multiply(m, self.beta_1, out=scratch)
        scratch += (1 - self.beta_1) * g
        w -= rate * np.sign(scratch)
        m *= self.beta_2
        m += (1 - self.beta_2) * g


(x, y), test = ffnn.datasets.load_digits()
histories = {}
for name, optimizer in {"Adam": ffnn.optimizers.Adam(), "Lion": Lion()}.items():
    model = ffnn.Sequential(
        [Rescaling(1 / 16), Dense(32, "relu"), Dense(10, "softmax")],
        input_dim=64,
        seed=0,
    )
    model.compile(optimizer, "categorical_crossentropy")
    histories[name] = model.fit(x, y, epochs=15, verbose=0, validation_data=test)

figure = compare_histories(histories)
