"""
How well it answers
===================

A report measures a model on rows that it has not seen, and finds its mistakes.
"""

import ffnn
from ffnn.layers import Dense, Rescaling

(x, y), (x_test, y_test) = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(32, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy")
model.fit(x, y, epochs=10, verbose=0)

report = model.report(x_test, y_test)
print(report)
figure = report.plot()
