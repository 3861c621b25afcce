"""
A callback of your own
======================

It is called at the end of each epoch, and sees the model and the numbers of the epoch. This one
keeps what the network answers while it learns.
"""

import matplotlib.pyplot as plt
import numpy as np

import ffnn
from ffnn.callbacks import Callback

x = np.linspace(-3, 3, 200)[:, None]
y = np.sin(2 * x)


class KeepAnswers(Callback):
    def __init__(self, every):
        self.every, self.answers = every, {}

    def on_epoch_end(self, epoch, logs):
        if (epoch + 1) % self.every == 0:
            self.answers[epoch + 1] = self.model.predict(x)


model = ffnn.Sequential.from_sizes([1, 32, 1], ["tanh", "linear"], seed=0)
model.compile(ffnn.optimizers.Adam(0.01), "mean_squared_error")
kept = KeepAnswers(every=50)
model.fit(x, y, epochs=200, verbose=0, callbacks=[kept])

fig, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(x, y, color="black", linewidth=4, alpha=0.2, label="target")
for epoch, answer in kept.answers.items():
    axes.plot(x, answer, label=f"epoch {epoch}")
axes.legend(frameon=False)
