"""
Autoencoder
===========

64 pixels pass through 8 units and come out again. What is not typical of digits is lost.
"""

import matplotlib.pyplot as plt

import ffnn

(x_train, _), (x_test, _) = ffnn.datasets.load_digits()
x_train, x_test = x_train / 16, x_test / 16
model = ffnn.Sequential.from_sizes(
    [64, 32, 8, 32, 64], ["relu", "linear", "relu", "sigmoid"], seed=0
)
model.compile("adam", "mean_squared_error")
model.fit(x_train, x_train, epochs=60, verbose=0)

fig, panels = plt.subplots(2, 8, figsize=(9, 2.6), layout="constrained")
for column in range(8):
    before, after = x_test[column], model.predict(x_test[column : column + 1])[0]
    for panel, pixels in zip(panels[:, column], (before, after), strict=True):
        panel.imshow(pixels.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        panel.set_axis_off()
