"""
Freeze and fine-tune
====================

A network that tells ten digits apart has learned layers that serve another question, for which
there are only 30 answered rows: is the digit even or odd?
"""

import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling

(x, y), (x_test, y_test) = ffnn.datasets.load_digits()
old = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(64, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
old.compile("adam", "categorical_crossentropy")
old.fit(x, y, epochs=30, verbose=0)

# %%
# The new network begins with copies of the old layers. Frozen, they keep what they have learned.

few, histories = np.arange(30), {}
for title, body in (
    ("copied and frozen", [layer.copy() for layer in old.layers]),
    (
        "from the beginning",
        [Rescaling(1 / 16), Dense(64, "relu"), Dense(10, "relu")],
    ),
):
    new = ffnn.Sequential([*body, Dense(2, "softmax")], input_dim=64, seed=0)
    if title == "copied and frozen":
        for layer in body:
            layer.trainable = False
    new.compile(
        ffnn.optimizers.Adam(0.05), "categorical_crossentropy", ["accuracy"]
    )
    histories[title] = new.fit(
        x[few],
        y[few] % 2,
        epochs=60,
        verbose=0,
        validation_data=(x_test, y_test % 2),
    )
    _, accuracy = new.evaluate(x_test, y_test % 2)
    print(f"{title}: {accuracy:.3f} of {len(y_test)} test rows")

figure = ffnn.visualization.compare_histories(histories)
