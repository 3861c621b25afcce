"""
Files larger than memory
========================

An HDF5 dataset is read a batch at a time. uint8 pixels stay uint8 until then.
"""

import tempfile
from pathlib import Path

import h5py
import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling

(x, y), (x_test, y_test) = ffnn.datasets.load_digits()
path = Path(tempfile.mkdtemp()) / "digits.h5"
with h5py.File(path, "w") as file:
    file["x"], file["y"] = np.tile(x, (5, 1)).astype("uint8"), np.tile(y, 5)
print(f"{path.stat().st_size / 1000:.0f} kB on disk")

model = ffnn.Sequential(
    [Rescaling(1 / 16), Dense(32, "relu"), Dense(10, "softmax")],
    input_dim=64,
    seed=0,
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
with h5py.File(path) as file:
    history = model.fit(file["x"], np.asarray(file["y"]), epochs=3, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test)
print(f"accuracy {accuracy:.3f}")
figure = history.plot()
