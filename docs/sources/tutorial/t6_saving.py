"""
6. Saving, resuming, exporting
==============================

A model is one file. It continues where it stopped, bit for bit, and other programs can run it.
"""

import tempfile
from pathlib import Path

import numpy as np

import ffnn
from ffnn.callbacks import ModelCheckpoint
from ffnn.layers import Dense, Dropout, Rescaling

folder = Path(tempfile.mkdtemp())
(x, y), (x_test, y_test) = ffnn.datasets.load_digits()


def build():
    """Return a new model, always the same."""
    layers = [
        Rescaling(1 / 16),
        Dense(64, "relu"),
        Dropout(0.2),
        Dense(10, "softmax"),
    ]
    model = ffnn.Sequential(layers, input_dim=64, seed=0)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


model = build()
model.fit(x, y, epochs=10, verbose=0)
model.save(folder / "digits.h5")

loaded = ffnn.load_model(folder / "digits.h5")
assert np.array_equal(loaded.predict(x_test), model.predict(x_test))
print(f"{(folder / 'digits.h5').stat().st_size / 1000:.0f} kB")

# %%
# Resume
# ------
# A checkpoint after each epoch makes it possible to stop at any time. Here the training stops after
# 4 of 10 epochs; resumed, it ends with the very same weights: shuffling, dropout masks and the
# optimizer's memory are in the file.

half = build()
half.fit(x, y, epochs=4, verbose=0, callbacks=[ModelCheckpoint(folder / "half.h5")])
resumed = build()
again = [
    ModelCheckpoint(folder / "half.h5")
]  # a training is resumed with the same callbacks
resumed.fit(
    x, y, epochs=10, verbose=0, callbacks=again, resume_from=folder / "half.h5"
)
assert np.array_equal(resumed.parameters, model.parameters)

# %%
# Export
# ------
# The suffix says the format. The Python file needs nothing but Python itself.

for suffix in (".c", ".py", ".js"):
    model.export(folder / f"digits{suffix}")
    print(suffix, f"{(folder / f'digits{suffix}').stat().st_size / 1000:.0f} kB")

# %%
# ONNX, PyTorch, Keras and scikit-learn, in and out: :doc:`/exchange`.
#
# Grow
# ----
# - Files larger than memory: :doc:`/gallery/c06_large_files`.
# - Trained layers in another network: :doc:`/fine-tuning`.
# - What can be relied on when something goes wrong: :doc:`/reliability`.
