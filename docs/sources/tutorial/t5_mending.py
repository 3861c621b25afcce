"""
5. A training that fails
========================

The loss does not fall. What is wrong? Ask the model.
"""

import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling

(x, y), (x_test, y_test) = ffnn.datasets.load_digits()
x255 = np.round(x * 15.9).astype("uint8")  # as most picture files have them

model = ffnn.Sequential(
    [Dense(32, "sigmoid"), Dense(10, "softmax")], input_dim=64, seed=0
)
model.compile(ffnn.optimizers.SGD(0.1), "categorical_crossentropy", ["accuracy"])
history = model.fit(x255, y, epochs=10, verbose=0)
print(f"accuracy {history.history['accuracy'][-1]:.3f}")

# %%
# ``diagnose`` looks at the inputs, the units, the gradients, the targets and the learning rate, on
# a copy of the model. The most severe finding comes first, each with a remedy.

print(model.diagnose(x255, y))

# %%
# Pixels up to 255 drive the sigmoids to their ends, where they are flat. The remedy is a layer:

mended = ffnn.Sequential(
    [Rescaling(1 / 255), Dense(32, "sigmoid"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
mended.compile(ffnn.optimizers.SGD(0.1), "categorical_crossentropy", ["accuracy"])
history = mended.fit(x255, y, epochs=10, verbose=0)
print(f"accuracy {history.history['accuracy'][-1]:.3f}")

# %%
# Errors that speak
# -----------------
# Bad input stops before anything is computed, and the message says what to do.

table = np.hstack([x, y[:, None]])  # the label column was left in
try:
    mended.predict(table)
except ffnn.DataError as error:
    print(error)

# %%
# A training that diverges stops before the update that would ruin the weights:

risky = ffnn.Sequential([Dense(32, "relu"), Dense(1)], input_dim=64, seed=0)
risky.compile(ffnn.optimizers.SGD(10.0), "mean_squared_error")
try:
    risky.fit(x, y, epochs=5, verbose=0)
except ffnn.TrainingDivergedError as error:
    print(error)
