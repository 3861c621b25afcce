"""
2. Handwritten digits
=====================

1,437 pictures of 8 by 8 pixels to learn from, and 360 others to test what was learned.
"""

import matplotlib.pyplot as plt

import ffnn
from ffnn.layers import Dense, Dropout, Rescaling

(x_train, y_train), (x_test, y_test) = ffnn.datasets.load_digits()
print(x_train.shape, x_train.min(), x_train.max(), y_train[:10])

fig, panels = plt.subplots(1, 8, figsize=(9, 1.5), layout="constrained")
for panel, pixels, digit in zip(panels, x_train, y_train, strict=False):
    panel.imshow(pixels.reshape(8, 8), cmap="gray_r")
    panel.set_title(int(digit))
    panel.set_axis_off()

# %%
# Pixels go from 0 to 16. Networks learn best from numbers of about 1, so the first layer rescales;
# being a layer, it is saved with the model and cannot be forgotten later. The last layer has a unit
# for each digit, and its softmax makes probabilities of them.

model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(64, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

# %%
# A tenth of the rows is kept aside. What the network makes of these says whether it learns or
# only remembers.

history = model.fit(x_train, y_train, epochs=30, validation_split=0.1, verbose=0)
figure = history.plot()

# %%
loss, accuracy = model.evaluate(x_test, y_test)
print(f"{accuracy:.1%} of the test digits are read correctly")

# %%
# Less remembering
# ----------------
# A larger network remembers more. Dropout switches units off at random while it trains, so that
# none relies on another.

larger = ffnn.Sequential(
    [
        Rescaling(1 / 16),
        Dense(256, "relu"),
        Dropout(0.4),
        Dense(256, "relu"),
        Dropout(0.4),
        Dense(10, "softmax"),
    ],
    input_dim=64,
    seed=0,
)
larger.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
larger.fit(x_train, y_train, epochs=30, verbose=0)
loss, accuracy = larger.evaluate(x_test, y_test)
print(f"{accuracy:.1%} with {larger.count_params():,} parameters and dropout")

# %%
# Which learning rate?
# --------------------
# ``adam`` takes 0.001, which is seldom wrong. To find one, see
# :doc:`/gallery/a05_learning_rate`.
#
# *Try:* ``"sgd"`` in place of ``"adam"``. How many epochs does it need?
