"""
4. Seeing inside
================

What happens between the input and the answer.
"""

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import Dense, Rescaling

(x_train, y_train), (x_test, y_test) = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(32, "relu"), Dense(16, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, verbose=0, callbacks=[Recorder()])

# %%
# Every number is there
# ---------------------
# Arrays are live: what is written into them changes the model.

layer = model.layers[1]
print(layer.params["weight"].shape, layer.grads["weight"].shape)
print(model.parameters.size, "parameters, the first of them", model.parameters[:3])

# %%
# Over time
# ---------
# The recorder has kept the sizes of weights, gradients and updates at each epoch.

figure = model.recording.plot()

# %%
# Layer by layer
# --------------

figure = model.plot_distributions([1, 2, 3])

# %%
# The graph
# ---------
# Of a network this large the strongest edges are drawn. ``model.save_graph("digits.html")`` makes a
# page in which a digit passes the network, and each edge tells its numbers.

figure = model.plot_graph()

# %%
# A step with its numbers
# -----------------------
# Two units of a layer, on one digit. Formulas and numbers come from the layers themselves.

print(model.explain_step(x_train[:1], y_train[:1], layer="dense_2", units=[0, 5]))

# %%
# Why this answer?
# ----------------
# Which pixels spoke for it? Each gets its share of the difference to a blank picture.

gains = model.contributions(x_test[:1])
print(gains)
