"""
Confusion matrix
================

Which digits are taken for which.
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
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, verbose=0)

matrix = ffnn.metrics.confusion_matrix(y_test, model.predict(x_test))

fig, axes = plt.subplots(figsize=(5, 5), layout="constrained")
axes.imshow(np.sqrt(matrix), cmap="Blues")
for row, column in np.ndindex(matrix.shape):
    if count := matrix[row, column]:
        colour = "white" if row == column else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
axes.set(xticks=range(10), yticks=range(10), xlabel="taken for", ylabel="digit")
