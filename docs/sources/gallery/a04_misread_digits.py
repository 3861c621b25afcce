"""
Misread digits
==============

The test digits that a network gets most wrong, most severe first.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling

(x_train, y_train), (x_test, y_test) = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(32, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train, epochs=10, verbose=0)

p = model.predict(x_test)
of_the_right = p[np.arange(len(p)), y_test]
worst = np.argsort(of_the_right)[:8]

fig, panels = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for panel, row in zip(panels.flat, worst, strict=True):
    panel.imshow(x_test[row].reshape(8, 8), cmap="gray_r")
    guess = p[row].argmax()
    panel.set_title(
        f"{y_test[row]} taken for {guess} ({p[row, guess]:.0%})", size=9
    )
    panel.set_axis_off()
